"""A whole call as one trace, as an OTLP receiver has it."""

import pytest

from calls_world.stage import Stage
from calls_world.waiting import until
from calls_world.world import BUSINESS, CALLER, calls_world
from otlp_world import Receiver, attributes, traced
from prosaas_core import tracing
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
