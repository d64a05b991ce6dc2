"""A whole call as one trace, as an OTLP receiver has it."""

from datetime import UTC, datetime

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from calls_world.stage import Stage
from calls_world.waiting import until
from calls_world.world import BUSINESS, CALLER, calls_world
from otlp_world import Receiver, attributes, traced
from prosaas_calls.call.traced import trace
from prosaas_core import tracing
from prosaas_core.records import CallRecord
from prosaas_core.tracing import root_of
from prosaas_logging import scope

WORDS = "אני רוצה לקבוע תור"
TALK = {"turns": [{"caller": WORDS, "agent": "לאיזה יום?"}, {"caller": "תודה", "agent": "להתראות"}]}


@pytest.mark.parametrize("words", [False, True])
async def test_a_call_is_one_trace_with_its_greeting_its_turns_and_what_it_cost(
    monkeypatch: pytest.MonkeyPatch, words: bool
) -> None:
    """No words and no numbers of callers are in it unless they are asked for."""
    receiver = Receiver()
    asked = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"} if words else {}
    try:
        with traced(monkeypatch, receiver, **asked):
            async with calls_world() as world:
                result = await world.call(TALK)
                await until(lambda: world.store.records)
    finally:
        receiver.close()

    (record,) = world.store.records
    root = root_of("call_sid", result["call_sid"])
    assert {span.trace_id.hex() for span in receiver.all} == {root.trace_id}
    call, spans = receiver.spans["call"], receiver.all
    assert (call.span_id.hex(), call.parent_span_id) == (root.span_id, b"")
    told = attributes(call)
    assert told["gen_ai.usage.input_tokens"] == record.metrics["tokens_in"]
    assert (told["prosaas.cost"], told["prosaas.currency"]) == (record.metrics["cost"], "USD")
    assert (told["prosaas.end_reason"], told["gen_ai.provider.name"]) == ("customer_hangup", "openai")

    named = [span.name for span in spans]
    assert named.count("turn") == 2
    assert {"greeting", "connect", "record"} <= set(named)
    turn = next(span for span in spans if span.name == "turn")
    inside = [span for span in spans if span.parent_span_id == turn.span_id]
    assert [span.name for span in inside] == ["speech", "chat gpt-realtime-2.1"]
    assert attributes(inside[1])["prosaas.wait_ms"] >= 0
    assert turn.parent_span_id == call.span_id
    for span in inside:
        assert turn.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= turn.end_time_unix_nano
    sent = b"".join(request.SerializeToString() for request in receiver.requests)
    assert (WORDS.encode() in sent) is words
    # The whole of them: the ids and times beside them are chance, and have any three digits now and then.
    assert not [number for number in (CALLER, BUSINESS) if number[4:].encode() in sent]


@pytest.mark.parametrize(("reason", "failed"), [("customer_hangup", False), ("model_failed", True)])
def test_what_was_said_stands_in_the_trace_where_it_was_said(
    monkeypatch: pytest.MonkeyPatch, reason: str, *, failed: bool
) -> None:
    """A turn lasts until the last of its words, and a call that ended badly is an error."""
    transcript = [
        {"who": "ai", "text": "שלום", "at_ms": 500, "until_ms": 2500},
        {"who": "customer", "text": WORDS, "at_ms": 3000, "until_ms": 6000},
        {"who": "ai", "text": "לאיזה יום?", "at_ms": 4000, "until_ms": 5000, "wait_ms": 700, "interrupted": True},
        {"who": "ai", "text": "הלו?", "at_ms": 5500},
    ]
    now = datetime.now(UTC)
    record = CallRecord(
        call_sid="CA1", started_at=now, ended_at=now, duration_s=7.0, end_reason=reason, transcript=transcript
    )
    receiver = Receiver()
    try:
        with traced(monkeypatch, receiver), scope(call_sid="CA1") as entered:
            tracing.join(entered)
            trace(entered, record, model="m")
    finally:
        receiver.close()

    began = entered.started * 1e9
    parts = [span for span in receiver.all if span.name != "call"]
    told = [
        (span.name, *(round((at - began) / 1e6) for at in (span.start_time_unix_nano, span.end_time_unix_nano)))
        for span in parts
    ]
    assert told == [
        ("chat m", 500, 2500),
        ("greeting", 500, 2500),
        ("speech", 3000, 6000),
        ("chat m", 4000, 5000),
        ("chat m", 5500, 5500),
        ("turn", 3000, 6000),
    ]
    assert attributes(parts[3])["prosaas.wait_ms"] == 700
    assert attributes(parts[3])["prosaas.interrupted"]
    assert (receiver.spans["call"].status.code == Status.STATUS_CODE_ERROR) is failed


def test_a_frame_costs_the_trace_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes fifty times a second makes no span: a turn is told once the call is over."""
    receiver = Receiver()
    try:
        with traced(monkeypatch, receiver), scope(call_sid="CA1") as entered:
            tracing.join(entered)
            stage = Stage()
            stage.responds(fifths=200)
    finally:
        receiver.close()
    assert receiver.all == []
    assert len(stage.twilio.events("media")) == 200
