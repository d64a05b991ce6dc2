"""The validation that the other tests rely on."""

import pytest
from pydantic import ValidationError

from simulator.model import events
from simulator_world.strict import validate


def test_what_is_right_passes() -> None:
    """The stand-in's own events, as they are."""
    validate(events.event("session.created", session=events.default_session("m")))
    validate(events.event("conversation.item.added", item=events.user_audio("item_1"), previous_item_id=None))


def test_a_missing_field_fails() -> None:
    """Required means required."""
    with pytest.raises(ValidationError):
        validate({"type": "input_audio_buffer.speech_started", "event_id": "e", "item_id": "i"})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "input_audio_buffer.cleared", "event_id": "e", "extra": 1},
        events.event("conversation.item.added", item={**events.user_audio("item_1"), "voice": "x"}),
        events.event("response.done", response={"id": "r", "output": [{**events.assistant("i", "completed"), "x": 1}]}),
        events.event("session.updated", session={**events.default_session("m"), "modalities": ["audio"]}),
    ],
    ids=["top", "item", "item in a response", "session"],
)
def test_a_field_too_many_fails(event: events.Event) -> None:
    """At any depth."""
    with pytest.raises(AssertionError):
        validate(event)


def test_an_event_of_another_name_fails() -> None:
    """The beta's names are not the GA's."""
    with pytest.raises((ValidationError, AssertionError)):
        validate(events.event("response.audio.delta", response_id="r", item_id="i", output_index=0, delta=""))
