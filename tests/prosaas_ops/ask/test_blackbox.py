"""The black box as a person reads it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from prosaas_ops.ask import blackbox
from prosaas_ops.options import FINE, NOTHING, Problem
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.records import Record

CALL = "CA0123456789abcdef0123456789abcdef"


def test_a_dump_tells_its_reason_and_its_records_from_the_first_on(
    screen: Screen, json_line: Callable[..., str]
) -> None:
    rows = [
        json.dumps({"blackbox": "CA1", "kind": "call", "reason": "error", "records": 2}),
        json_line("DEBUG", "rms=3", event="RMS", timestamp="2024-01-25T14:00:00.000000Z"),
        json_line("ERROR", "x", timestamp="2024-01-25T14:00:01.250000Z", error={"stack": "Traceback"}),
    ]
    assert list(blackbox.describe(blackbox.recordings(rows, []), screen)) == [
        "call CA1: 2 records, error",
        "    +0.000  [DEBUG] [RMS] rms=3",
        "    +1.250  [ERROR] x",
        "              Traceback",
    ]


def test_frames_are_runs_between_the_calls_own_lines_and_the_trigger_comes_last(
    answering: Any, options: Any, json_line: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [
        json_line(
            "DEBUG", f"seq={number}", event=event, timestamp=f"2024-01-25T14:00:0{number // 10}.{number % 10}00000Z"
        )
        for number in range(20)
        for event in ("MEDIA_IN", "RMS")
    ]
    head = json.dumps({"blackbox": CALL, "kind": "call", "reason": "error", "records": 40})
    own = json_line("DEBUG", "jitter buffer: depth=3", timestamp="2024-01-25T14:00:01.950000Z")
    answering.on_run = lambda service, command: (0, "\n".join([head, *frames, own]), "")
    answering.write("prosaas-calls", 0.95, f"[INFO] 🎤 [GREETING] מנגן ברכה · call_sid={CALL}")
    answering.write("prosaas-calls", 0.96, "[INFO] of another · call_sid=CAother", "[DEBUG] of nobody")
    answering.write("prosaas-calls", 2.5, f"[ERROR] ❌ [REALTIME] x · call_sid={CALL}", "    ValueError: y")
    answering.write("prosaas-calls", 60.0, f"[INFO] long after · call_sid={CALL}")
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    assert capsys.readouterr().out.splitlines()[1:-1] == [
        "    +0.000  … MEDIA_IN ×10, RMS ×10 in 0.90 s",
        "    +0.950  [INFO] 🎤 [GREETING] מנגן ברכה",
        "    +1.000  … MEDIA_IN ×10, RMS ×10 in 0.90 s",
        "    +1.950  [DEBUG] jitter buffer: depth=3",
        "    +2.500  [ERROR] ❌ [REALTIME] x",
        "                ValueError: y",
    ]
    blackbox.run(options("blackbox", CALL=CALL, LEVEL="DEBUG"))
    assert capsys.readouterr().out.count("[MEDIA_IN]") == 20


def test_a_warning_that_the_log_counted_with_those_of_other_calls_is_in_the_box(
    answering: Any, options: Any, json_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    said = {"level": "WARNING", "event": "REALTIME_RETRY", "text": "no connection to OpenAI, error=closed with 1011"}
    started = datetime(2024, 1, 25, 14, 0, tzinfo=UTC)
    record = Record(
        CALL, "", "", "inbound", "", "", "completed", started, started, 9.0, "model_failed", {}, [],
        [{"t_ms": 1500, **said}, {"t_ms": 2500, "level": "INFO", "event": "CALL_END", "text": "x"}], "",
    )  # fmt: skip
    monkeypatch.setattr(blackbox, "call_record", {CALL: record}.get)
    head = json.dumps({"blackbox": CALL, "kind": "call", "reason": "model_failed", "records": 2})
    frames = [json_line("DEBUG", "x", timestamp=f"2024-01-25T14:00:0{at}.000000Z") for at in (1, 2)]
    answering.on_run = lambda service, command: (0, "\n".join([head, *frames]), "")
    answering.write("prosaas-calls", 2.5, f"[INFO] [CALL_END] x · call_sid={CALL}")
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    assert capsys.readouterr().out.splitlines()[1:-1] == [
        "    +0.000  [DEBUG] x",
        "    +0.500  [WARNING] 🔁 [REALTIME] no connection to OpenAI, error=closed with 1011",
        "    +1.000  [DEBUG] x",
        "    +1.500  [INFO] [CALL_END] x",
    ]


def test_a_file_that_is_cut_off_is_told_as_far_as_it_goes(screen: Screen) -> None:
    rows = ['{"blackbox": "CA1", "kind": "call", "reason": "x", "records": 2}', '{"times']
    assert list(blackbox.describe(blackbox.recordings(rows, []), screen)) == ["call CA1: 2 records, x"]


@pytest.fixture
def answering(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(blackbox, "opened", lambda: engine)
    return engine


def test_a_call_without_a_recording_matches_nothing(answering: Any, options: Any) -> None:
    answering.on_run = lambda service, command: (3, "", "nothing recorded")
    assert blackbox.run(options("blackbox", CALL=CALL)) == NOTHING


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
        blackbox.run(options("blackbox", CALL=CALL))


def test_the_generation_that_holds_the_call_is_found(
    answering: Any, options: Any, json_line: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is still in memory, only one of them has; its lines may be those of one that is gone."""
    head = json.dumps({"blackbox": CALL, "kind": "call", "reason": "asked", "records": 1})
    own = json_line("DEBUG", "rms=3", timestamp="2024-01-25T14:00:01.000000Z")
    answering.begin("prosaas-calls")
    answers = iter([(3, "", "nothing"), (0, f"{head}\n{own}", "")])
    answering.on_run = lambda service, command: next(answers)
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    assert answering.ran_in == ["new", "prosaas-calls"]
    assert "rms=3" in capsys.readouterr().out
