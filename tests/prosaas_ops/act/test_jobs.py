"""`make jobs` and `make retry-job`: the worker's own tool, in the operator's language."""

from typing import Any

import pytest

from prosaas_ops.act import jobs
from prosaas_ops.options import NOTHING, Usage


def test_the_worker_is_asked_in_the_operator_s_language_and_its_answer_is_the_command_s(
    engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jobs, "opened", lambda: engine)
    monkeypatch.setenv("OPS_LANG", "he")
    engine.on_run = lambda service, command: (NOTHING, "said\n", "complained\n")
    assert jobs.run(options("retry-job", ID="12 13")) == NOTHING
    assert engine.executed == [("worker", "python", "-m", "prosaas_worker.admin", "retry", "12", "13")]
    assert engine.environments == [{"OPS_LANG": "he"}]
    assert capsys.readouterr() == ("said\n", "complained\n")


@pytest.mark.parametrize("ids", ["", "12; rm", "-1", "7 99999999999999999999", "\u0667"])
def test_what_is_no_number_of_a_job_reaches_no_worker(ids: str, options: Any) -> None:
    with pytest.raises(Usage, match="ID="):
        jobs.run(options("retry-job", ID=ids))
