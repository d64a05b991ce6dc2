"""What the model's events do to a call, in the sequences in which they come."""

import asyncio
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from calls_world.stage import FIFTH, Stage
from prosaas_calls.model.leg import ModelFailed
from prosaas_calls.model.realtime import RealtimeLost
from prosaas_calls.tools.base import Answer
from prosaas_logging import capture_events, scope
from prosaas_logging.catalogue import AUDIO_DELTA
from prosaas_logging.levels import INFO
from prosaas_logging.policy import apply, in_force

BOOKED = "קבעתי לכם תור ליום שלישי בעשר."


async def test_an_interruption_while_the_model_still_generates() -> None:
    """Clear at once, truncate at what was heard (not at what was sent), and play nothing more of that response."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.heard(3)

    with capture_events() as events:
        await stage.interrupts()
        stage.delta()
        stage.done(status="cancelled")

    assert len(stage.twilio.events("clear")) == 1
    assert len(stage.twilio.events("media")) == 10
    assert stage.to_model[0] == {"type": "response.cancel"}
    truncation = {"type": "conversation.item.truncate", "item_id": "i1", "content_index": 0, "audio_end_ms": 600}
    assert stage.to_model[1:] == [truncation]
    assert [event.fields["heard_ms"] for event in events if event.event == "BARGE_IN"] == [600]
    assert stage.stats.barge_ins == 1


async def test_an_interruption_after_the_model_has_finished() -> None:
    """The response is done, Twilio still plays it: clear and truncate all the same."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.model("response.output_audio.done", response_id="r1", item_id="i1")
    stage.done()
    stage.heard(7)

    await stage.interrupts()

    assert len(stage.twilio.events("clear")) == 1
    assert [event["audio_end_ms"] for event in stage.to_model] == [1400]


def test_what_was_said_to_nobody_is_in_no_transcript_and_the_model_takes_it_back() -> None:
    """The caller speaks before its first sound: it is cancelled, and tells its words all the same."""
    stage = Stage()
    stage.model("session.updated")
    stage.model("response.created", response={"id": "r1"})
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)

    with capture_events() as events:
        stage.delta()
        stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=BOOKED)
        stage.model("response.output_item.done", response_id="r1", item={"id": "i1", "type": "message"})
        stage.done(status="cancelled")

    assert {"type": "conversation.item.delete", "item_id": "i1"} in stage.to_model
    assert not [event for event in events if event.event == "TRANSCRIPT_AI"]
    assert stage.history.last("ai") == ""
    assert stage.promises.to_json() == Stage().promises.to_json()


def test_what_the_caller_was_given_is_not_taken_back() -> None:
    stage = Stage()
    stage.responds(fifths=1)
    stage.model("response.output_item.done", response_id="r1", item={"id": "i1", "type": "message"})
    assert stage.to_model == []


def test_a_transcript_that_failed_without_a_word_why_makes_nobody_unintelligible() -> None:
    stage = Stage()
    with capture_events() as events:
        stage.model("conversation.item.input_audio_transcription.failed", item_id="u1")
    assert stage.floor.unintelligible == 0
    assert [event.text for event in events if event.level == "DEBUG"] == ["no transcript"]


async def test_a_second_sentence_that_was_cut_off_unheard_is_not_told_to_the_next_session() -> None:
    """Its words come after the interruption."""
    stage = Stage()
    stage.responds(item_id="i1", fifths=5)
    stage.delta(item_id="i2")
    stage.heard(2)
    await stage.interrupts()
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i2", transcript=BOOKED)
    assert list(stage.history.told()) == []


def test_an_interruption_after_all_was_heard_is_just_a_turn() -> None:
    """Nothing to clear, nothing to truncate, no BARGE_IN."""
    stage = Stage()
    stage.responds(fifths=5)
    stage.model("response.output_audio.done", response_id="r1", item_id="i1")
    stage.done()
    stage.heard(5)

    with capture_events() as events:
        stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)

    assert not stage.twilio.events("clear")
    assert not stage.to_model
    assert not [event for event in events if event.event == "BARGE_IN"]


async def test_an_interruption_before_anything_was_heard_takes_all_of_it_back() -> None:
    """The model does not go on believing that it was said."""
    stage = Stage()
    stage.responds(fifths=3)

    await stage.interrupts()

    assert len(stage.twilio.events("clear")) == 1
    assert stage.to_model == [{"type": "response.cancel"}, {"type": "conversation.item.delete", "item_id": "i1"}]


async def test_the_answer_after_an_interruption_is_heard() -> None:
    """Only the interrupted response is discarded."""
    stage = Stage()
    stage.responds()
    await stage.interrupts()
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    stage.delta()
    stage.done(status="cancelled")

    stage.responds("r2", "i2", fifths=2)

    assert len(stage.twilio.events("media")) == 5 + 2


async def test_a_prompt_of_ours_that_is_interrupted_is_not_truncated() -> None:
    """The model knows of no such item."""
    stage = Stage()
    stage.line.play(FIFTH.encode(), 1600, "")
    stage.line.play(FIFTH.encode(), 1600, "")
    stage.heard(1)

    await stage.interrupts()

    assert len(stage.twilio.events("clear")) == 1
    assert not stage.to_model


def test_what_an_interruption_left_of_a_tool_call_is_not_done() -> None:
    """The arguments are announced as done, the item says that they are not."""
    stage = Stage()
    stage.responds(fifths=1)

    stage.calls("cancel_appointment", arguments="", status="incomplete")

    assert not stage.tools


async def test_a_tool_call_of_a_response_that_the_caller_cut_off_is_refused_and_the_model_is_told() -> None:
    """The call was complete, but the caller had said "no, wait" before it reached us: the model may ask again."""
    stage = Stage()
    stage.responds(fifths=1)
    await stage.interrupts()

    stage.calls("cancel_appointment")

    assert not stage.tools
    output = stage.to_model[-1]["item"]
    assert (output["type"], output["call_id"]) == ("function_call_output", "c1")
    assert "Not done" in output["output"]


def test_a_tool_call_waits_for_its_answer_and_then_asks_once() -> None:
    """The complete item starts the tool; the answer is asked for after the response is done."""
    stage = Stage()
    stage.responds(fifths=1)
    stage.calls("check_availability")
    assert [(tool.call_id, tool.name, tool.arguments) for tool in stage.tools] == [("c1", "check_availability", "{}")]

    stage.turns.work_begins()
    stage.turns.want()
    stage.turns.work_ends()
    stage.conversation.ask_if_due()
    assert stage.asked() == 0
    stage.done()
    assert stage.asked() == 1
    stage.conversation.ask_if_due()
    assert stage.asked() == 1


def test_benign_errors_are_whispered() -> None:
    """Races that are nobody's fault stay at DEBUG and end nothing."""
    stage = Stage()
    stage.responds()

    with capture_events() as events:
        for code in (
            "response_cancel_not_active",
            "conversation_already_has_active_response",
            "input_audio_buffer_commit_empty",
        ):
            stage.model("error", error={"type": "invalid_request_error", "code": code, "message": "no"})

    assert [(event.level, event.event) for event in events] == [("DEBUG", "REALTIME_BENIGN")] * 3


def test_of_two_promises_without_a_deed_the_first_is_told() -> None:
    """A call is looked at once; what it kept of itself stays what was told."""
    stage = Stage()
    with capture_events() as events:
        for number, words in enumerate((BOOKED, "ביטלתי לך את התור.")):
            stage.history.words(f"i{number}", "ai", words)
            stage.promises.said(f"i{number}")
            stage.promises.judge()
    assert [event.event for event in events].count("PROMISE_UNKEPT") == 1
    assert stage.promises.unkept == "קבעתי לכם תור ליום שלישי בעשר"


def test_what_the_model_was_too_busy_to_answer_is_asked_again() -> None:
    """It had begun to speak before it saw our question: when it is done with that, it is asked once more."""
    stage = Stage()
    stage.responds()
    stage.conversation.expect_response()
    stage.model("error", error={"type": "x", "code": "conversation_already_has_active_response", "message": "no"})
    assert stage.asked() == 0
    stage.done()

    assert stage.asked() == 1


def test_other_errors_are_loud_and_the_call_goes_on() -> None:
    """An ERROR line, no end."""
    stage = Stage()
    stage.responds()

    with capture_events() as events:
        stage.model("error", error={"type": "server_error", "code": "server_error", "message": "oops"})

    assert [(event.level, event.event) for event in events] == [("ERROR", "REALTIME_ERROR")]


@pytest.mark.parametrize(("message", "told"), [("oops", "oops"), (None, "")])
def test_what_the_model_says_of_an_error_is_told_wherever_it_says_it(message: str | None, told: str) -> None:
    """Of a race, of a session, of an answer that is tried again and of one that is not; a failure may say nothing."""

    def failed(code: str) -> dict[str, Any]:
        return {"type": "failed", "error": {"type": "x", "code": code, "message": message}}

    stage = Stage()
    stage.responds()
    with capture_events() as events:
        for code in ("response_cancel_not_active", "server_error"):
            stage.model("error", error={"type": "x", "code": code, "message": message})
        stage.done(status="failed", status_details=failed("model_error"))
        stage.done("r2", "failed")
        with pytest.raises(ModelFailed):
            stage.done("r3", "failed", status_details=failed("insufficient_quota"))

    said = [event for event in events if event.event in ("REALTIME_BENIGN", "REALTIME_ERROR")]
    assert [(event.fields["code"], event.fields["message"]) for event in said] == [
        ("response_cancel_not_active", told),
        ("server_error", told),
        ("model_error", told),
        ("response_failed", ""),
        ("insufficient_quota", told),
    ]


@pytest.mark.parametrize(("status", "told"), [("completed", "completed"), (None, "unknown")])
def test_a_response_is_told_from_its_beginning_over_its_first_sound_and_its_last_to_its_end(
    status: str | None, told: str
) -> None:
    """How long it took stands at its end."""
    stage = Stage()
    with capture_events() as events:
        stage.responds(fifths=2)
        stage.model("response.output_audio.done", response_id="r1", item_id="i1")
        stage.model("response.done", response={"id": "r1", "status": status})

    lines = [event for event in events if "response_id" in event.fields and event.event != "AUDIO_DELTA"]
    assert [(event.event, event.fields["response_id"]) for event in lines] == [
        ("RESPONSE_CREATED", "r1"),
        ("TX_RESPONSE_START", "r1"),
        ("TX_RESPONSE_END", "r1"),
        ("RESPONSE_DONE", "r1"),
    ]
    assert lines[-1].fields["status"] == told
    assert isinstance(lines[-1].fields["ms"], int)


@pytest.mark.parametrize("code", ["insufficient_quota", "invalid_api_key", "billing_not_active"])
def test_fatal_errors_end_the_conversation(code: str) -> None:
    """Quota, key, account and billing do not heal during a call."""
    stage = Stage()
    stage.responds()

    with pytest.raises(ModelFailed, match=code):
        stage.model("error", error={"type": "invalid_request_error", "code": code, "message": "no"})


def test_a_session_that_refuses_its_settings_ends_the_conversation() -> None:
    """It would speak another audio format into the caller's ear."""
    stage = Stage()

    with pytest.raises(ModelFailed, match="invalid_value"):
        stage.model("error", error={"type": "invalid_request_error", "code": "invalid_value", "message": "voice"})


@pytest.mark.parametrize(("kind", "code"), [("server_error", None), ("requests", "rate_limit_exceeded")])
def test_a_session_that_fails_before_it_has_begun_is_replaced(kind: str, code: str | None) -> None:
    """It refused nothing of ours: that the server is out of order will pass. A quota is no such thing."""
    with pytest.raises(RealtimeLost) as lost:
        Stage().model("error", error={"type": kind, "code": code, "message": "no"})
    assert lost.value.retriable
    with pytest.raises(ModelFailed):
        Stage().model("error", error={"type": kind, "code": "insufficient_quota", "message": "no"})


def test_a_session_that_refuses_to_write_words_down_is_opened_without_that_and_refused_again_it_is_the_end() -> None:
    """A session that stands has taken its settings: what it says of them later ends nothing."""
    refusal = {"type": "invalid_request_error", "code": "invalid_value", "param": "session.audio.input.transcription"}
    stage = Stage()
    with pytest.raises(RealtimeLost):
        stage.model("error", error=refusal)
    assert not stage.conversation.transcribes
    with pytest.raises(ModelFailed):
        stage.model("error", error=refusal)

    stands = Stage()
    stands.model("session.updated")
    stands.model("error", error=refusal)
    assert stands.conversation.transcribes


def test_a_failed_response_is_tried_again_twice() -> None:
    """Then the model is given up; a response that works starts the count anew."""
    stage = Stage()
    stage.model("session.updated")
    failure = {"type": "failed", "error": {"type": "server_error", "code": "server_error"}}
    for attempt in (1, 2):
        stage.model("response.created", response={"id": f"r{attempt}"})
        stage.done(f"r{attempt}", "failed", status_details=failure)
        assert stage.asked() == attempt
    stage.responds("r3")
    stage.done("r3")

    for attempt in (4, 5):
        stage.done(f"r{attempt}", "failed", status_details=failure)
    with pytest.raises(ModelFailed):
        stage.done("r6", "failed", status_details=failure)


@pytest.mark.parametrize(
    ("hint", "pause"), [("Please try again in 1.4s.", 1.4), ("Please try again in 350ms.", 0.35), ("Slow down.", 0.5)]
)
def test_a_rate_limit_is_waited_for_as_long_as_it_says(hint: str, pause: float) -> None:
    """At a busy hour the limit hits all calls together: each waits its time, and none is given up at once."""
    stage = Stage()
    error = {"type": "tokens", "code": "rate_limit_exceeded", "message": f"Rate limit reached. {hint}"}
    for attempt in range(4):
        stage.model("response.created", response={"id": f"r{attempt}"})
        stage.done(f"r{attempt}", "failed", status_details={"type": "failed", "error": error})

    assert stage.pauses[0] == pause
    assert len(stage.pauses) == 4
    assert stage.asked() == 0


def test_a_rate_limit_that_lasts_longer_than_a_caller_waits_ends_the_conversation() -> None:
    stage = Stage()
    error = {"type": "tokens", "code": "rate_limit_exceeded", "message": "Please try again in 21s."}

    with pytest.raises(ModelFailed, match="rate_limit_exceeded"):
        stage.done("r1", "failed", status_details={"type": "failed", "error": error})


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_an_answer_without_a_word_is_asked_for_again(status: str) -> None:
    """Stopped by a filter, or simply empty: the caller still waits."""
    stage = Stage()
    for attempt in (1, 2):
        stage.model("response.created", response={"id": f"r{attempt}"})
        stage.done(f"r{attempt}", status)
        assert stage.asked() == attempt

    stage.model("response.created", response={"id": "r3"})
    with pytest.raises(ModelFailed, match="empty_response"):
        stage.done("r3", status)


def test_a_response_that_only_calls_a_tool_is_an_answer() -> None:
    stage = Stage()
    stage.responds(fifths=0)
    stage.calls("check_availability")
    stage.done()

    assert stage.asked() == 0


def test_a_key_stops_what_is_being_said_as_a_voice_does() -> None:
    """Every caller expects it of a menu: silence at once, and the rest of the response is not generated."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.heard(3)

    for _ in range(3):
        stage.floor.take()
    stage.delta()

    assert len(stage.twilio.events("clear")) == 1
    assert len(stage.twilio.events("media")) == 10
    assert [event["type"] for event in stage.to_model] == ["response.cancel", "conversation.item.truncate"]


def test_a_response_that_begins_while_the_caller_speaks_is_not_played_over_them() -> None:
    """It was asked for a moment before they began; what they say is answered instead."""
    stage = Stage()
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)

    stage.responds("r1")

    assert not stage.twilio.events("media")
    assert [event["type"] for event in stage.to_model] == ["response.cancel"]


def test_transcripts_are_logged_a_turn_at_a_time_and_kept_in_order() -> None:
    """The caller's words may come after the answer began; deltas are never logged."""
    stage = Stage()
    with capture_events("INFO") as events:
        stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
        stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
        stage.model("input_audio_buffer.committed", item_id="u1")
        stage.responds()
        stage.model("response.output_audio_transcript.delta", response_id="r1", item_id="i1", delta="יש")
        stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript="יש לי")
        transcription = "conversation.item.input_audio_transcription.completed"
        stage.model(transcription, item_id="u1", content_index=0, transcript="שלום\n")

    said = [(event.event, event.fields["text"]) for event in events if (event.event or "").startswith("TRANSCRIPT")]
    assert said == [("TRANSCRIPT_AI", "יש לי"), ("TRANSCRIPT_CUSTOMER", "שלום")]
    assert [(line.who, line.text) for line in stage.history] == [("customer", "שלום"), ("ai", "יש לי")]
    assert stage.stats.turns == 1


def test_the_latency_of_an_answer_is_what_the_caller_waits() -> None:
    """From the end of their sentence to the first sound, once an answer."""
    stage = Stage()
    stage.responds("greeting", "i0")
    assert stage.stats.response_ms == []
    assert stage.stats.first_audio_ms is not None

    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)
    stage.responds("r1", "i1")

    assert len(stage.stats.response_ms) == 1
    for item, words in (("i0", "שלום"), ("i1", "בבקשה")):
        stage.history.words(item, "ai", words)
    assert [line.wait_ms for line in stage.history] == [None, *stage.stats.response_ms]


def test_audio_that_is_not_audio_is_not_played() -> None:
    """What is no base64 would break the frame around it."""
    stage = Stage()
    stage.responds(fifths=1)

    stage.delta(audio='"},"event":"clear')

    assert len(stage.twilio.sent) == 2


def test_audio_without_a_sound_is_none() -> None:
    """Nothing of it is sent, and whoever waits until it is heard waits for nothing."""
    stage = Stage()
    stage.responds(fifths=1)
    sent = len(stage.twilio.sent)

    stage.delta(item_id="i2", audio="")
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i2", transcript=BOOKED)
    stage.done()

    assert len(stage.twilio.sent) == sent
    assert stage.line.playback.share("i2") == 1.0


def test_a_muted_conversation_says_nothing_more() -> None:
    """While we say goodbye, the model is not heard."""
    stage = Stage()
    stage.responds(fifths=1)
    stage.conversation.mute()

    stage.delta()
    stage.turns.want()
    stage.done()

    assert len(stage.twilio.events("media")) == 1
    assert stage.asked() == 0


def test_what_is_said_after_the_mute_is_heard_by_nobody_and_stands_nowhere() -> None:
    """Neither as a line of the record, nor as a promise, nor as an answer that did not come; what was heard stays."""
    stage = Stage()
    stage.responds(fifths=1)
    stage.conversation.mute()
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript="רגע.")
    stage.done()
    with capture_events() as events:
        stage.responds("r2", "i2", fifths=1)
        stage.model("response.output_audio_transcript.done", response_id="r2", item_id="i2", transcript=BOOKED)
        stage.done("r2")

    assert len(stage.twilio.events("media")) == 1
    assert [line.text for line in stage.history] == ["רגע."]
    assert not stage.promises.unkept
    assert not {"TRANSCRIPT_AI", "REALTIME_ERROR"} & {event.event for event in events}


@pytest.mark.parametrize("responses", [("r1", "r2"), ("", "")], ids=["its response", "nothing"])
def test_audio_that_names_no_item_is_played_all_the_same(responses: tuple[str, str]) -> None:
    """What it belongs to is its response then, if it names that; the model is told of no item that has no name."""
    stage = Stage()
    for number, response in enumerate(responses):
        where = {"response_id": response} if response else {}
        stage.conversation.pace.caller_ends()
        stage.model("session.updated")
        stage.model("response.created", response={"id": response})
        for _ in range(10):
            stage.model("response.output_audio.delta", delta=FIFTH, **where)
        stage.model("response.output_audio_transcript.done", transcript=f"משפט שלם {number}", **where)
        stage.done(response)
    stage.heard(3)
    stage.floor.take()

    assert len(stage.twilio.events("media")) == 20
    assert len(list(stage.history)) == len(set(responses))
    assert {event["type"] for event in stage.to_model} == {"conversation.item.create"}


def test_a_reconnected_conversation_asks_again_for_what_was_lost() -> None:
    """The caller waited for an answer that the old connection took with it."""
    stage = Stage()
    stage.responds()
    stage.conversation.reconnected()

    stage.conversation.ask_if_due()

    assert stage.asked() == 1


def test_a_reconnected_conversation_that_was_at_rest_asks_for_nothing() -> None:
    """A renewal between two turns goes unnoticed."""
    stage = Stage()
    stage.responds()
    stage.done()
    stage.conversation.reconnected()

    stage.conversation.ask_if_due()

    assert stage.asked() == 0
    assert stage.turns.settled.is_set()


def test_a_flight_recorder_remembers_more_than_the_last_seconds() -> None:
    """While DEBUG is only recorded, one frame in 25 is kept; while it is written, every one."""
    recorded = in_force()
    apply(replace(recorded, threshold=INFO, ring=500))
    try:
        with scope(call_sid="CA1") as call:
            stage = Stage()
            stage.responds(fifths=100)
            kept = [record for record in call.ring if record[3] is AUDIO_DELTA]
    finally:
        apply(recorded)
    with capture_events() as events, scope(call_sid="CA1"):
        stage = Stage()
        stage.responds(fifths=100)

    assert len(kept) == 4
    assert sum(event.event == "AUDIO_DELTA" for event in events) == 100


@pytest.mark.parametrize("begun", [True, False], ids=["a response that does not stop", "one that does not begin"])
def test_a_model_that_hangs_is_noticed_though_the_caller_spoke_meanwhile(begun: bool) -> None:
    """The caller's words end their wait for the old answer; the wait for the new one begins with their last."""
    stage = Stage()
    stage.model("session.updated")
    stage.turns.want()
    stage.conversation.ask_if_due()
    if begun:
        stage.model("response.created", response={"id": "r1"})
    stage.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    assert stage.conversation.pace.silent_for(monotonic() + 7) == 0.0
    stage.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=0)

    assert stage.asked() == 1
    assert stage.conversation.pace.silent_for(monotonic() + 7) > 6


def test_a_model_that_speaks_on_while_an_answer_waits_is_not_taken_for_a_hanging_one() -> None:
    """A tool's answer has come, and is asked about once the sentence is over."""
    stage = Stage()
    stage.responds()
    stage.turns.want()
    stage.conversation.ask_if_due()
    waiting_since = stage.conversation.pace._expecting_since

    stage.delta()

    assert stage.conversation.pace._expecting_since > waiting_since


def test_a_response_that_stops_in_the_middle_is_noticed_and_one_that_goes_on_is_not() -> None:
    """The model never says that it is done, and the caller says nothing either."""
    stage = Stage()
    stage.responds(fifths=2)

    stage.delta()
    assert stage.conversation.pace.silent_for(monotonic()) < 0.5
    assert stage.conversation.pace.silent_for(monotonic() + 7) > 6

    stage.model("response.output_audio.done", response_id="r1", item_id="i1")
    assert stage.conversation.pace.silent_for(monotonic() + 7) > 6
    stage.done()
    assert stage.conversation.pace.silent_for(monotonic() + 7) == 0
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript="שלום")
    assert stage.conversation.pace.silent_for(monotonic() + 7) == 0


@pytest.mark.parametrize(("words", "waits"), [("כן", 0), ("לא", 1)])
async def test_nobody_waits_for_an_answer_to_a_word_that_was_spoken_through(words: str, waits: int) -> None:
    stage = Stage.in_an_answer()
    await stage.says(words)
    stage.responds("r2", "i2")
    assert len(stage.stats.response_ms) == waits


async def test_a_response_that_stops_while_the_caller_says_yes_is_noticed_all_the_same() -> None:
    """A word of assent does not hide from the watchdog that the model does not go on."""
    stage = Stage()
    stage.responds(fifths=10)
    stage.heard(3)
    stage.loud = False

    await stage.says("כן")

    assert stage.conversation.pace.silent_for(monotonic() + 7) > 6


def test_a_promise_that_a_tool_of_the_same_response_keeps_is_no_broken_one() -> None:
    """Said and done in one response: the words come first."""
    stage = Stage()
    with capture_events() as events:
        stage.responds(fifths=1)
        stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=BOOKED)
        stage.promises.begins()
        stage.done()
        stage.heard(1)
        stage.promises.judge()
        stage.promises.done("book_appointment", Answer("booked", "booked", wrote=7))
        stage.promises.judge()
    assert "PROMISE_UNKEPT" not in {event.event for event in events}


@pytest.mark.parametrize(
    ("tool", "answer", "kept"),
    [
        ("book_appointment", Answer("", "", wrote=7), True),
        ("remember_caller", Answer("", ""), True),
        ("remember_caller", Answer("", "", refused=True), False),
        ("check_availability", Answer("", ""), False),
    ],
)
def test_what_was_done_keeps_every_later_promise_of_the_call_and_nothing_else_does(
    tool: str, answer: Answer, kept: bool
) -> None:
    stage = Stage()
    promises = stage.promises
    for called, answered in ((tool, answer), ("check_availability", Answer("", ""))):
        promises.begins()
        promises.done(called, answered)
    stage.history.words("i1", "ai", BOOKED)
    promises.said("i1")
    promises.judge()
    assert bool(promises.unkept) is not kept


def test_a_refusal_is_made_good_by_an_answer_of_the_same_tool_alone() -> None:
    """Also where two tools of one response answer one after the other."""
    promises = Stage().promises
    for tool, refused in (("book_appointment", True), ("take_message", False)):
        promises.done(tool, Answer("", "", refused=refused))
    assert promises.to_json() == {"unmended": 1}
    promises.done("book_appointment", Answer("", "", wrote=7))
    assert promises.to_json()["unmended"] == 0


@pytest.mark.parametrize("refused", [True, False])
def test_a_promise_that_nothing_keeps_is_told_once_when_its_response_is_over(refused: bool) -> None:
    """Whether no tool was called at all, or the one that was called refused."""
    stage = Stage()
    with capture_events() as events:
        stage.responds(fifths=1)
        stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=BOOKED)
        stage.heard(1)
        stage.promises.judge()
        assert not stage.promises.unkept
        if refused:
            stage.promises.begins()
        stage.done()
        assert bool(stage.promises.unkept) is not refused
        if refused:
            stage.promises.done("book_appointment", Answer("closed", "closed", refused=True))
            stage.promises.judge()
        assert stage.promises.unkept
        stage.promises.judge(at_last=True)
    assert [event.event for event in events].count("PROMISE_UNKEPT") == 1
    assert stage.promises.unkept


def test_a_promise_is_judged_at_last_although_its_response_never_ended() -> None:
    """The caller hung up in the middle of it."""
    stage = Stage()
    stage.responds(fifths=1)
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=BOOKED)
    stage.heard(1)
    stage.promises.begins()

    stage.promises.judge(at_last=True)

    assert stage.promises.unkept


async def what_was_heard_of_it(stage: Stage, fifths: int) -> str:
    """How a claim at the end of a sentence is judged of which so much is heard before the caller interrupts."""
    stage.responds(fifths=10)
    words = f"רגע אחד, אני מסתכלת ביומן שלנו. {BOOKED}"
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=words)
    stage.done()
    assert not stage.promises.unkept
    stage.heard(fifths)
    await stage.interrupts()
    return stage.promises.unkept


async def test_a_promise_that_was_cut_off_before_it_was_heard_is_none() -> None:
    """The model has said it whole before the caller interrupts, who heard the words before it."""
    stage = Stage()
    with capture_events() as events:
        assert not await what_was_heard_of_it(stage, 3)
        stage.promises.judge(at_last=True)
    assert "PROMISE_UNKEPT" not in {event.event for event in events}


async def test_a_promise_of_which_the_end_was_cut_off_is_judged_as_it_was_heard() -> None:
    assert await what_was_heard_of_it(Stage(), 7) == "קבעתי לכם תור"


@pytest.mark.parametrize(("fifths", "promised"), [(0, ""), (4, "קבעתי לכם תור ליום שלישי")])
def test_who_hangs_up_was_promised_what_they_had_heard_by_then(fifths: int, promised: str) -> None:
    stage = Stage()
    stage.responds(fifths=5)
    stage.model("response.output_audio_transcript.done", response_id="r1", item_id="i1", transcript=f"רגע, {BOOKED}")
    stage.done()
    stage.heard(fifths)
    stage.promises.judge()
    assert not stage.promises.unkept
    stage.promises.judge(at_last=True)
    assert stage.promises.unkept == promised


async def test_what_asking_for_a_response_costs_is_measured_for_each_and_not_what_the_model_then_needs() -> None:
    """The round trip from our request to its beginning; a response that nobody asked for has none."""
    stage = Stage()
    stage.responds()
    stage.done()
    assert stage.stats.asking_ms is None

    stage.turns.want()
    asked = monotonic()
    stage.conversation.ask_if_due()
    await asyncio.sleep(0.03)
    stage.model("response.created", response={"id": "r2"})
    took_ms = (monotonic() - asked) * 1000
    await asyncio.sleep(0.06)
    stage.delta("r2", "i2")
    stage.done("r2")

    assert stage.stats.asking_ms is not None
    assert 25 <= stage.stats.asking_ms <= took_ms + 1
