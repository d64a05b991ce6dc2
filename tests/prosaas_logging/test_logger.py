"""What code says is written, kept or dropped by its level alone, and a fault in it costs no more than its fields."""

from typing import Any

import pytest

from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import AUDIO_DELTA, GREETING, STDERR, STDOUT
from prosaas_logging.levels import CRITICAL, DEBUG, ERROR, INFO, WARNING
from prosaas_logging.policy import Policy, apply
from prosaas_logging.record import Context, Record

log = get_logger("tests.logger")
LEVELS = (DEBUG, INFO, WARNING, ERROR, CRITICAL)


def say_all() -> None:
    """A text and, where the catalogue has one, an event of each level."""
    for say in (log.debug, log.info, log.warning, log.error, log.critical):
        say("said", by="hand")
    log.event(AUDIO_DELTA, response_id="r", bytes=1)
    log.event(STDOUT, text="x")
    log.event(STDERR, text="x")


def levels_of(records: list[Record]) -> list[int]:
    return [record[1] for record in records]


@pytest.mark.parametrize("threshold", LEVELS)
@pytest.mark.parametrize("ring", [0, 50])
@pytest.mark.parametrize("named", [False, True])
def test_a_level_and_what_is_above_it_is_written_and_the_rest_kept_if_somebody_keeps_it(
    threshold: int, ring: int, named: bool
) -> None:
    """It makes no difference whether the level is the service's or this logger's own."""
    written: list[Record] = []
    levels: dict[str, Any] = {"names": (("tests", threshold),), "threshold": WARNING} if named else {}
    apply(
        Policy(**{"threshold": threshold, "ring": ring, "submit": lambda record, _: written.append(record), **levels})
    )
    with scope(call_sid="CA1") as call:
        say_all()
        kept = call.drain()
    said = [*LEVELS, DEBUG, INFO, WARNING]
    assert levels_of(written) == [level for level in said if level >= threshold]
    assert levels_of(kept) == [level for level in said if level < threshold and ring]
    assert log.tracing is (ring > 0 or threshold == DEBUG)


@pytest.mark.parametrize("ring", [0, 50])
@pytest.mark.parametrize("names", [(), (("tests", INFO),)])
def test_what_cannot_be_taken_is_said_at_least_without_its_fields(
    ring: int, names: tuple[tuple[str, int], ...]
) -> None:
    said: list[tuple[object, ...]] = []

    def submit(record: Record, _: Context) -> None:
        if "not_logged" not in record[4]:
            raise RuntimeError
        said.append((record[1], record[3], record[4]))

    apply(Policy(ring=ring, names=names, submit=submit))
    log.info("text", order=7)
    log.event(GREETING)
    log.event(AUDIO_DELTA, response_id="r", bytes=1)
    without = {"not_logged": "RuntimeError"}
    assert said == [(INFO, "text", without), (INFO, GREETING, without)]


def test_an_exception_has_the_stack_of_what_is_handled_unless_it_is_given_another() -> None:
    written: list[Record] = []
    apply(Policy(submit=lambda record, _: written.append(record)))
    try:
        raise KeyError("handled")
    except KeyError:
        log.exception("failed")
        log.exception("failed", exc_info=ValueError("given"))
        log.bind(order=7).error("refused")
    kinds = [record[5].kind if record[5] else None for record in written]
    assert (levels_of(written), kinds) == ([ERROR] * 3, ["KeyError", "ValueError", None])
    assert written[2][2].fields == {"order": 7}
    assert repr(log) == "<Logger 'tests.logger'>"
