"""The story of a call, from what each source knows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prosaas_core.facts.troubles import opening, verdict
from prosaas_ops.ask.timeline import timeline
from prosaas_ops.ask.trace import describe
from prosaas_ops.options import Problem
from prosaas_ops.screen import trace_page
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack import buried
from prosaas_ops.stack.engine import Container
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.live_calls import LiveCall
from prosaas_ops.stack.records import Record
from prosaas_ops.stories import call as story
from prosaas_ops.stories.judged import changed_before, facts_of
from prosaas_ops.stories.moment import kind_of, stamp

START = datetime(2024, 1, 25, 14, 0, tzinfo=UTC)


def record(call_sid: str, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "call_sid": call_sid,
        "business": "456 מספרת דנה",
        "customer": "דוד",
        "direction": "inbound",
        "from_number": "+972501234567",
        "to_number": "+97235550100",
        "status": "completed",
        "started_at": START,
        "ended_at": START + timedelta(seconds=9),
        "duration_s": 9.0,
        "end_reason": "customer_hangup",
        "metrics": {"turns": 1, "first_audio_ms": 412, "odd": {"x": 1}},
        "transcript": [],
        "events": [],
        "summary": "",
    }
    return Record(**{**values, **changes})


def of_calls(at: float, text: str) -> RawLine:
    """A line of prosaas-calls, so many seconds after START."""
    return RawLine(f"{stamp(START.timestamp() + at)}000Z", "prosaas-calls", text)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Record]:
    """The database's records."""
    records: dict[str, Record] = {}
    monkeypatch.setattr(story, "call_record", records.get)
    return records


def test_lines_of_all_services_are_one_story_by_time(engine: Any, call: str, known: dict[str, Record]) -> None:
    told = story.tell(engine, call)
    assert told is not None
    assert [(entry.source, entry.event) for entry in told.entries] == [
        ("prosaas-api", "VOICE_WEBHOOK"),
        ("prosaas-calls", "CALL_START"),
        ("prosaas-calls", "DB"),
        ("prosaas-calls", "TRANSCRIPT"),
        ("prosaas-calls", "TRANSCRIPT"),
        ("prosaas-calls", "TOOL_FAILED"),
        ("prosaas-calls", "CALL_END"),
        ("worker", "JOB_DONE"),
    ]
    assert told.entries[5].stack == ["  Traceback (most recent call last):", "  TimeoutError"]
    assert told.started == START.timestamp()


def test_a_call_that_nobody_knows_has_no_story(engine: Any, call: str, known: dict[str, Record]) -> None:
    assert story.tell(engine, "CAunknown") is None


def test_what_happened_to_the_containers_and_services_belongs_to_the_story(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    engine.happen("prosaas-calls", 6.0, "kill", signal="15")
    engine.happen("prosaas-calls", 6.5, "oom")
    engine.happen("prosaas-calls", 6.6, "health_status: unhealthy")
    engine.happen("prosaas-api", 6.7, "unpause")
    engine.write("prosaas-calls", 6.1, "[INFO] 🚦 [DRAIN_START] מפסיק לקבל שיחות, פעילות: 1")
    engine.write("prosaas-calls", 6.2, "[INFO] of nobody in particular")
    engine.write("worker", 400.0, "[WARNING] long after the call")
    told = story.tell(engine, call)
    assert told is not None
    around = [(entry.kind, entry.text) for entry in told.entries if entry.kind in ("container", "around", "warning")]
    assert around == [
        ("container", "container kill, SIGTERM"),
        ("around", "מפסיק לקבל שיחות, פעילות: 1"),
        ("container", "container oom, out of memory"),
        ("container", "container unpause"),
    ]


@pytest.mark.parametrize(("oldest", "told"), [(3.0, True), (-3600.0, False), (None, False)])
def test_a_call_of_before_the_engines_oldest_event_says_from_when_on_there_are_any(
    engine: Any, call: str, known: dict[str, Record], oldest: float | None, told: bool
) -> None:
    engine.oldest_event = None if oldest is None else START.timestamp() + oldest
    found = story.tell(engine, call)
    assert found is not None
    assert found.events_from == (engine.oldest_event if told else None)


def test_a_live_call_that_the_webhook_wrote_down_is_told_to_its_last_line(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    """However long it lasts: its record has no end yet."""
    engine.written["prosaas-calls"] = [raw for raw in engine.written["prosaas-calls"] if "CALL_END" not in raw.text]
    known[call] = record(call, ended_at=None, duration_s=None, end_reason="", status="in-progress")
    engine.write("prosaas-calls", 600.0, f"[INFO] ⚡ [BARGE_IN] the caller interrupts · call_sid={call}")
    told = story.tell(engine, call)
    assert told is not None
    assert any(entry.event == "BARGE_IN" for entry in told.entries)


def test_a_job_long_after_the_call_belongs_to_it_and_what_surrounds_the_job_does_not(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    engine.write(
        "worker", 1800.0, "[WARNING] of the job's time", f"[INFO] ✅ [JOB_DONE] x · job_id=2 · call_sid={call}"
    )
    told = story.tell(engine, call)
    assert told is not None
    assert told.entries[-1].event == "JOB_DONE"
    assert told.entries[-1].at == told.started + 1800
    assert not [entry for entry in told.entries if "of the job's time" in entry.text]


def test_what_the_budget_folded_comes_from_the_record_and_is_not_told_twice(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    known[call] = record(
        call,
        events=[
            {"t_ms": 3000, "level": "INFO", "event": "TRANSCRIPT_CUSTOMER", "text": 'לקוח: "שלום"', "folded": False},
            {"t_ms": 7000, "level": "INFO", "event": "TRANSCRIPT_CUSTOMER", "text": 'לקוח: "שלום"', "folded": True},
        ],
    )
    told = story.tell(engine, call)
    assert told is not None
    recalled = [entry for entry in told.entries if entry.origin == "record"]
    assert [(entry.event, entry.emoji, entry.text) for entry in recalled] == [("TRANSCRIPT", "💬", 'לקוח: "שלום"')]
    assert recalled[0].at == told.started + 7


def test_yesterdays_call_is_told_from_its_record_when_the_logs_are_gone(engine: Any, known: dict[str, Record]) -> None:
    events = [{"t_ms": 0, "level": "INFO", "event": "CALL_START", "text": "direction=inbound"}]
    known["CA1"] = record("CA1", events=events)
    told = story.tell(engine, "CA1")
    assert told is not None
    assert [entry.origin for entry in told.entries] == ["record"]
    known["CA2"] = record("CA2")
    assert story.tell(engine, "CA2") is not None


def test_a_database_that_is_away_leaves_the_logs_and_says_so(
    engine: Any, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(call_sid: str) -> Record:
        raise Problem("the database does not answer")

    monkeypatch.setattr(story, "call_record", away)
    told = story.tell(engine, call)
    assert told is not None
    assert (told.record, told.without_record) == (None, "the database does not answer")
    with pytest.raises(Problem, match=r"no log line knows CAunknown, and the database could not be asked\. the datab"):
        story.tell(engine, "CAunknown")


def test_the_words_of_a_live_call_come_from_its_lines(engine: Any, call: str, known: dict[str, Record]) -> None:
    told = story.tell(engine, call)
    assert told is not None
    assert story.transcript(told) == [
        {"who": "customer", "text": "שלום", "at_ms": 3000},
        {"who": "ai", "text": "יש לי זמינות", "at_ms": 4200},
    ]


def test_what_was_said_stands_when_it_was_said_with_its_wait(engine: Any, call: str, known: dict[str, Record]) -> None:
    turn = {"who": "ai", "text": "יש לי זמינות", "at_ms": 4000, "until_ms": 5100, "wait_ms": 840, "interrupted": True}
    known[call] = record(call, transcript=[turn])
    told = story.tell(engine, call)
    assert told is not None
    (entry,) = [entry for entry in told.entries if entry.wait is not None]
    assert (entry.event, entry.at - told.started, entry.wait, entry.interrupted) == ("TRANSCRIPT", 4.0, 0.84, True)
    assert entry.until == told.started + 5.1


def test_each_turn_takes_the_line_of_its_own_speaker_and_whole_text(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    """The customer's "yes, at nine" has the agent's "yes" in it, and the agent says it twice."""
    for at, words in ((6.0, 'לקוח: "כן, בתשע"'), (6.5, 'AI: "כן"'), (7.0, 'AI: "כן"')):
        engine.write("prosaas-calls", at, f"[INFO] 💬 [TRANSCRIPT] {words} · call_sid={call}")
    known[call] = record(
        call,
        transcript=[
            {"who": "ai", "text": "כן", "at_ms": 6200, "wait_ms": 100},
            {"who": "ai", "text": "כן", "at_ms": 6900, "wait_ms": 200},
            {"who": "customer", "text": "שורה\nשנייה", "at_ms": 7100},
        ],
    )
    told = story.tell(engine, call)
    assert told is not None
    waits = [(round(entry.at - told.started, 1), entry.text[:8], entry.wait) for entry in told.entries if entry.wait]
    assert waits == [(6.2, 'AI: "כן"', 0.1), (6.9, 'AI: "כן"', 0.2)]
    (without_line,) = [entry for entry in told.entries if entry.origin == "record"]
    assert "\\n" in without_line.text


def test_a_warning_of_others_that_quotes_a_level_is_counted_too(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    engine.write("prosaas-calls", 1.0, '[ERROR] no level: "INFO"', '[WARNING] said "DEBUG"')
    told = story.tell(engine, call)
    assert told is not None
    assert told.others == 2


def test_warnings_of_others_are_counted_and_are_no_part_of_the_story(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    engine.write("prosaas-calls", 1.0, "[WARNING] ⚠️ [MEDIA_MALFORMED] of nobody", "[INFO] of nobody")
    engine.write("prosaas-api", 1.0, "[WARNING] 🎭 [DEMO] no trouble, of which make errors knows nothing")
    engine.write("worker", 1.0, "[WARNING] of a job · job_id=9", "[WARNING] of a request · request_id=r")
    engine.write("worker", 1.1, "[WARNING] ⚠️ [QUEUE_LOST] התור לא זמין, מנסה שוב: x")
    told = story.tell(engine, call)
    assert told is not None
    assert told.others == 1
    assert [entry.event for entry in told.entries if entry.kind in ("around", "warning")] == ["QUEUE_LOST"]


def test_a_call_of_the_morning_without_a_record_has_its_story_too(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    """The likeliest window is the last two hours; this call is years away."""
    assert story.tell(engine, call) is not None


def test_a_line_belongs_by_its_context_and_not_by_what_is_said_in_it(
    engine: Any, call: str, known: dict[str, Record], json_line: Any
) -> None:
    engine.write("prosaas-calls", 1.0, f"[WARNING] bad signature · request_id={call}", f"plain words of {call}")
    engine.write("prosaas-calls", 1.1, json_line("WARNING", f"Invalid value 'x · call_sid={call}'"))
    engine.write("prosaas-calls", 1.2, json_line("INFO", "of the call", call_sid=call))
    told = story.tell(engine, call)
    assert told is not None
    texts = [entry.text for entry in told.entries]
    assert "of the call" in texts
    assert not [text for text in texts if "Invalid" in text or "plain" in text or "bad signature" in text]


@pytest.mark.parametrize(("answer", "live"), [(True, True), (False, False), (None, None)])
def test_a_call_that_has_begun_and_not_ended_is_live_when_the_service_says_so(
    engine: Any, known: dict[str, Record], monkeypatch: pytest.MonkeyPatch, answer: Any, live: Any
) -> None:
    calls = {True: [LiveCall("CAlive", "", "")], False: [], None: None}
    monkeypatch.setattr(story, "live_calls", lambda engine: calls[answer])
    engine.write("prosaas-calls", 0.0, "[INFO] 🚀 [CALL_START] call_sid=CAlive, direction=inbound")
    known["CAlive"] = record("CAlive", end_reason="", status="ringing")
    told = story.tell(engine, "CAlive")
    assert told is not None
    assert told.live is live


def test_a_call_that_came_while_prosaas_calls_was_down_says_so_and_blames_nobody_else(
    engine: Any, known: dict[str, Record]
) -> None:
    engine.write("prosaas-api", 0.0, "[INFO] 📞 [VOICE_WEBHOOK] call_sid=CAdown, business_id=456")
    ran = {"StartedAt": "2024-01-20T00:00:00Z", "FinishedAt": "2024-01-25T13:59:58.6Z"}
    engine.details["prosaas-calls"] = {"State": {**ran, "ExitCode": 0, "OOMKilled": False}}
    known["CAdown"] = record("CAdown", end_reason="", metrics={})
    told = story.tell(engine, "CAdown")
    assert told is not None
    assert opening(facts_of(told)) == "prosaas-calls did not run: it had stopped 1.4s before the call"
    del engine.details["prosaas-calls"]
    told = story.tell(engine, "CAdown")
    assert told is not None
    assert opening(facts_of(told)).startswith("no audio stream ever came")


def given_up(path: str) -> str:
    """As the front door writes it."""
    return (
        '{"level":"error","ts":1.5,"logger":"http.log.access.log0","msg":"handled request","status":504,'
        f'"duration":10.1,"event":"DOOR_GAVE_UP","path":"{path}","error":"timeout awaiting response headers"}}'
    )


@pytest.mark.parametrize("webhook", [[], ["[INFO] 📞 [VOICE_WEBHOOK] call_sid=CAgone, business_id=456"]])
def test_a_call_that_the_front_door_gave_up_says_so_and_blames_nobody_else(
    engine: Any, known: dict[str, Record], webhook: list[str], screen: Screen
) -> None:
    """Admitted, and answered too late or never: its record is open, and Twilio had no word of ours."""
    engine.write("prosaas-api", 0.0, *webhook)
    known["CAgone"] = record("CAgone", end_reason="", status="ringing", ended_at=None, duration_s=None, metrics={})
    for at, path in ((-60, "/twilio/voice"), (9, "/whatsapp/meta"), (600, "/twilio/voice")):
        engine.write("gateway", at, given_up(path))
    told = story.tell(engine, "CAgone")
    assert told is not None
    assert "front door" not in opening(facts_of(told))
    engine.write("gateway", 10.1, given_up("/twilio/voice"))
    told = story.tell(engine, "CAgone")
    assert told is not None
    assert opening(facts_of(told)) == (
        "no audio stream ever came, and at that time the front door gave up webhooks of calls without an answer of"
        " prosaas-api, times: 1"
    )
    assert [trouble.name for trouble in verdict(facts_of(told))] == ["given_up"]
    # An api that stood still comes to the webhook later, when nobody waits for its answer any more.
    late = "[WARNING] ⛔ [VOICE_REFUSED] call refused: the call has ended, or was answered long ago · call_sid=CAgone"
    engine.write("prosaas-api", 15.0, late)
    told = story.tell(engine, "CAgone")
    assert told is not None
    assert [trouble.name for trouble in verdict(facts_of(told))] == ["given_up"]
    rows = describe(told, screen)
    assert rows[-1].startswith("next: make logs S=gateway,api SINCE=2h")
    assert sum("[DOOR_GAVE_UP] the front door gave up a request after 10.1 s" in row for row in rows) == 1


def test_a_call_that_was_refused_before_the_front_door_gave_up_anothers_was_refused(
    engine: Any, known: dict[str, Record]
) -> None:
    engine.write("prosaas-api", 0.0, "[INFO] 📞 [VOICE_WEBHOOK] call_sid=CAgone, business_id=456")
    engine.write(
        "prosaas-api",
        5.0,
        "[WARNING] ⛔ [VOICE_REFUSED] call refused: the call has ended, or was answered long ago · call_sid=CAgone",
    )
    engine.write("gateway", 50, given_up("/twilio/voice"))
    known["CAgone"] = record("CAgone", end_reason="", status="ringing", ended_at=None, duration_s=None, metrics={})
    told = story.tell(engine, "CAgone")
    assert told is not None
    assert [trouble.name for trouble in verdict(facts_of(told))] == ["refused_at_door"]


def test_a_call_is_traced_to_the_front_door_that_gave_it_up_long_before_its_api_went_on(
    engine: Any, known: dict[str, Record]
) -> None:
    """The record begins when an api that had stood still took the call in."""
    engine.write("prosaas-api", 0.0, "[INFO] 📞 [VOICE_WEBHOOK] call_sid=CAgone, business_id=456")
    engine.write("gateway", -30, given_up("/twilio/voice"))
    known["CAgone"] = record("CAgone", end_reason="", status="ringing", ended_at=None, duration_s=None, metrics={})
    told = story.tell(engine, "CAgone")
    assert told is not None
    assert [trouble.name for trouble in verdict(facts_of(told))] == ["given_up"]


def test_what_the_front_door_gave_up_stands_in_the_story_of_a_transfer_and_of_no_call_that_the_agent_had(
    engine: Any, known: dict[str, Record]
) -> None:
    engine.write("gateway", 30, given_up("/twilio/transferred"), given_up("/twilio/voice"))
    for reason, shown in (("transferred", 1), ("customer_hangup", 0)):
        known["CAserved"] = record("CAserved", end_reason=reason)
        told = story.tell(engine, "CAserved")
        assert told is not None
        assert sum(entry.event == "DOOR_GAVE_UP" for entry in told.entries) == shown
        assert verdict(facts_of(told)) == []


def test_a_call_of_a_restored_backup_has_no_known_end(engine: Any, known: dict[str, Record]) -> None:
    known["CAopen"] = record("CAopen", end_reason="", status="in-progress", ended_at=None, duration_s=None, metrics={})
    told = story.tell(engine, "CAopen")
    assert told is not None
    assert opening(facts_of(told)).startswith("nobody knows how the call ended: prosaas-calls does not have it")


CHANGED = "[INFO] ✏️ [BUSINESS_CHANGED] the business was changed, business_id={}, what={}, by=key 3 (office)"


def test_what_was_changed_of_the_business_shortly_before_is_told(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    """Not what was longer ago, came after, or is another business's; the number of one may begin another's."""
    known[call] = record(call)
    for at, business, what in [
        (-7200, 456, "name"), (-720, 456, "instructions"), (-700, 4567, "phone"), (-600, 45, "voice"), (3, 456, "hours")
    ]:  # fmt: skip
        engine.write("prosaas-api", at, CHANGED.format(business, what))
    told = story.tell(engine, call)
    assert told is not None
    (row,) = changed_before(told)
    assert row == "12m before the call: the business was changed, business_id=456, what=instructions, by=key 3 (office)"
    assert row in "\n".join(describe(told, Screen(terminal=False)))
    assert "what=instructions" in trace_page.render(told)


def test_a_call_that_went_down_with_its_container_while_the_database_is_away_says_both(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise Problem("the database does not answer")

    monkeypatch.setattr(story, "call_record", away)
    engine.write("prosaas-calls", 0.0, "[INFO] 📞 [CALL_START] call_sid=CAlost")
    engine.write("prosaas-calls", 26.0, "[INFO] 💬 [TRANSCRIPT_AI] AI: שלום · call_sid=CAlost")
    engine.happen("prosaas-calls", 27.0, "die", exitCode="137")
    monkeypatch.setattr(story, "live_calls", lambda _: [])
    told = story.tell(engine, "CAlost")
    assert told is not None
    first, second = verdict(facts_of(told))
    assert opening(facts_of(told)) == "prosaas-calls died 27.0s into the call (exit code 137)"
    assert (first.name, second.name) == ("killed", "unread")
    assert "never closed" not in "\n".join(describe(told, Screen(terminal=False)))


def test_an_interruption_after_the_words_that_it_was_decided_by_says_once_why_it_stands_there(
    engine: Any, call: str, known: dict[str, Record]
) -> None:
    for at in (6.5, 7.5):
        engine.write(
            "prosaas-calls", at, f"[INFO] ✋ [BARGE_IN] the caller interrupted, heard_ms=400 · call_sid={call}"
        )
    said = [{"who": "ai", "text": "יש לי זמינות", "at_ms": 4200, "interrupted": True},
            {"who": "customer", "text": "רגע", "at_ms": 6000}]  # fmt: skip
    known[call] = record(call, transcript=said)
    told = story.tell(engine, call)
    assert told is not None
    shown = describe(told, Screen(terminal=False))
    spoken, first, second = (row for row in shown if "רגע" in row or "BARGE_IN" in row)
    assert "רגע" in spoken
    assert first.endswith("heard_ms=400 (decided here; what was said stands where it began)")
    assert "decided here" not in second
    assert "decided here" in trace_page.render(told)


@pytest.mark.parametrize("recorded", [True, False])
def test_where_no_record_places_the_words_nothing_is_said_of_where_they_stand(
    recorded: bool, engine: Any, call: str, known: dict[str, Record]
) -> None:
    """They stand where they were written down."""
    engine.write("prosaas-calls", 4.5, f"[INFO] ✋ [BARGE_IN] the caller interrupted, heard_ms=400 · call_sid={call}")
    if recorded:
        known[call] = record(call)
    told = story.tell(engine, call)
    assert told is not None
    assert "decided here" not in "\n".join(describe(told, Screen(terminal=False)))


@pytest.mark.parametrize("ended", ["new", "forgotten"])
def test_a_container_that_never_had_the_call_is_no_end_of_it(
    ended: str, engine: Any, known: dict[str, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another replica was killed, or one of which no line is left: how the call ended is not known."""
    engine.begin("prosaas-calls")
    own = [of_calls(0, "[INFO] 📞 [CALL_START] call_sid=CAlost")]
    own += [of_calls(20, "[INFO] 💬 [TRANSCRIPT_AI] AI: hello · call_sid=CAlost")]
    beside = [of_calls(1, "[WARNING] 🔑 [TOKEN_REJECTED] no call of ours · call_sid=CAlost")]
    monkeypatch.setattr(engine, "logs", lambda one, *_: {"prosaas-calls": own, "new": beside}.get(one.id, []))
    monkeypatch.setattr(story, "live_calls", lambda _: [])
    known["CAlost"] = record("CAlost", ended_at=None, duration_s=None, end_reason="", status="in-progress")
    engine.happen("prosaas-calls", 21.0, "die", exitCode="137")
    engine.happened[-1]["Actor"]["ID"] = ended
    told = story.tell(engine, "CAlost")
    assert told is not None
    assert told.killed is None
    assert verdict(facts_of(told))[0].name == "no_ending"
    engine.happen("prosaas-calls", 22.0, "die", exitCode="137")
    told = story.tell(engine, "CAlost")
    assert told is not None
    assert told.killed is not None
    assert verdict(facts_of(told))[0].name == "killed"


def test_a_container_that_was_killed_and_taken_away_is_known_by_the_lines_that_were_kept(
    engine: Any, known: dict[str, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "0123456789abcdef" * 4
    gone = Container(str(buried.file_of("prosaas-calls", whole)), "prosaas-calls", "gone", "gone", "", "gone")
    own = [of_calls(0, "[INFO] 📞 [CALL_START] call_sid=CAlost")]
    monkeypatch.setattr(engine, "kept", lambda *_: [gone])
    monkeypatch.setattr(engine, "logs", lambda one, *_: own if one is gone else [])
    monkeypatch.setattr(story, "live_calls", lambda _: [])
    engine.happen("prosaas-calls", 3.0, "die", exitCode="137")
    engine.happened[-1]["Actor"]["ID"] = whole
    told = story.tell(engine, "CAlost")
    assert told is not None
    assert told.killed is not None


def test_after_a_deploy_the_old_container_and_the_new_are_told_apart_and_one_alone_has_no_number(
    engine: Any, known: dict[str, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Compose's number; one that is gone by its id, whether its lines or the engine's events tell of it."""
    whole = "0123456789abcdef" * 4
    gone = Container(str(buried.file_of("prosaas-calls", whole)), "prosaas-calls", "gone", "gone", "", "gone")
    written = {
        gone.id: [of_calls(0, "[INFO] 🚀 [CALL_START] call_sid=CAlost, business_id=456")],
        "new": [of_calls(2, "[INFO] 🟢 [SERVICE_START] the service is up")],
        "worker": [
            RawLine(
                f"{stamp(START.timestamp() + 3)}000Z",
                "worker",
                "[INFO] ✅ [JOB_DONE] done, job=x · job_id=1 · call_sid=CAlost",
            )
        ],
    }
    monkeypatch.setattr(engine, "logs", lambda one, *_: written.get(one.id, []))
    monkeypatch.setattr(story, "live_calls", lambda _: [])

    def places() -> list[tuple[str, str]]:
        told = story.tell(engine, "CAlost")
        assert told is not None
        page = trace_page.render(told, "en")
        assert all(f"<td>calls.{each.place}</td>" in page for each in told.entries if each.place)
        return [(each.source, each.place) for each in told.entries]

    engine.begin("prosaas-calls")
    monkeypatch.setattr(engine, "kept", lambda *_: [gone])
    engine.happen("prosaas-calls", 1.0, "kill", signal="15")
    engine.happened[-1]["Actor"]["ID"] = whole
    assert places() == [
        ("prosaas-calls", "012345"), ("prosaas-calls", "012345"), ("prosaas-calls", "2"), ("worker", ""),
    ]  # fmt: skip
    del written["new"]
    assert {place for _, place in places()} == {""}


@pytest.mark.parametrize(
    ("level", "event", "kind"),
    [
        ("INFO", "TRANSCRIPT_AI", "speech"),
        ("INFO", "TOOL_CALL", "tool"),
        ("ERROR", "TOOL_CALL", "error"),
        ("WARNING", "", "warning"),
        ("DEBUG", "RMS", "detail"),
        ("INFO", "SOMETHING", "other"),
    ],
)
def test_trouble_outranks_the_kind_of_event(level: str, event: str, kind: str) -> None:
    assert kind_of(level, event) == kind


def test_rows_are_counted_as_make_call_counts_them(engine: Any, call: str, known: dict[str, Record]) -> None:
    """Those of stack traces too, and none of what a service said of itself meanwhile."""
    engine.write("prosaas-calls", 4.5, "[INFO] 🟢 [SERVICE_START] service started")
    told = story.tell(engine, call)
    assert told is not None
    assert any(entry.event == "SERVICE_START" for entry in told.entries)
    assert [told.rows(name) for name in ("prosaas-api", "prosaas-calls", "worker")] == [1, 8, 1]


def test_a_stack_within_a_line_of_json_is_no_row_of_its_own(
    engine: Any, known: dict[str, Record], json_line: Callable[..., str]
) -> None:
    raised = json_line("ERROR", "x", event="HTTP_FAILED", call_sid="CAone", error={"type": "E", "stack": "a\nb\nc"})
    engine.write("prosaas-api", 0.0, raised)
    told = story.tell(engine, "CAone")
    assert told is not None
    assert (len(told.entries[0].stack), told.rows("prosaas-api")) == (3, 1)


def test_a_caller_who_was_asked_to_wait_has_waited_since_the_first_webhook(
    engine: Any, known: dict[str, Record], screen: Screen
) -> None:
    known["CAone"] = record("CAone", metrics={"first_audio_ms": 400})
    for at, line in (
        (-12.0, "[WARNING] ⛔ [VOICE_REFUSED] call refused: draining, attempt=1 · call_sid=CAone"),
        (-0.2, "[INFO] 📞 [VOICE_WEBHOOK] call_sid=CAone, business_id=456"),
    ):
        engine.write("prosaas-api", at, line)
    engine.write("prosaas-calls", 0.0, "[INFO] 🚀 [CALL_START] call_sid=CAone, direction=inbound")
    engine.write("prosaas-calls", 0.4, '[INFO] 💬 [TRANSCRIPT] AI: "שלום" · call_sid=CAone')
    told = story.tell(engine, "CAone")
    assert told is not None
    assert "└ 12400 ms from the first webhook to the greeting's first sound" in "\n".join(timeline(told, screen, 0))


def test_a_caller_has_waited_since_the_front_door_had_the_webhook_that_it_asked_for_again(
    engine: Any, known: dict[str, Record], screen: Screen
) -> None:
    """An api that stood still comes to all of its tries at once; who was asked last had waited longest."""
    known["CAone"] = record("CAone", metrics={"first_audio_ms": 400})
    for waited in ("", ", waited_ms=4002", ", waited_ms=8104"):
        line = f"[INFO] 📞 [VOICE_WEBHOOK] call_sid=CAone, business_id=456, from_number=+972...{waited}"
        engine.write("prosaas-api", -0.2, line)
    engine.write("prosaas-calls", 0.0, "[INFO] 🚀 [CALL_START] call_sid=CAone, direction=inbound")
    engine.write("prosaas-calls", 0.4, '[INFO] 💬 [TRANSCRIPT] AI: "שלום" · call_sid=CAone')
    told = story.tell(engine, "CAone")
    assert told is not None
    assert "└ 8704 ms from the first webhook to the greeting's first sound" in "\n".join(timeline(told, screen, 0))
    assert "slow_greeting" in [trouble.name for trouble in verdict(facts_of(told))]


def test_the_ring_stands_before_the_start_of_its_call_where_both_are_at_one_moment(
    engine: Any, known: dict[str, Record], screen: Screen
) -> None:
    engine.write("prosaas-calls", 0.0, "[INFO] 🚀 [CALL_START] call_sid=CAone, direction=inbound")
    engine.write("prosaas-api", 0.0004, "[INFO] 📞 [VOICE_WEBHOOK] call_sid=CAone, business_id=456")
    told = story.tell(engine, "CAone")
    assert told is not None
    assert [entry.event for entry in told.entries] == ["VOICE_WEBHOOK", "CALL_START"]
    first, second = timeline(told, screen, 0)
    assert "VOICE_WEBHOOK" in first
    assert "CALL_START" in second
