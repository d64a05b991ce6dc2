"""Grouped warnings and errors on the screen."""

from typing import Any

import pytest

from prosaas_ops.ask import errors
from prosaas_ops.options import FINE
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import parse
from prosaas_ops.stories.errors import group_errors


@pytest.fixture
def shown(engine: Any, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(errors, "opened", lambda: engine)

    def run(**values: str) -> str:
        assert errors.run(options("errors", SINCE="2024-01-25T13:30", UNTIL="2024-01-25T14:30", **values)) == FINE
        return capsys.readouterr().out

    return run


def test_thousands_of_one_kind_are_a_row(engine: Any, shown: Any) -> None:
    for number in range(3000):
        engine.write(
            "prosaas-api",
            number / 10,
            f"[ERROR] ❌ [HTTP_FAILED] הבקשה נכשלה, method=POST, path=/x · request_id=r{number:08}",
            "  Boom",
        )
    engine.write("worker", 5, "[WARNING] one more · call_sid=CA0123456789abcdef")
    rows = shown().splitlines()
    assert "warnings and errors 3001, kinds 2, calls hit 1" in rows[0]
    assert rows[2].split()[:5] == ["3000", "14:00", "14:04", "0", "api"]
    assert rows[3].strip() == "Boom"
    assert rows[-1] == "next: make logs GREP=HTTP_FAILED SINCE=2024-01-25T13:30 UNTIL=2024-01-25T14:30"


@pytest.mark.parametrize("trouble", ["[ERROR] boom", "[INFO] nothing"])
def test_a_service_that_is_down_is_said_first_whatever_was_written(engine: Any, shown: Any, trouble: str) -> None:
    """In the words of `make status`; the one-shot migrate is meant to have ended."""
    engine.written["migrate"] = []
    engine.states["migrate"] = "exited"
    engine.write("worker", 1, trouble)
    assert "not everything serves" not in shown()
    engine.states["prosaas-calls"] = "exited"
    assert shown().splitlines()[0] == "not everything serves; next: make restart-calls"


def test_that_nobody_takes_new_calls_is_said_as_in_the_status(engine: Any, shown: Any) -> None:
    engine.on_run = lambda service, command: (1, "", '/readyz answered 503: {"status": "draining"}')
    assert shown().splitlines()[0] == "not everything serves; next: make restart-calls"
    engine.on_run = lambda service, command: (0, "ready", "")
    assert "not everything serves" not in shown()


def test_a_service_without_a_container_is_said_as_in_the_status(engine: Any, shown: Any) -> None:
    del engine.written["gateway"]
    assert shown().splitlines()[0] == "not everything serves; next: make up-prod"


def test_a_window_is_a_window(engine: Any, shown: Any) -> None:
    engine.write("worker", 3600, "[ERROR] later")
    assert "no warning and no error" in shown()
    engine.write("worker", 60, "[ERROR] now")
    assert "warnings and errors 1" in shown()


def test_every_line_that_was_looked_at_is_counted_and_a_stack_is_none(engine: Any, shown: Any) -> None:
    engine.write("worker", 1, "[INFO] a", "  below it", "[DEBUG] b", "in no format")
    assert "no warning and no error in 3 lines" in shown()


def test_of_what_is_no_trouble_hardly_anything_is_held(
    engine: Any, shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    really = errors.group_errors

    def group(lines: Any, happened: Any) -> Any:
        held.append(len(lines))
        return really(lines, happened)

    monkeypatch.setattr(errors, "group_errors", group)
    engine.write("prosaas-calls", 1, *["[INFO] 💬 [TRANSCRIPT] x · call_sid=CA1"] * 500, "[WARNING] a")
    assert "warnings and errors 1" in shown()
    assert held == [1]


def test_more_kinds_than_asked_for_are_counted(engine: Any, shown: Any) -> None:
    engine.write("worker", 1, "[ERROR] a", "[ERROR] b", "[ERROR] c")
    assert "… more kinds: 2 (MAX=3)" in shown(MAX="1")


def test_a_queue_that_is_lost_leads_to_the_containers(engine: Any, shown: Any) -> None:
    engine.happen("postgres", 1, "die", exitCode="0")
    engine.write("worker", 2, "[WARNING] ⚠️ [QUEUE_LOST] the queue is away")
    said = shown()
    assert "since postgres container die, exit code 0" in said
    assert said.splitlines()[-1] == "next: make ps · make status"


def test_deploys_and_switches_stand_on_the_same_clock(engine: Any, shown: Any) -> None:
    """What began just after one of them is its doing; the last five are enough."""
    for minute in range(7):
        engine.write("prosaas-calls", 60 * minute, f"[INFO] 🟢 [SERVICE_START] the service is up, version=1.{minute}")
    engine.write("prosaas-calls", 400, "[ERROR] boom")
    marks = [row for row in shown().splitlines() if "▲" in row]
    assert [row.rpartition("version=")[2] for row in marks] == ["1.2", "1.3", "1.4", "1.5", "1.6"]
    assert marks[0].split()[:3] == ["14:02", "▲", "calls"]


def test_a_change_of_a_business_stands_there_too_and_is_no_services_doing(engine: Any, shown: Any) -> None:
    change = "[INFO] ✏️ [BUSINESS_CHANGED] the business was changed, business_id=456, what=instructions, by=key 3"
    engine.write("prosaas-api", 60, change)
    engine.write("prosaas-api", 61, "[ERROR] boom")
    said = shown()
    (mark,) = [row for row in said.splitlines() if "▲" in row]
    assert "business_id=456, what=instructions, by=key 3" in mark
    assert "since BUSINESS_CHANGED" not in said


def test_a_service_that_was_killed_is_a_row_with_the_calls_it_took_along(engine: Any, shown: Any) -> None:
    """Also a call of which nothing was written within the window; not those that had ended, or go on beside it."""
    for number, (call, at) in enumerate([("CAquiet00", -2000), ("CAended00", 1), ("CAbeside0", 2)]):
        engine.write("prosaas-calls", at, f"[INFO] 🚀 [CALL_START] call_sid={call}, business_id={number}")
    engine.write("prosaas-calls", 5, "[INFO] 🔚 [CALL_END] duration=4s, reason=customer_hangup · call_sid=CAended00")
    engine.happen("prosaas-calls", 10, "kill", signal="9")
    engine.happen("prosaas-calls", 10, "die", exitCode="137")
    engine.write("prosaas-calls", 60, '[INFO] 💬 [TRANSCRIPT] customer: "hello?" · call_sid=CAbeside0')
    rows = shown().splitlines()
    assert "warnings and errors 1, kinds 1, calls hit 1" in rows[0]
    assert rows[2].split()[:5] == ["1", "14:00", "14:00", "1", "calls"]
    assert "the container was killed, or failed: exit code 137" in rows[2]
    assert rows[-1].startswith("next: make trace CALL=CAquiet0 · make logs S=calls SINCE=2024-01-25T13:30 ")


@pytest.mark.parametrize("code", ["0", "143"])
def test_a_deploy_a_restart_and_a_drain_in_order_are_no_error(engine: Any, shown: Any, code: str) -> None:
    engine.happen("prosaas-calls", 10, "kill", signal="15")
    engine.happen("prosaas-calls", 12, "die", exitCode=code)
    assert "no warning and no error" in shown()


def test_calls_that_are_counted_and_not_named_are_calls_that_were_hit(engine: Any, shown: Any) -> None:
    """Nobody of ours had them; their records tell which they are."""
    for at, count in enumerate((2, 3)):
        engine.write(
            "worker", at, f"[WARNING] 📵 [CALLS_MISSED] שיחות לא הגיעו אל הנציגה, count={count} · job_id=x-{at}"
        )
    rows = shown().splitlines()
    assert "warnings and errors 2, kinds 1, calls hit 5" in rows[0]
    assert rows[2].split()[:5] == ["2", "14:00", "14:00", "5", "worker"]
    assert rows[-1] == "next: make calls BAD=1"


def test_calls_that_are_told_of_by_name_and_by_number_are_counted_once(engine: Any, shown: Any) -> None:
    for at in range(3):
        engine.write("prosaas-api", at, f"[WARNING] 📵 [VOICE_REFUSED] drain · call_sid=CAmissed{at}")
    engine.write("worker", 9, "[WARNING] 📵 [CALLS_MISSED] שיחות לא הגיעו אל הנציגה, count=3 · job_id=x-9")
    assert "kinds 2, calls hit 3" in shown().splitlines()[0]


def test_a_call_that_the_agent_had_is_none_of_those_that_never_reached_it(engine: Any, shown: Any) -> None:
    for at in range(2):
        call = f"call_sid=CAserved{at}"
        engine.write("prosaas-calls", at, f"[INFO] 🚀 [CALL_START] {call}, business_id=7", f"[ERROR] boom · {call}")
    engine.write("prosaas-api", 3, "[WARNING] 📵 [VOICE_REFUSED] drain · call_sid=CAmissed0")
    engine.write("worker", 8, "[WARNING] 🕳️ [CALLS_LOST] calls were lost with their machine, count=1 · job_id=x-8")
    engine.write("worker", 9, "[WARNING] 📵 [CALLS_MISSED] calls never reached the agent, count=2 · job_id=x-9")
    assert "kinds 4, calls hit 4" in shown().splitlines()[0]


def test_what_ends_beside_the_stack_is_an_error_only_where_the_stack_needs_it(engine: Any, shown: Any) -> None:
    engine.happen("postgres", 10, "die", exitCode="137")
    engine.happen("simulator", 11, "die", exitCode="1")
    assert "warnings and errors 1, kinds 1, calls hit 0" in shown()
    assert "no warning and no error" in shown(S="api")


def test_a_kill_that_the_engine_has_forgotten_is_told_by_the_calls_that_it_took_along(engine: Any, shown: Any) -> None:
    for call in ("CAfirst00", "CAsecond0"):
        engine.write("worker", 90, f"[INFO] 🔚 [CALL_END] duration=4s, reason=crashed · job_id=9 · call_sid={call}")
    said = shown()
    assert "warnings and errors 2, kinds 1, calls hit 2" in said
    assert "the service went down in the middle of the call" in said
    engine.happen("prosaas-calls", 60, "die", exitCode="137")
    assert "warnings and errors 1, kinds 1, calls hit 2" in shown()


def test_a_demo_stack_says_once_that_it_is_one(engine: Any, shown: Any) -> None:
    engine.started_with("prosaas-calls", "DEMO=1")
    for at, service in enumerate(("prosaas-api", "prosaas-calls", "worker")):
        engine.write(service, at, "[WARNING] 🎭 [DEMO] the voice agent is simulated. To leave: set DEMO=0")
    first, second, third = shown().splitlines()
    assert first == "this stack is a demo"
    assert "no warning and no error" in second
    assert third.startswith("make logs LEVEL=WARNING has 3 lines: less 3 that are no trouble")
    engine.write("worker", 9, "[ERROR] boom")
    assert "▁█▁" in (said := shown())
    assert "warnings and errors 1, kinds 1" in said


def test_a_live_stack_is_none_whose_demo_still_is_in_the_window(engine: Any, shown: Any) -> None:
    engine.started_with("prosaas-calls", "DEMO=0")
    assert "demo" not in shown()
    for service in ("worker", "prosaas-calls"):
        engine.write(service, 1, "[WARNING] 🎭 [DEMO] the voice agent is simulated. To leave: set DEMO=0")
    said = shown().splitlines()
    assert said[0] == "some lines of this time are those of the demo that ran before: calls, worker"


def test_a_demo_that_began_before_the_window_is_one_all_the_same(engine: Any, shown: Any) -> None:
    engine.started_with("prosaas-calls", "DEMO=1")
    assert shown().splitlines()[0] == "this stack is a demo"


def test_what_only_came_before_a_trouble_is_not_told_as_its_cause(engine: Any, shown: Any) -> None:
    engine.happen("postgres", 1, "start")
    engine.write("prosaas-calls", 12, "[WARNING] 🔁 [REALTIME] no connection to OpenAI, attempt=1")
    assert "shortly before (11 s): postgres container start" in (said := shown())
    assert "since" not in said


def test_the_sum_says_by_what_it_differs_from_the_lines_of_make_logs(engine: Any, shown: Any) -> None:
    engine.write("worker", 1, "[ERROR] boom", "[ERROR] boom")
    assert "make logs LEVEL=WARNING" not in shown()
    again = "[WARNING] 🔁 [REPEATED] the same line again, count=41, seconds=30, last=boom"
    level = "[WARNING] 🎚️ [LOG_LEVEL_CHANGED] log level changed, level=DEBUG"
    engine.write("worker", 9, again, level)
    engine.happen("prosaas-api", 10, "die", exitCode="137")
    total, *_, apart, _next = shown().splitlines()
    assert "warnings and errors 44," in total
    assert apart == (
        "make logs LEVEL=WARNING has 4 lines: and 40 repeats folded into a line, "
        "and 1 containers that were killed, or failed, less 1 that are no trouble (log level, black box, demo)"
    )


GIVEN_UP = (
    '{"level":"error","ts":1706191200.5,"logger":"http.log.access.log0","msg":"handled request","bytes_read":310,'
    '"user_id":"","duration":10.104,"size":0,"status":504,"event":"DOOR_GAVE_UP","path":"/twilio/voice",'
    '"error":"net/http: timeout awaiting response headers"}'
)


def test_a_webhook_that_the_front_door_gave_up_is_a_trouble_and_leads_to_its_lines(engine: Any, shown: Any) -> None:
    """No service of ours ever had that call."""
    away = '{"level":"error","logger":"http.handlers.reverse_proxy","msg":"failed getting dynamic upstreams"}'
    engine.write("gateway", 9, GIVEN_UP, GIVEN_UP, away)
    first, _, row, apart, following = shown().splitlines()
    assert "warnings and errors 2, kinds 1, calls hit 0" in first
    assert row.split()[:5] == ["2", "14:00", "14:00", "0", "gateway"]
    assert "the front door gave up a request after 10.1 s without an answer of prosaas-api: path=/twilio/voice" in row
    assert apart == "make logs LEVEL=WARNING has 0 lines: and 2 of the front door's"
    assert following == "next: make logs S=gateway SINCE=2024-01-25T13:30 UNTIL=2024-01-25T14:30"
    assert "no warning and no error" in shown(S="api")
    assert "warnings and errors 3, kinds 2" in (said := shown(S="gateway"))
    assert "make logs LEVEL=WARNING has" not in said


def test_what_began_on_another_day_says_on_which(
    engine: Any, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(errors, "opened", lambda: engine)
    engine.write("worker", -2 * 86_400 + 60, "[ERROR] boom")
    engine.write("prosaas-api", -86_400, "[INFO] 🟢 [SERVICE_START] up")
    engine.write("worker", 60, "[ERROR] boom")
    engine.write("worker", 120, "[ERROR] bang")
    errors.run(options("errors", SINCE="2024-01-23", UNTIL="2024-01-25T14:30"))
    said = capsys.readouterr().out
    assert "01-25 14:30 UTC" in said
    assert "  01-24 14:00 ▲ api" in said
    assert " 01-23 14:01 – 01-25 14:01\n" in said
    assert said.count(" – ") == 1


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ({}, "SINCE=1h"),
        ({"SINCE": "2d"}, "SINCE=2d"),
        ({"UNTIL": "yesterday", "SINCE": "3d"}, "SINCE=3d UNTIL=yesterday"),
    ],
)
def test_the_command_that_goes_on_is_about_the_same_time(words: dict[str, str], asked: str, options: Any) -> None:
    """A trouble of yesterday is in no line of the last hour."""
    (group,) = group_errors([parse(RawLine("2024-01-25T14:00:00Z", "worker", "[ERROR] boom"))])
    assert errors._next(group, options("errors", **words)) == [f"make logs S=worker {asked}"]
