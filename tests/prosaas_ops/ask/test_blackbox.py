"""The flight recorder as a person reads it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from prosaas_ops.ask import blackbox
from prosaas_ops.options import FINE, NOTHING, Problem
from prosaas_ops.screen.terminal import Screen


def test_a_dump_tells_its_reason_and_its_records_from_the_first_on(
    screen: Screen, json_line: Callable[..., str]
) -> None:
    rows = [
        json.dumps({"blackbox": "CA1", "kind": "call", "reason": "error", "records": 2}),
        json_line("DEBUG", "rms=3", event="RMS", timestamp="2024-01-25T14:00:00.000000Z"),
        json_line("ERROR", "x", timestamp="2024-01-25T14:00:01.250000Z", error={"stack": "Traceback"}),
    ]
    assert list(blackbox.describe(rows, screen)) == [
        "call CA1: 2 records, error",
        "    +0.000  [DEBUG] [RMS] rms=3",
        "    +1.250  [ERROR] x",
        "              Traceback",
    ]


@pytest.fixture
def answering(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(blackbox, "Engine", lambda: engine)
    return engine


def test_a_call_without_a_recording_matches_nothing(answering: Any, options: Any) -> None:
    answering.on_run = lambda service, command: (3, "", "nothing recorded")
    assert blackbox.run(options("blackbox", CALL="CA1")) == NOTHING


def test_without_a_call_the_recordings_are_listed(
    answering: Any, options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answering.on_run = lambda service, command: (0, "2024-01-25T14:00:00Z  1234  CA1\n", "")
    assert blackbox.run(options("blackbox")) == FINE
    assert answering.executed == [("prosaas-calls", "logctl", "blackbox")]
    assert "1234  CA1" in capsys.readouterr().out


def test_a_recorder_that_fails_is_a_problem(answering: Any, options: Any) -> None:
    answering.on_run = lambda service, command: (1, "", "disk full")
    with pytest.raises(Problem, match="disk full"):
        blackbox.run(options("blackbox", CALL="CA1"))
