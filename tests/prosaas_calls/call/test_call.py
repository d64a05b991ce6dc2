"""Whole calls: a simulated caller, the service, a simulated model."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from calls_world.waiting import until
from calls_world.world import business, calls_world, spooled
from prosaas_calls import tools
from prosaas_calls.call.conversation import Conversation
from prosaas_calls.profile import Profile
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_logging import EventRecord, capture_events
from prosaas_logging.catalogue import CALL_END
from simulator.app import CONTROL
from simulator.phone import behaviour

ASK = {"caller": "שלום, מה שעות הפתיחה שלכם?", "agent": "אנחנו פתוחים מתשע עד חמש, מיום ראשון ועד יום חמישי."}
THANK = {"caller": "תודה רבה ולהתראות", "agent": "תודה, יום טוב!"}
TALK = {"turns": [ASK, THANK]}
STAYS = {"ending": {"by": "service"}}


def named(events: Sequence[EventRecord], *names: str) -> list[EventRecord]:
    return [event for event in events if event.event in names]


def end(events: Sequence[EventRecord]) -> dict[str, object]:
    """The fields of the one CALL_END."""
    (ended,) = named(events, "CALL_END")
    return ended.fields


async def test_a_conversation_is_heard_whole_logged_once_and_recorded() -> None:
    """From CALL_START to CALL_END, with the guide's lines in between, and a record that tells the same story."""
    async with calls_world() as world:
        with capture_events("INFO") as events:
            result = await world.call(TALK)
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert all(piece["heard_ms"] == piece["total_ms"] for piece in result["heard"])
    names = [event.event for event in events]
    assert (names[0], names[-1]) == ("CALL_START", "CALL_END")
    counted = Counter(names)
    assert counted["GREETING"] == counted["REALTIME_CONNECTED"] == counted["CALL_START"] == counted["CALL_END"] == 1
    assert counted["TRANSCRIPT_CUSTOMER"] == 2
    assert counted["TRANSCRIPT_AI"] == counted["RESPONSE_CREATED"] == 3
    assert {event.fields.get("call_sid") for event in events} == {result["call_sid"]}

    (record,) = world.store.records
    assert record.end_reason == "customer_hangup"
    assert [line["text"] for line in record.transcript if line["who"] == "customer"] == [ASK["caller"], THANK["caller"]]
    assert [line["who"] for line in record.transcript] == ["ai", "customer", "ai", "customer", "ai"]
    assert (record.business_id, record.customer_id, record.from_number) == (456, 7, "+972501234567")
    assert record.metrics["turns"] == 2
    assert record.metrics["frames_in"] == result["counts"]["frames_in"]
    assert record.events[0]["event"] == "CALL_START"


async def test_an_interruption_is_truncated_at_what_was_heard() -> None:
    """The simulator judges: nothing garbled, no truncation later than what the caller had heard."""
    interrupted = {**ASK, "agent": ASK["agent"] * 3}
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [interrupted, {**THANK, "barge_in_ms": 2000}]})
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    (barge_in,) = result["barge_ins"]
    assert 1_500 < barge_in["truncated_ms"] <= barge_in["heard_ms"] + 100
    assert len(named(events, "BARGE_IN")) == end(events)["barge_ins"] == 1
    assert [line.get("interrupted", False) for line in world.store.records[0].transcript] == [
        False,
        False,
        True,
        False,
        False,
    ]


# What a person hears in a second takes a twelfth of it here.
HASTY: dict[str, Any] = {"doubt": 0.02, "interruption": 0.4, "words": 0.3, "patience": 0.4}


async def test_a_greeting_that_was_spoken_once_is_played_at_once_the_next_time() -> None:
    """While the model connects, which takes its time here; it is told that it has greeted, and greets nobody twice."""
    async with calls_world(**HASTY) as world:
        first = await world.call({"turns": [ASK]})
        await world.faults(realtime={"connect_delay_ms": 600})
        with capture_events() as events:
            second = await world.call({"turns": [ASK]})
            await until(lambda: len(world.store.records) == 2)

    assert first["ok"], first["problems"]
    assert second["ok"], second["problems"]
    said = [piece["text"] for piece in second["heard"]]
    assert said[0] == first["heard"][0]["text"]
    assert len(said) == 2
    assert [event.event for event in named(events, "GREETING", "REALTIME_CONNECTED")] == [
        "GREETING",
        "REALTIME_CONNECTED",
    ]
    assert world.store.records[1].transcript[0]["text"] == said[0]


async def test_a_greeting_that_is_older_than_the_simulator_is_known_to_it_all_the_same() -> None:
    """The service has kept it; the simulator was restarted, and learns from the model's session what it hears."""
    async with calls_world(**HASTY) as world:
        await world.call({"turns": [ASK]})
        world.simulator.app[CONTROL].registry.forget_speech()
        await world.faults(realtime={"connect_delay_ms": 600})
        again = await world.call({"turns": [ASK]})

    assert again["ok"], again["problems"]
    assert again["heard"][0]["intact"]
    assert again["unknown_ms"] == 0


async def test_a_disclosure_is_heard_whole_whoever_speaks_into_it() -> None:
    """What callers have to be told is told, though nobody waits for it."""
    hello = {"caller": "הלו? הלו? שומעים אותי?", "barge_in_ms": 2500, "needs_answer": False}
    disclosure = "השיחה מתנהלת עם נציגה ממוחשבת, והיא נרשמת ונשמרת אצל העסק."
    async with calls_world(**HASTY) as world:
        world.store.known = Profile(business(disclosure=disclosure), 7, "דוד")
        result = await world.call({"turns": [hello, ASK]})

    assert result["ok"], result["problems"]
    greeting = result["heard"][0]
    assert disclosure in greeting["text"]
    assert greeting["heard_ms"] == greeting["total_ms"]


async def test_a_key_into_a_disclosure_is_read_after_it() -> None:
    """The model speaks it itself: it is heard to its end, and then the key is answered; that answer a key does stop."""
    key = {"dtmf": "1#", "barge_in_ms": 500, "agent": "לקביעת תור הקישו אחת, לביטול תור הקישו שתיים, לנציג הקישו שלוש."}
    again = {"dtmf": "2#", "barge_in_ms": 1000, "agent": "איזה תור לבטל?"}
    disclosure = "השיחה מתנהלת עם נציגה ממוחשבת, והיא נרשמת ונשמרת אצל העסק."
    async with calls_world(**HASTY) as world:
        world.store.known = Profile(business(disclosure=disclosure), 7, "דוד")
        with capture_events() as events:
            result = await world.call({"turns": [key, again]})
            await until(lambda: world.store.records)

    # That it does not stop for them is all that this caller minds.
    assert all(each.startswith("spoke on for") for each in result["problems"]), result["problems"]
    greeting, menu, answer = result["heard"]
    assert disclosure in greeting["text"]
    assert greeting["heard_ms"] == greeting["total_ms"]
    assert (menu["text"], answer["text"]) == (key["agent"], again["agent"])
    assert menu["heard_ms"] < menu["total_ms"]
    assert len(named(events, "BARGE_IN")) == 1


async def test_a_promise_without_a_deed_is_told_and_kept_for_the_record() -> None:
    """The agent says that it has booked; no tool was called."""
    claim = {"caller": "תקבעי לי לשלישי בעשר", "agent": "קבעתי לך ליום שלישי בעשר."}
    async with calls_world() as world:
        with capture_events() as events:
            await world.call({"turns": [claim]})
            await until(lambda: world.store.records)

    assert len(named(events, "PROMISE_UNKEPT")) == 1
    assert world.store.records[0].metrics["unkept"] == "קבעתי לך ליום שלישי בעשר"


async def test_a_promise_is_told_as_soon_as_the_caller_has_heard_it() -> None:
    """And not with the next answer, or at the end of the call."""
    claim = {"caller": "תקבעי לי ליום שלישי בעשר", "agent": "קבעתי לך ליום שלישי בעשר."}
    async with calls_world() as world:
        with capture_events() as events:
            await world.call({"turns": [claim, THANK]})
            await until(lambda: world.store.records)

    names = [event.event for event in named(events, "PROMISE_UNKEPT", "TRANSCRIPT_CUSTOMER")]
    assert names == ["TRANSCRIPT_CUSTOMER", "PROMISE_UNKEPT", "TRANSCRIPT_CUSTOMER"]


async def test_what_was_promised_is_kept_without_the_card_that_was_said_in_it() -> None:
    claim = {"caller": "תקבעי לי", "agent": "קבעתי לך לכרטיס 4580458045804580."}
    async with calls_world() as world:
        await world.call({"turns": [claim]})
        await until(lambda: world.store.records)

    (record,) = world.store.records
    assert "קבעתי" in record.metrics["unkept"]
    assert "4580458045804580" not in str(record.metrics)


async def test_a_model_that_refuses_to_write_words_down_is_called_without_that() -> None:
    """Settings of the transcription that a model does not know must not cost a business its calls."""
    async with calls_world() as world:
        await world.faults(realtime={"no_transcription": True})
        with capture_events() as events:
            result = await world.call({"turns": [ASK]})
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert len(named(events, "REALTIME_RETRY")) == 1
    assert [piece["text"] for piece in result["heard"]][-1] == ASK["agent"]


async def test_a_word_of_assent_costs_nobody_a_sentence() -> None:
    """A "yes", a cough that nothing can be made of: each sentence is heard to its end, and nothing counts as cut."""
    async with calls_world(**HASTY) as world:
        with capture_events() as events:
            result = await world.call(scenario="backchannel")
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert not result["barge_ins"]
    assert end(events)["false_interruptions"] == 2


async def test_a_number_in_groups_is_not_talked_into() -> None:
    async with calls_world(**HASTY) as world:
        result = await world.call(scenario="digits")

    assert result["ok"], result["problems"]


@pytest.mark.parametrize(("scenario", "retries"), [("rate_limited", 3), ("empty_answer", 1)])
async def test_a_response_that_comes_to_nothing_is_asked_for_again(scenario: str, retries: int) -> None:
    """A rate limit with its hint, thrice; a filter that lets no word through: the caller is answered."""
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call(scenario=scenario)
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert len(named(events, "REALTIME_ERROR")) == retries
    assert result["heard"][-1]["text"] == "תספורת עולה שמונים שקלים."


async def test_an_answer_that_stops_in_the_middle_is_given_by_a_new_session() -> None:
    """The model never says that it is done, and the caller says nothing either."""
    async with calls_world(watch=0.05, model_silence=0.5, comfort=0.2, comfort_look=0.05) as world:
        with capture_events() as events:
            result = await world.call(scenario="model_stops")
            await until(lambda: world.store.records)

    assert {event.fields["error"] for event in named(events, "REALTIME_RETRY")} == {"it does not answer"}
    assert result["heard"][-1]["heard_ms"] == result["heard"][-1]["total_ms"]
    assert result["ok"], result["problems"]


# Sound in real time: a machine that is busy tears an echo into more pieces than a line does.
@pytest.mark.alone
@pytest.mark.parametrize("share", [0.08, 0.15, 0.3])
async def test_the_agents_own_voice_that_comes_back_costs_nobody_a_sentence(share: float) -> None:
    """A speaker phone: she falls silent for it twice in the call, then knows it; the sentence is heard to its end.

    Of a faint echo only the louder words come through, so that she falls silent late.
    """
    async with calls_world(doubt=0.05, interruption=0.5, words=0.5) as world:
        result = await world.call({"line": {"echo": share}}, scenario="echo", speed=3.0)

    assert result["ok"], result["problems"]
    assert not result["barge_ins"]
    assert len(world.noted("cleared")) in ({1, 2} if share > 0.1 else {0})
    assert any(piece["heard_ms"] == piece["total_ms"] > 5_000 for piece in result["heard"])


async def test_noise_without_an_end_does_not_freeze_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told that it is hard to hear them while the noise goes on."""
    monkeypatch.setattr(behaviour, "_LONGEST_TURN_MS", 2_000)
    async with calls_world(**HASTY, speech=0.8, watch=0.1) as world:
        with capture_events() as events:
            result = await world.call(scenario="noise", speed=6.0)
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert named(events, "LINE_NOISY")


async def test_a_hello_into_the_greeting_does_not_cut_it_off() -> None:
    """Early "הלו?" is the Israeli way to answer a pause: whom they called is heard whole."""
    hello = {"caller": "הלו?", "barge_in_ms": 100, "needs_answer": False}
    async with calls_world() as world:
        result = await world.call({"turns": [hello, ASK]})
        await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    greeting = result["heard"][0]
    assert greeting["heard_ms"] == greeting["total_ms"]
    assert [piece["text"] for piece in result["heard"]][1:] == [ASK["agent"]]
    assert not result["barge_ins"]


@pytest.mark.parametrize("how", ["stop", "close", "abort"])
async def test_a_hang_up_ends_the_call_once_however_it_comes(how: str) -> None:
    """With a stop, with a close and no stop, or with a connection that is just gone."""
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [], "ending": {"how": how}})
            await until(lambda: not world.desk.live)

    assert result["ok"], result["problems"]
    assert end(events)["reason"] == "customer_hangup"


async def test_debug_shows_what_production_hides() -> None:
    """Frames, loudness, marks, watchdog and the beginning and end of each response are there, at DEBUG only."""
    async with calls_world(watch=0.1) as world:
        with capture_events() as events:
            await world.call(TALK)
            await until(lambda: world.store.records)

    seen = {event.event: event.level for event in events}
    hidden = {
        "AUDIO_DELTA",
        "MEDIA_IN",
        "RMS",
        "MARK",
        "TX_RESPONSE_START",
        "TX_RESPONSE_END",
        "WATCHDOG",
        "QUEUE_SIZE",
    }
    assert hidden <= set(seen)
    assert {seen[name] for name in hidden} == {"DEBUG"}
    assert len(named(events, "MEDIA_IN")) > 300


async def test_a_bad_line_is_repaired() -> None:
    """Lost, late and doubled frames: every turn is still understood."""
    async with calls_world() as world:
        result = await world.call({**TALK, "line": {"lost": 0.05, "late": 0.02, "duplicated": 0.03}})

    assert result["ok"], result["problems"]
    assert result["turns"] == 2


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013])
async def test_a_model_that_goes_away_comes_back_in_mid_call(code: int) -> None:
    """The session is opened again, the conversation carried over, and the caller gets the answer that was lost."""
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({**TALK, "model": {"close_at_turn": 1, "close_code": code}})
            await until(lambda: world.store.records)

    assert result["turns"] == 2
    assert THANK["agent"] in [piece["text"] for piece in result["heard"]]
    assert [event.fields["error"] for event in named(events, "REALTIME_RETRY")] == [f"closed with {code}"]
    assert len(named(events, "REALTIME_CONNECTED")) == 2
    assert len(named(events, "GREETING")) == 1
    assert end(events)["reason"] == "customer_hangup"


async def test_a_model_that_refuses_to_go_on_ends_the_call_politely() -> None:
    """The caller hears a sentence, Twilio is told to hang up, and the fallback stays unsaid."""
    async with calls_world() as world:
        world.nobody_to_ring()
        with capture_events() as events:
            result = await world.call({**TALK, **STAYS, "model": {"close_at_turn": 1, "close_code": 1008}})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == "model_failed"
    assert len(named(events, "REALTIME_ERROR")) == 1
    (cleared,), (hung_up,) = world.noted("cleared"), world.noted("updated_by_rest")
    assert hung_up["t_ms"] - cleared["t_ms"] > 3_000
    assert result["verbs"] == ["Connect"]


async def test_a_fatal_error_ends_the_call_politely() -> None:
    """No quota, no conversation."""
    async with calls_world() as world:
        world.nobody_to_ring()
        await world.faults(realtime={"error_code": "insufficient_quota", "error_after_ms": 1500})
        with capture_events() as events:
            result = await world.call({**TALK, **STAYS})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == "model_failed"
    assert result["ended_by"] == "service"
    assert result["verbs"] == ["Connect"]


async def test_a_caller_hears_that_we_are_still_there_while_the_model_is_away() -> None:
    """A comfort sentence, then the conversation as if nothing had been."""
    async with calls_world(comfort=0.2, comfort_look=0.05) as world:
        await world.faults(realtime={"refuse": 2})
        with capture_events() as events:
            result = await world.call(TALK)
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert result["comfort_ms"] > 1_000
    assert result["unknown_ms"] == 0
    assert [event.fields["attempt"] for event in named(events, "REALTIME_RETRY")] == [1, 2]
    assert named(events, "COMFORT")
    assert end(events)["reason"] == "customer_hangup"


@pytest.mark.parametrize("outcome", ["answered", "busy"])
async def test_a_caller_whom_the_model_fails_is_put_through_to_a_person(outcome: str) -> None:
    """The ending says what failed; when nobody takes the call, the caller hears why it ends."""
    async with calls_world() as world:
        dies = {"model": {"close_at_turn": 1, "close_code": 1008, "close_times": 5}, "dialled": {"outcome": outcome}}
        with capture_events() as events:
            result = await world.call({**TALK, **STAYS, **dies, "expect": {"unknown_audio": True}})
            await until(lambda: len(world.store.records) == len(named(events, "CALL_START")))

    back = outcome != "answered"
    assert result["verbs"] == ["Connect", "Dial", "Connect"][: 3 if back else 2]
    assert result["transferred_to"] == (None if back else "+97235550199")
    assert world.store.records[0].end_reason == "model_failed"


async def test_a_model_that_never_answers_the_door_ends_the_call_politely() -> None:
    """After the time that a caller can be asked to wait, they hear why."""
    async with calls_world(model_retry=0.5) as world:
        world.nobody_to_ring()
        await world.faults(realtime={"refuse": 1000})
        with capture_events() as events:
            result = await world.call({**TALK, **STAYS})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == "model_unreachable"
    assert result["unknown_ms"] > 1_000
    assert result["verbs"] == ["Connect"]


async def test_a_model_that_falls_silent_is_replaced_and_then_given_up() -> None:
    """It keeps the connection and says nothing: never dead air without an end."""
    async with calls_world(watch=0.05, model_silence=0.3) as world:
        with capture_events() as events:
            await world.call({**TALK, **STAYS, "model": {"silent_from_turn": 1}, "expect": {"all_answered": False}})
            await until(lambda: world.store.records)

    assert "it does not answer" in {event.fields["error"] for event in named(events, "REALTIME_RETRY")}
    assert end(events)["reason"] == "model_unreachable"


async def test_the_agent_hangs_up_after_its_last_words() -> None:
    """end_call: the goodbye is heard whole, then Twilio hangs up."""
    goodbye = {"caller": THANK["caller"], "tools": [{"name": "end_call"}], "agent": "תודה שהתקשרת, שלום!"}
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [goodbye], **STAYS})
            await until(lambda: world.store.records)
            (request,) = await world.requests("twilio")

    assert result["ok"], result["problems"]
    last = result["heard"][-1]
    assert (last["text"], last["heard_ms"]) == (goodbye["agent"], last["total_ms"])
    assert end(events)["reason"] == "agent_ended"
    assert request["body"] == {"Status": "completed"}


async def test_a_caller_who_goes_on_talking_is_not_hung_up_on() -> None:
    """end_call, the goodbye, and then a question after all: the model takes it back, and the call goes on."""
    goodbye = {"caller": "תודה", "tools": [{"name": "end_call"}], "agent": "תודה שהתקשרת, ויום נעים מאוד לך!"}
    after_all = {**ASK, "barge_in_ms": 500, "tools": [{"name": "stay_on_the_line"}]}
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [goodbye, after_all]})
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert ASK["agent"] in [piece["text"] for piece in result["heard"]]
    assert end(events)["reason"] == "customer_hangup"


async def test_a_transfer_dials_the_number_of_the_business() -> None:
    """transfer_to_human: the caller is told, then connected."""
    wish = {"caller": "אני רוצה לדבר עם נציג", "tools": [{"name": "transfer_to_human"}], "agent": "מעבירה אותך עכשיו."}
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [wish], **STAYS})
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert result["transferred_to"] == "+97235550199"
    assert wish["agent"] in [piece["text"] for piece in result["heard"]]
    assert end(events)["reason"] == "transferred"


@pytest.mark.parametrize(("tool", "reason"), [("end_call", "agent_ended"), ("transfer_to_human", "transferred")])
async def test_a_word_over_the_last_words_takes_nothing_back(tool: str, reason: str) -> None:
    """Whatever is said over "I am connecting you" or over the goodbye: what was promised happens, after an answer."""
    wish = {"caller": "תודה", "tools": [{"name": tool}], "agent": "בשמחה רבה, ואני ממש עכשיו עושה את זה."}
    thanks = {"caller": "תודה לך באמת", "agent": "בבקשה.", "barge_in_ms": 700}
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [wish, thanks], **STAYS})
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert len(result["barge_ins"]) == 1
    assert thanks["agent"] in [piece["text"] for piece in result["heard"]]
    assert end(events)["reason"] == reason


@pytest.mark.parametrize("outcome", ["busy", "no-answer", "failed", "machine"])
async def test_a_transfer_that_no_person_takes_comes_back_to_the_agent(outcome: str) -> None:
    """Busy, unanswered, wrong or a voicemail: the caller hears the agent again, and the call goes on."""
    wish = {"caller": "אני רוצה לדבר עם נציג", "tools": [{"name": "transfer_to_human"}], "agent": "מעבירה אותך עכשיו."}
    sorry = "סליחה, אף אחד לא ענה."
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [wish, THANK], "filler": sorry, "dialled": {"outcome": outcome}})
            await until(lambda: len(world.store.records) == 2)

    assert result["ok"], result["problems"]
    assert result["verbs"] == ["Connect", "Dial", "Connect"]
    assert result["transferred_to"] is None
    assert [piece["text"] for piece in result["heard"]][-2:] == [sorry, THANK["agent"]]
    assert [record.end_reason for record in world.store.records] == ["transferred", "customer_hangup"]
    assert len(named(events, "CALL_END")) == 2


async def test_a_transfer_that_fails_gives_the_caller_back_to_the_agent() -> None:
    """The model is told, apologises, and the call goes on."""
    wish = {"caller": "אני רוצה לדבר עם נציג", "tools": [{"name": "transfer_to_human"}], "agent": "מעבירה אותך עכשיו."}
    async with calls_world() as world:
        await world.faults(twilio={"status": 400})
        with capture_events() as events:
            result = await world.call({"turns": [wish, THANK], "patience_ms": 30_000})
            await until(lambda: world.store.records)

    assert result["transferred_to"] is None
    assert THANK["agent"] in [piece["text"] for piece in result["heard"]]
    assert end(events)["reason"] == "customer_hangup"


@pytest.mark.parametrize("taken", [True, False])
async def test_a_transfer_whose_answer_was_lost_is_told_as_failed_only_where_the_caller_is_still_there(
    monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    """Nobody hears an apology for a transfer while the person's phone rings."""
    wish = {"caller": "אני רוצה לדבר עם נציג", "tools": [{"name": "transfer_to_human"}], "agent": "מעבירה אותך עכשיו."}
    really, under_way = TwilioCalls.transfer, set()

    async def transfer(self: TwilioCalls, call_sid: str, number: str) -> bool | None:
        if taken:
            under_way.add(asyncio.create_task(really(self, call_sid, number)))
        return None

    monkeypatch.setattr(TwilioCalls, "transfer", transfer)
    # Whoever is put through waits for it: by themselves they hang up as soon as they have heard that they will be.
    story = {"turns": [wish], **STAYS} if taken else {"turns": [wish, THANK]}
    async with calls_world(handover=20.0 if taken else 0.1) as world:
        with capture_events() as events:
            result = await world.call({**story, "patience_ms": 240_000})
            await until(lambda: world.store.records)

    assert (result["transferred_to"] is not None) is taken
    assert (THANK["agent"] in [piece["text"] for piece in result["heard"]]) is not taken
    assert end(events)["reason"] == ("transferred" if taken else "customer_hangup")


@pytest.mark.parametrize(
    ("scenario", "cut_short"),
    [
        ("agent_ends", 0),
        ("another_language", 0),
        ("dtmf", 0),
        ("goodbye_twice", 1),
        ("hello_first", 0),
        ("keys_over_speech", 1),
        ("model_dies", 0),
        ("no_transcript", 0),
        ("opening_hours", 0),
        ("slow_model", 1),
        ("thanks_over_transfer", 1),
        ("transfer_busy", 0),
        ("transfer_machine", 0),
        ("transfer_unanswered", 0),
        ("wrong_booking", 0),
    ],
)
async def test_a_story_goes_as_its_file_tells_it(scenario: str, cut_short: int) -> None:
    """Those that no other test plays; only in some does anybody mean to interrupt."""
    async with calls_world(**HASTY) as world:
        result = await world.call(scenario=scenario, speed=6.0)

    assert result["ok"], result["problems"]
    assert len(result["barge_ins"]) == cut_short


async def test_keys_reach_the_model_and_never_the_log() -> None:
    """Which keys were pressed may be a secret; that there were some is not."""
    keys = {"dtmf": "4711", "agent": "תודה, מצאתי את הכרטיס שלך."}
    async with calls_world(keys=0.2) as world:
        with capture_events() as events:
            result = await world.call({"turns": [keys]})
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert keys["agent"] in [piece["text"] for piece in result["heard"]]
    assert [event.fields["count"] for event in named(events, "DTMF")] == [4]
    assert not [event for event in events if "4711" in f"{event.text} {event.fields}"]


async def test_a_session_is_renewed_between_turns_without_anybody_noticing() -> None:
    """Before OpenAI's hour is over; what was said is carried over, nobody is greeted twice."""
    async with calls_world(watch=0.05, model_renew=0.6) as world:
        with capture_events() as events:
            result = await world.call({"turns": [ASK, THANK] * 3})
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    assert len(named(events, "REALTIME_RENEWED")) >= 1
    assert len(named(events, "GREETING")) == 1
    assert not named(events, "REALTIME_RETRY", "REALTIME_ERROR")
    assert end(events)["reason"] == "customer_hangup"


@pytest.mark.parametrize(("limit", "reason"), [({"idle": 0.5}, "idle_timeout"), ({"max_call": 1.0}, "max_duration")])
async def test_silence_and_time_have_an_end_that_the_caller_is_told_of(limit: dict[str, Any], reason: str) -> None:
    """Nobody pays for an empty line, and nobody is cut off without a word."""
    async with calls_world(watch=0.05, **limit) as world:
        with capture_events() as events:
            result = await world.call({"turns": [], **STAYS, "patience_ms": 60_000})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == reason
    assert result["unknown_ms"] > 1_000
    assert result["verbs"] == ["Connect"]


async def test_a_call_says_and_keeps_what_it_used_and_cost() -> None:
    """After all that CALL_END had before; the models, the transcripts and Twilio's minutes are charged."""
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call(TALK)
            await until(lambda: world.store.records)

    assert result["ok"], result["problems"]
    (record,) = world.store.records
    ended = end(events)
    said = CALL_END.fields[CALL_END.fields.index("folded") + 1 :][:3]
    assert said == ("tokens_in", "tokens_out", "cost")
    for name in said:
        assert record.metrics[name] == ended[name]
    charges = {charge.kind: charge for charge in record.charges}
    assert set(charges) == {"model", "transcription", "phone"}
    assert charges["model"].usage.tokens_in + charges["transcription"].usage.tokens_in == ended["tokens_in"]
    assert charges["model"].usage.tokens_in > 0
    assert charges["model"].usage.audio_out > 0
    assert 0 < charges["model"].usage.tokens_cached < charges["model"].usage.tokens_in
    assert charges["transcription"].usage.seconds > 0
    assert ended["cost"] == pytest.approx(sum(charge.cost or 0 for charge in record.charges), abs=1e-6)
    assert record.metrics["currency"] == "USD"


async def test_a_call_that_has_cost_enough_is_ended_with_a_sentence() -> None:
    """The first minute of the line alone is more than this."""
    async with calls_world(watch=0.05, max_cost=0.001) as world:
        with capture_events() as events:
            result = await world.call({"turns": [], **STAYS, "patience_ms": 60_000})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == "limit"
    assert result["unknown_ms"] > 1_000


@pytest.mark.parametrize("reachable", [True, False])
async def test_a_business_whose_day_is_spent_has_its_calls_transferred_or_answered_with_a_sentence(
    reachable: bool,
) -> None:
    """Nothing is asked of the model, and nobody hears dead air."""
    async with calls_world(environ={"MAX_COST_PER_DAY": "5"}) as world:
        if not reachable:
            world.nobody_to_ring()
        world.store.known = replace(world.store.known, spent_today=5.0)
        with capture_events() as events:
            result = await world.call({**TALK, **STAYS})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == "over_budget"
    assert [event.fields["reason"] for event in named(events, "CALL_REFUSED")] == ["over_budget"]
    assert not named(events, "GREETING", "RESPONSE_CREATED")
    # Who is put through hears the words of comfort, anybody else why nobody talks to them.
    assert result["comfort_ms" if reachable else "unknown_ms"] > 500
    assert result["transferred_to"] == ("+97235550199" if reachable else None)
    assert [charge.kind for charge in world.store.records[0].charges] == ["phone"]


async def test_a_dead_stream_ends_the_call() -> None:
    """Twilio always sends frames; when none come for long, nobody is there."""
    async with calls_world(watch=0.05, silent_stream=0.3) as world, world.http.ws_connect(world.stream_url()) as socket:
        with capture_events() as events:
            await socket.send_json({"event": "connected"})
            start = {"streamSid": "MZ1", "callSid": "CA1", "customParameters": {"token": world.token("CA1")}}
            await socket.send_json({"event": "start", "start": start, "streamSid": "MZ1"})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == "caller_lost"


async def test_without_a_database_the_call_is_generic_and_its_record_waits_on_disk(tmp_path: Path) -> None:
    """A WARNING for the missing context, another for the record, and the caller notices nothing."""
    async with calls_world(spool=tmp_path) as world:
        world.store.away = True
        with capture_events() as events:
            result = await world.call(TALK)
            await until(lambda: named(events, "CALL_RECORD_SPOOLED"))

    assert result["ok"], result["problems"]
    record = spooled(tmp_path, result["call_sid"])
    assert record.end_reason == end(events)["reason"] == "customer_hangup"
    assert len(record.transcript) == 5


@pytest.mark.parametrize("back", [True, False])
async def test_a_call_that_began_without_the_database_has_a_business_from_the_first_tool_on_that_finds_it(
    back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what the agent promises in it would be nobody's job to its end."""
    served: list[Profile] = []
    async with calls_world() as world:

        async def run(context: ToolContext, arguments: NoArguments) -> Answer:
            served.append(context.profile)
            return Answer("-", "-")

        install(monkeypatch, run)
        world.store.away = True
        with capture_events() as events:
            calling = asyncio.create_task(world.call({"turns": [TOOL_TURN]}))
            await until(lambda: named(events, "GREETING"))
            world.store.away = not back
            await calling
            world.store.away = False
            await until(lambda: named(events, "CALL_END"))

    assert served == [world.store.known if back else Profile()]


async def test_a_part_that_fails_ends_the_call_with_its_stack_and_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is an ERROR with a stack, one CALL_END, and a spoken sentence from the TwiML: never dead air."""

    def bug(self: Conversation, event: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Conversation, "_speech_stopped", bug)
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({**TALK, **STAYS})
            await until(lambda: world.store.records)

    assert end(events)["reason"] == "internal_error"
    assert [event.exc.kind for event in events if event.level == "ERROR" and event.exc] == ["ExceptionGroup"]
    assert "ZeroDivisionError" in next(event.exc.stack for event in events if event.exc)
    assert result["verbs"] == ["Connect", "Say"]


class NoArguments(BaseModel):
    """None."""


def install(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    """Put a tool called check_availability in place of the real one."""
    tool = Tool("check_availability", "A test's.", NoArguments, lambda arguments: "-", run)
    monkeypatch.setitem(tools.toolbox(), "check_availability", tool)


TOOL_TURN = {**ASK, "tools": [{"name": "check_availability", "arguments": {"date": "2026-01-25"}}]}


async def test_a_slow_tool_does_not_stall_the_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it hangs, frames keep flowing; after its time limit the model is told, and answers."""
    frames: list[int] = []
    async with calls_world(tool=0.5) as world:

        async def run(context: ToolContext, arguments: NoArguments) -> Answer:
            (live,) = world.desk.live
            frames.append(live.call.stats.frames_in)
            try:
                await asyncio.Event().wait()
            finally:
                frames.append(live.call.stats.frames_in)
            raise AssertionError

        install(monkeypatch, run)
        with capture_events() as events:
            result = await world.call({"turns": [TOOL_TURN], "patience_ms": 30_000})
            await until(lambda: world.store.records)

    assert frames[1] - frames[0] > 50
    assert ASK["agent"] in [piece["text"] for piece in result["heard"]]
    assert [event.level for event in named(events, "TOOL_FAILED")] == ["ERROR"]
    assert end(events)["reason"] == "customer_hangup"


async def test_what_was_agreed_is_done_also_for_a_caller_who_hangs_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hang-up comes while the booking is under way: it is finished, and then the record is written."""
    done: list[int] = []
    async with calls_world() as world:

        async def run(context: ToolContext, arguments: NoArguments) -> Answer:
            (live,) = world.desk.live
            await until(lambda: live.call.stats.ended)
            done.append(len(world.store.records))
            return Answer("-", "-", wrote=31)

        install(monkeypatch, run)
        with capture_events() as events:
            await world.call({"turns": [TOOL_TURN], "max_ms": 40_000})
            await until(lambda: world.store.records)

    assert done == [0]
    assert end(events)["reason"] == "customer_hangup"
    assert len(named(events, "TOOL_RESULT")) == 1
    assert world.store.records[0].metrics["deeds"] == [{"tool": "check_availability", "id": 31}]


async def test_a_failing_tool_is_an_error_with_its_stack_and_the_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model gets an answer that lets it apologise."""

    async def run(context: ToolContext, arguments: NoArguments) -> Answer:
        raise ZeroDivisionError("a bug")

    install(monkeypatch, run)
    async with calls_world() as world:
        with capture_events() as events:
            result = await world.call({"turns": [TOOL_TURN]})
            await until(lambda: world.store.records)

    (failed,) = named(events, "TOOL_FAILED")
    assert failed.exc is not None
    assert "ZeroDivisionError" in failed.exc.stack
    assert result["ok"], result["problems"]
    assert end(events)["tools"] == 1
