"""The black box as a person reads it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ports import free_port
from postgres_world import as_role, fill_database
from prosaas_core.postgres.roles import OPS
from prosaas_ops.ask import blackbox
from prosaas_ops.options import FINE, NOTHING, Problem
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.engine import Container
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


def test_a_line_that_was_folded_into_the_box_is_told_once(
    answering: Any, options: Any, json_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The record has it too, at a time that is not quite the same."""
    started = datetime(2024, 1, 25, 14, 0, tzinfo=UTC)
    folded = {"t_ms": 1499, "level": "INFO", "event": "RESPONSE_CREATED", "text": "response_id=r1"}
    record = Record(
        CALL, "", "", "inbound", "", "", "completed", started, started, 9.0, "model_failed", {}, [], [folded], ""
    )
    monkeypatch.setattr(blackbox, "call_record", {CALL: record}.get)
    head = json.dumps({"blackbox": CALL, "kind": "call", "reason": "model_failed", "records": 3})
    rows = [
        json_line("DEBUG", "x", timestamp="2024-01-25T14:00:01.000000Z"),
        json_line("INFO", "response_id=r1", event="RESPONSE_CREATED", timestamp="2024-01-25T14:00:01.500000Z"),
        json_line("DEBUG", "x", timestamp="2024-01-25T14:00:02.000000Z"),
    ]
    answering.on_run = lambda service, command: (0, "\n".join([head, *rows]), "")
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    assert capsys.readouterr().out.count("[RESPONSE_CREATED]") == 1


def test_a_file_that_is_cut_off_is_told_as_far_as_it_goes(screen: Screen) -> None:
    rows = ['{"blackbox": "CA1", "kind": "call", "reason": "x", "records": 2}', '{"times']
    assert list(blackbox.describe(blackbox.recordings(rows, []), screen)) == ["call CA1: 2 records, x"]


@pytest.mark.parametrize("row", ["[1]", "5", "null", '"blackbox"', "[" * 30_000])
def test_what_is_no_record_is_passed_over(row: str, screen: Screen) -> None:
    rows = ['{"blackbox": "CA1"}', row]
    assert list(blackbox.describe(blackbox.recordings(rows, []), screen)) == ["? CA1: ? records, ?"]


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
    # A file is that of both: who has it is asked, and nobody after that.
    answering.ran_in.clear()
    answering.on_run = lambda service, command: (0, f"{head}\n{own}", "")
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    assert answering.ran_in == ["new"]


def head(place: str, reason: str = "error") -> str:
    return json.dumps({"blackbox": CALL, "kind": "call", "reason": reason, "records": 1, "place": place})


@pytest.fixture
def keep(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts black boxes into a database that is real, as the role of the tools reads it."""
    monkeypatch.setenv("DATABASE_URL", as_role(database_url, OPS))
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)

    def fill(*rows: tuple[str, str, datetime, str]) -> None:
        insert = "INSERT INTO black_boxes (node, name, written_at, content) VALUES ($1, $2, $3, $4)"
        fill_database(database_url, lambda connection: connection.executemany(insert, rows))

    return fill


@pytest.fixture
def three(answering: Any) -> Any:
    """Replicas on the nodes one, two and three."""
    made = [Container(f"t{n}", "prosaas-calls", f"prosaas-calls.{n}", "running", "", "", place=f"{n}@{node}")
            for n, node in enumerate(("one", "two", "three"), 1)]  # fmt: skip
    answering.generations = lambda service: made
    return answering


WRITTEN = datetime(2024, 1, 25, 14, 0, tzinfo=UTC)


@pytest.mark.postgres
def test_one_is_found_whichever_node_wrote_it_and_once_its_container_is_gone(
    three: Any, options: Any, keep: Any, json_line: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """From the database; a node that has it on its disk as well has the newest of it, and is not told twice."""
    row = json_line("DEBUG", "rms=3", timestamp="2024-01-25T14:00:01.000000Z")
    keep(
        ("gone", CALL, WRITTEN, f"{head('4@gone')}\n{row}\n"),
        ("two", CALL, WRITTEN, f"{head('2@two', 'older')}\n{row}\n"),
    )
    answers = {"t2": (0, f"{head('2@two')}\n{row}\n", "")}
    three.on_run = lambda service, command: answers.get(three.ran_in[-1], (3, "", "nothing"))
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("call ")]
    assert told == [f"call {CALL}: 1 records, error · 4@gone", f"call {CALL}: 1 records, error · 2@two"]


@pytest.mark.postgres
@pytest.mark.parametrize("broken", ["one replica", "the service"])
def test_a_replica_that_cannot_be_asked_keeps_nothing_else_back(
    three: Any, options: Any, keep: Any, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(("gone", CALL, WRITTEN, f"{head('4@gone')}\n"))
    answers = {"t1": (1, "", "no such container"), "t3": (0, f"{head('3@three')}\n", "")}
    three.on_run = lambda service, command: answers.get(three.ran_in[-1], (3, "", ""))
    if broken == "the service":
        del three.generations
        three.written.clear()
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    shown = capsys.readouterr().out
    assert "4@gone" in shown
    assert ("3@three" in shown) == (broken == "one replica")


@pytest.mark.postgres
def test_the_list_has_each_once_with_its_node_and_nothing_that_steers_a_terminal(
    three: Any, options: Any, keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(("gone", "CA9", WRITTEN, "x" * 1234), ("two", "CA1", WRITTEN, "x" * 99), ("\x1b[2J", "CA0", WRITTEN, ""))
    answers = {"t2": (0, "2024-01-25T15:00:00Z       5678  CA1\n", "")}
    three.on_run = lambda service, command: answers.get(three.ran_in[-1], (3, "", ""))
    assert blackbox.run(options("blackbox")) == FINE
    _, *rows, following = capsys.readouterr().out.splitlines()
    assert [row.split()[:4] for row in rows[:2]] == [
        ["2024-01-25T15:00:00Z", "5678", "CA1", "two"],
        ["2024-01-25T14:00:00Z", "1234", "CA9", "gone"],
    ]
    assert "\x1b" not in rows[2]
    assert "make blackbox CALL=CA1" in following


def test_while_the_database_is_away_the_files_are_read_and_a_word_says_so(
    answering: Any, options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://x:y@127.0.0.1:{free_port()}/none")
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    answering.on_run = lambda service, command: (0, head(""), "")
    assert blackbox.run(options("blackbox", CALL=CALL)) == FINE
    shown = capsys.readouterr()
    assert f"call {CALL}: 1 records, error" in shown.out
    assert "blackbox: " in shown.err
