"""The verdict on a simulated call."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from prosaas_ops.act import call
from prosaas_ops.act.call import verdict
from prosaas_ops.act.simulate import Placed
from prosaas_ops.options import Nothing, Problem, Usage
from prosaas_ops.screen.terminal import RateCap, Screen
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import parse

START = datetime(2024, 1, 25, 14, tzinfo=UTC)


def placed(rows: int, level: str = "INFO", ok: bool = True, complete: bool = True) -> Placed:
    texts = [f"[{level}] [GREETING] x · call_sid=CA1"] * rows
    lines = [parse(RawLine("2024-01-25T14:00:00Z", "prosaas-calls", text)) for text in texts]
    lines += [parse(RawLine("2024-01-25T14:00:00Z", "worker", "[INFO] [JOB_DONE] x · call_sid=CA1"))]
    result, job = {"ok": ok, "problems": ["heard nothing"]}, "JOB_DONE" if complete else ""
    return Placed("CA1", lines, result, seconds=31.0, end_seen=complete, job=job)


class Recorded:
    call_sid, end_reason, status = "CA1", "customer_hangup", "completed"
    ended_at: datetime | None = START
    metrics: ClassVar[dict[str, int | None]] = {"first_audio_ms": 420}


class Unreached(Recorded):
    """Twilio told how it ended, and no agent did."""

    end_reason, status = "", "no-answer"


class Mute(Recorded):
    """The caller was asked to wait, and put off, and the agent herself had no word."""

    metrics: ClassVar[dict[str, int | None]] = {"first_audio_ms": None}


class Open(Recorded):
    end_reason, status, ended_at = "", "in-progress", None


@pytest.mark.parametrize(("rows", "problems"), [(8, 1), (9, 0), (29, 0), (30, 1)])
def test_a_call_at_info_with_its_job_s_line_is_ten_to_thirty_lines(rows: int, problems: int, screen: Screen) -> None:
    assert verdict(placed(rows), Recorded(), False, screen) == problems  # type: ignore[arg-type]


def test_a_short_call_has_fewer_lines_and_is_at_fault_only_where_one_is_missing(screen: Screen, paper: Any) -> None:
    short = placed(5)
    for event in ("CALL_START", "CALL_END"):
        assert verdict(short, Recorded(), False, screen) == 1  # type: ignore[arg-type]
        short.lines.append(
            parse(RawLine("2024-01-25T14:00:00Z", "prosaas-calls", f"[INFO] [{event}] x · call_sid=CA1"))
        )
    assert "in all 6, at most 30; missing CALL_START, CALL_END" in paper.text
    assert verdict(short, Recorded(), False, screen) == 0  # type: ignore[arg-type]
    assert "in all 8, at most 30\n" in paper.text


def test_lines_that_were_held_back_are_told_with_the_command_that_shows_them(
    engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are below INFO, all of them."""

    def place(*_: Any, heard: Any, **__: Any) -> Placed:
        loud = placed(3, "DEBUG")
        for line in loud.lines:
            heard(line)
        return loud

    monkeypatch.setattr(call, "opened", lambda: engine)
    monkeypatch.setattr(call, "place", place)
    monkeypatch.setattr(call, "_await_record", lambda _: Recorded())
    monkeypatch.setattr(RateCap, "_turn", lambda _: None)
    engine.on_run = lambda *_: (0, '{"level": "INFO", "switches": []}', "")
    call.run(options("call", MAX="1"))
    assert re.search(
        r"… 2 lines not shown \(MAX= a second\); `make trace CALL=CA\w{32} LEVEL=DEBUG` has",
        capsys.readouterr().out,
    )


def test_a_service_that_is_down_is_said_before_anybody_is_called(
    engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(*_: Any, accepted: Any, **__: Any) -> Placed:
        accepted()
        return placed(20)

    monkeypatch.setattr(call, "opened", lambda: engine)
    monkeypatch.setattr(call, "place", place)
    monkeypatch.setattr(call, "_await_record", lambda _: Recorded())
    engine.on_run = lambda *_: (0, '{"level": "INFO", "switches": []}', "")
    engine.states["worker"] = "exited"
    call.run(options("call"))
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "not everything serves; next: make restart-worker"
    assert second.startswith("calling")


def test_that_nobody_takes_new_calls_is_said_before_anybody_is_called(
    engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "opened", lambda: engine)
    monkeypatch.setattr(call, "place", lambda *_, **__: placed(20))
    monkeypatch.setattr(call, "_await_record", lambda _: Recorded())
    told = {"healthcheck": (1, '/readyz answered 503: {"status": "draining"}', "")}
    engine.on_run = lambda _, command: told.get(command[0], (0, '{"level": "INFO", "switches": []}', ""))
    call.run(options("call"))
    assert capsys.readouterr().out.startswith("not everything serves; next: make restart-calls\n")


def test_what_is_restarted_beside_a_call_is_counted_and_what_fails_stands_among_its_lines(
    engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(*_: Any, heard: Any, **__: Any) -> Placed:
        for what in ("create", "start", "health_status", "kill", "die", "unpause"):
            heard(Happening(1.0, "worker", what, ""))
        heard(Happening(1.0, "prosaas-calls", "die", "exit code 137", failed=True))
        return placed(20)

    monkeypatch.setattr(call, "opened", lambda: engine)
    monkeypatch.setattr(call, "place", place)
    monkeypatch.setattr(call, "_await_record", lambda _: Recorded())
    engine.on_run = lambda *_: (0, '{"level": "INFO", "switches": []}', "")
    call.run(options("call"))
    said = capsys.readouterr().out
    assert [row.partition("── ")[2] for row in said.splitlines() if "── " in row] == ["container die, exit code 137"]
    assert "container events during the call: 4; make trace tells them" in said


@pytest.mark.parametrize(("rows", "problems"), [(499, 1), (500, 0)])
def test_a_call_at_debug_is_five_hundred_lines_or_more(rows: int, problems: int, screen: Screen) -> None:
    assert verdict(placed(rows, "DEBUG"), Recorded(), True, screen) == problems  # type: ignore[arg-type]


def test_debug_lines_in_production_are_named(screen: Screen, paper: Any) -> None:
    assert verdict(placed(20, "DEBUG"), Recorded(), False, screen) == 1  # type: ignore[arg-type]
    assert "❌ frame by frame and other DEBUG lines: GREETING ×20" in paper.text


def test_each_thing_that_went_wrong_counts(screen: Screen, paper: Any) -> None:
    assert verdict(placed(20, ok=False, complete=False), "none in the database", False, screen) == 3
    assert "not as the scenario has it: heard nothing" in paper.text
    assert "record: none in the database" in paper.text
    assert "its end was not seen in time, the end of its job was not seen in time" in paper.text


@pytest.mark.parametrize("debug", [True, False])
def test_an_agent_who_never_spoke_is_at_fault_though_the_caller_got_through_the_scenario(
    debug: bool, screen: Screen, paper: Any
) -> None:
    """The faster the call, the longer by its clock a caller waits: to be asked to wait passes for an answer then."""
    lines = placed(500 if debug else 20, "DEBUG" if debug else "INFO")
    assert verdict(lines, Recorded(), debug, screen) == 0  # type: ignore[arg-type]
    assert verdict(lines, Mute(), debug, screen) == 1  # type: ignore[arg-type]
    assert "❌ the caller's side: not as the scenario has it: the agent never spoke\n" in paper.text
    lines.result |= {"ok": False, "problems": ["dead air"]}
    assert verdict(lines, Mute(), debug, screen) == 1  # type: ignore[arg-type]
    assert "not as the scenario has it: dead air; the agent never spoke\n" in paper.text
    lines.result |= {"problems": ["the agent never spoke"]}
    assert verdict(lines, Mute(), debug, screen) == 1  # type: ignore[arg-type]
    assert paper.text.count("not as the scenario has it: the agent never spoke\n") == 2, "and it is said once"


def test_of_a_caller_whom_no_agent_had_neither_lines_nor_end_are_asked_for(screen: Screen, paper: Any) -> None:
    unmet = placed(0, complete=False)
    unmet.result["streams"] = 0
    assert verdict(unmet, Unreached(), False, screen) == 0  # type: ignore[arg-type]
    assert "record: calls/CA1, no-answer" in paper.text
    unmet.result["streams"] = 1
    assert verdict(unmet, Unreached(), False, screen) == 2  # type: ignore[arg-type]


def test_a_job_that_failed_is_not_said_to_be_done(screen: Screen, paper: Any) -> None:
    failed = placed(20)
    failed.job = "JOB_FAILED"
    assert verdict(failed, Recorded(), False, screen) == 1  # type: ignore[arg-type]
    assert "❌ the scenario's own time, ringing included: 31s, ended, its job failed" in paper.text


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (Recorded(), "✅ record: calls/CA1, customer_hangup"),
        (Unreached(), "✅ record: calls/CA1, no-answer"),
        (Open(), "❌ record: calls/CA1, in-progress"),
        ("the database could not be asked", "❌ record: the database could not be asked"),
    ],
)
def test_the_record_is_told_as_it_is(record: Any, said: str, screen: Screen, paper: Any) -> None:
    verdict(placed(20), record, False, screen)
    assert said in paper.text


def test_a_database_that_does_not_answer_is_not_said_to_have_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: str) -> None:
        raise Problem("it does not answer")

    monkeypatch.setattr(call, "call_record", away)
    assert call._await_record("CA1") == "the database could not be asked. it does not answer"


def test_a_call_that_somebody_elses_debugging_made_loud_is_not_blamed(screen: Screen, paper: Any) -> None:
    assert verdict(placed(600, "DEBUG"), Recorded(), False, screen, ["calls"]) == 0  # type: ignore[arg-type]
    # By whom and for what does not matter: it may be for exactly this call, from another terminal.
    assert "DEBUG is on in calls, and not by this command" in paper.text
    assert "lines: calls" not in paper.text


def test_lines_at_info_count_also_while_somebody_debugs_another_call(screen: Screen) -> None:
    assert verdict(placed(30), Recorded(), False, screen, ["calls"]) == 1  # type: ignore[arg-type]


def test_lines_of_all_services_count_for_the_budget(screen: Screen, paper: Any) -> None:
    verdict(placed(20), Recorded(), False, screen)  # type: ignore[arg-type]
    assert "✅ lines: calls 20 · api 0 · worker 1 · in all 21, at most 30" in paper.text
    assert verdict(placed(30), Recorded(), False, screen) == 1  # type: ignore[arg-type]
    assert "❌ lines: calls 30 · api 0 · worker 1 · in all 31, at most 30" in paper.text


@pytest.mark.parametrize("number", ["05012", "+972", "+97250x", "x"])
def test_a_number_that_no_carrier_would_send_is_refused_before_anything_is_dialled(number: str, options: Any) -> None:
    with pytest.raises(Usage, match=r"write it as \+972501234567"):
        call.run(options("call", TO=number))


@pytest.mark.parametrize("typed", ["+97239999999", "03-999 9999", "+972 (0)3 9999999"])
def test_a_number_of_no_business_is_told_before_anything_is_dialled(
    typed: str, engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "opened", lambda: engine)
    monkeypatch.setattr(call, "number_known", lambda number: number != "+97239999999")
    monkeypatch.setattr(call, "numbers", list)
    with pytest.raises(Nothing, match=r"no business has the number \+97239999999.*make go-live PHONE=\+97239999999"):
        call.run(options("call", TO=typed))


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("+97235550101", ["+97235550100"], "+97235550100"),
        ("+12025550123", ["+97235550100"], "+97235550100"),
        ("+97247770001", ["+97235550100", "+97247770000"], "+97247770000"),
    ],
)
def test_in_place_of_a_mistyped_number_one_that_a_business_has_is_offered(
    typed: str, known: list[str], meant: str, engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a demo its business's, and not the way out of the demo."""
    monkeypatch.setattr(call, "opened", lambda: engine)
    monkeypatch.setattr(call, "number_known", known.__contains__)
    monkeypatch.setattr(call, "numbers", lambda: known)
    with pytest.raises(Nothing, match=rf"make call TO=\{meant}`") as told:
        call.run(options("call", TO=typed))
    assert "go-live" not in str(told.value)


def test_whether_a_number_is_a_business_s_is_left_to_the_call_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(number: str) -> bool:
        raise Problem("the database does not answer")

    monkeypatch.setattr(call, "number_known", away)
    assert call._is_ours("+97239999999")
