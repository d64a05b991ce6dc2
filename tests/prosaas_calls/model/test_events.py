"""What we send to the model, judged by OpenAI's own types, and what we read of its events."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from openai.types.realtime import RealtimeClientEvent
from pydantic import BaseModel, TypeAdapter

from calls_world.world import business
from prosaas_calls.model import events
from prosaas_calls.profile import Profile
from prosaas_calls.tools import declarations

CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)


def referee(event: bytes) -> dict[str, Any]:
    """Fail unless OpenAI's types know the event and every field in it."""
    data: dict[str, Any] = json.loads(event)
    known = CLIENT_EVENT.validate_python(data)
    assert known.type == data["type"]
    assert not list(unknown_fields(known)), list(unknown_fields(known))
    return data


def unknown_fields(value: Any) -> Any:
    if isinstance(value, BaseModel):
        yield from value.model_extra or {}
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            yield from unknown_fields(each)


def test_the_session_is_what_openai_describes() -> None:
    """GA shape: pcmu without a rate, the server's voice detection, transcription, tools with JSON schemas."""
    profile = Profile(business(), 7, "דוד")
    data = referee(
        events.session_update(
            model="gpt-realtime-2.1",
            instructions=profile.instructions(datetime.now(UTC)),
            voice="marin",
            transcription=events.transcription("gpt-transcribe", "he", keywords=["מספרת דנה"]),
            noise_reduction="near_field",
            detection=events.turn_detection("server_vad", threshold=0.5, silence_ms=500),
            tools=declarations(),
        )
    )

    session = data["session"]
    assert session["type"] == "realtime"
    assert session["output_modalities"] == ["audio"]
    # Over a minute of speech: what is longer is a runaway, and each of its tokens is paid for.
    assert session["max_output_tokens"] == 1500
    # As much of the past as a call needs, cut seldom: what is cut is no longer read from the cache.
    assert session["truncation"] == {
        "type": "retention_ratio",
        "retention_ratio": 0.8,
        "token_limits": {"post_instructions": 12_000},
    }
    assert session["audio"]["input"]["format"] == session["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    detection = session["audio"]["input"]["turn_detection"]
    assert (detection["type"], detection["create_response"], detection["interrupt_response"]) == (
        "server_vad",
        False,
        False,
    )
    assert {tool["name"] for tool in session["tools"]} == {
        "check_availability",
        "book_appointment",
        "reschedule_appointment",
        "cancel_appointment",
        "transfer_to_human",
        "end_call",
        "stay_on_the_line",
        "my_appointments",
        "take_message",
        "remember_caller",
    }


@pytest.mark.parametrize("model", ["gpt-transcribe", "gpt-live-transcribe"])
def test_a_model_that_knows_languages_is_told_the_businesss_first_and_the_names(model: str) -> None:
    asked = events.transcription(model, "ru", keywords=["דנה"])
    assert asked == {"model": model, "languages": ["ru", "he", "en", "ar"], "keywords": ["דנה"]}


def test_another_model_writes_down_the_businesss_language_alone() -> None:
    assert events.transcription("whisper-1", "he", keywords=["דנה"]) == {"model": "whisper-1", "language": "he"}


def test_a_greeting_may_take_as_long_as_what_a_business_has_to_tell() -> None:
    """Two thousand letters take 160 s, at 20 tokens of sound a second; the most that OpenAI takes is 4096."""
    (longest,) = (referee(events.create_response("Say exactly this: …"))["response"]["max_output_tokens"],)
    assert 160 * 20 < longest <= 4096


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_the_server_is_told_to_listen_as_openai_describes(kind: str) -> None:
    """Once the greeting is heard: what was said before it is forgotten."""
    for event in events.listen(events.turn_detection(kind, threshold=0.6, silence_ms=700)):
        referee(event)


@pytest.mark.parametrize(
    "event",
    [
        events.append_audio(b"f/9/"),
        events.create_response(),
        events.CANCEL,
        events.create_response("Greet the caller."),
        events.truncate("item_1", 1500),
        events.message("user", "[The caller pressed the keys 1]"),
        events.message("assistant", "שלום"),
        events.message("system", "The transfer did not work."),
        events.tool_output("call_1", "3 זמנים פנויים"),
    ],
)
def test_every_client_event_is_what_openai_describes(event: bytes) -> None:
    """No field is missing and none is invented."""
    referee(event)


def test_the_audio_reaches_the_model_as_the_caller_sent_it() -> None:
    """The hot path concatenates; the result is the JSON that it looks like."""
    assert json.loads(events.append_audio(b"f/9/")) == {"type": "input_audio_buffer.append", "audio": "f/9/"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("invalid_request_error", "insufficient_quota"),
        ("invalid_request_error", "invalid_api_key"),
        ("invalid_request_error", "account_deactivated"),
        ("invalid_request_error", "billing_hard_limit_reached"),
        ("invalid_request_error", "model_not_found"),
        ("authentication_error", None),
    ],
)
def test_quota_key_account_billing_and_a_model_that_is_none_are_fatal(kind: str, code: str | None) -> None:
    """Trying again would only keep the caller waiting."""
    assert events.ErrorInfo(type=kind, code=code).fatal


def test_an_error_goes_by_its_code_or_else_by_its_kind() -> None:
    errors = (events.ErrorInfo(type="kind", code="code"), events.ErrorInfo(type="kind"), events.ErrorInfo())
    assert [error.name for error in errors] == ["code", "kind", "unknown"]


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", None, *sorted(events.BENIGN_ERRORS)])
def test_other_errors_are_not_fatal(code: str | None) -> None:
    """The call may survive them."""
    assert not events.ErrorInfo(type="server_error", code=code).fatal


def test_an_event_with_fields_that_we_do_not_know_is_read_all_the_same() -> None:
    """OpenAI adds fields and events; neither breaks a call."""
    event = events.decode('{"type":"response.done","new":{"a":[1]},"response":{"id":"r","status":"completed","x":1}}')

    assert event.response is not None
    assert (event.response.id, event.response.status) == ("r", "completed")
    assert events.decode('{"type":"something.new"}').type == "something.new"


@pytest.mark.parametrize(
    ("code", "before", "seconds"),
    [
        ("rate_limit_exceeded", "", 1.4),
        ("rate_limit_exceeded", "x" * (1000 - len("try again in 1.4s")), 1.4),
        ("rate_limit_exceeded", "x" * (1001 - len("try again in 1.4s")), None),
        ("server_error", "", None),
    ],
)
def test_when_to_try_again_is_read_from_the_first_thousand_characters_of_a_limit_of_rate(
    code: str, before: str, seconds: float | None
) -> None:
    """The message is the server's, of any length."""
    assert events.ErrorInfo(code=code, message=f"{before}try again in 1.4s").retry_after == seconds


@pytest.mark.parametrize(
    ("message", "seconds"), [("Please try again in 350ms.", 0.35), ("Too many.", None), (None, None)]
)
def test_a_limit_of_rate_may_name_milliseconds_or_no_time_at_all(message: str | None, seconds: float | None) -> None:
    assert events.ErrorInfo(code="rate_limit_exceeded", message=message).retry_after == seconds


@pytest.mark.parametrize(("fields", "spoken"), [({"item_id": "i1"}, "i1"), ({}, "r1")])
def test_what_is_said_goes_by_its_item_or_else_by_its_response(fields: dict[str, str], spoken: str) -> None:
    event = events.decode(json.dumps({"type": "response.output_audio.delta", "response_id": "r1", **fields}))
    assert event.spoken == spoken
