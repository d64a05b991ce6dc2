"""A job of RQ's that says it did not succeed is an end that somebody looks into."""

from types import SimpleNamespace

import pytest

from prosaas_logging import get_logger
from prosaas_logging.adopt.rq import scoped
from prosaas_logging.policy import Policy, Recorded, apply

log = get_logger("tests.rq")


@pytest.mark.parametrize(("done", "ends"), [(True, []), (False, [("7", "failed")])])
def test_a_job_that_failed_leaves_its_recording(done: bool, ends: list[tuple[str, str]]) -> None:
    kept: list[tuple[str, str]] = []

    def dump(ended: Recorded, reason: str, always: bool) -> bool:
        kept.append((ended.id, reason))
        return True

    def perform(_worker: object, _job: object) -> bool:
        log.debug("adding up")
        return done

    apply(Policy(ring=100, submit=lambda *_: None, dump=dump))
    assert scoped(perform)(None, SimpleNamespace(id="7")) is done
    assert kept == ends
