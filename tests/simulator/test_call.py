"""Whole calls through the reference bridge."""

from typing import Any

import pytest

from simulator_world.strict import validate
from simulator_world.world import World


async def test_the_demo_call_is_heard_whole_and_answered(world: World) -> None:
    """The demo runs greeting, three turns, an interruption and two tool calls, and lasts as long as promised."""
    result = await world.call()

    assert result["ok"], result["problems"]
    assert result["ended_by"] == "caller"
    assert result["turns"] == 3
    assert 25_000 < result["duration_ms"] < 50_000
    assert [note["tool"] for note in world.noted("tool_call")] == ["check_availability", "book_appointment"]
    assert all(piece["intact"] for piece in result["heard"])
    assert [piece["heard_ms"] < piece["total_ms"] for piece in result["heard"]] == [False, False, True, False, False]


async def test_every_event_of_the_stand_in_is_what_openai_describes(world: World) -> None:
    """A call with tools and an interruption yields events that OpenAI's own types accept strictly."""
    await world.call()

    for event in world.bridge.from_model:
        validate(event)
    assert {event["type"] for event in world.bridge.from_model} >= {
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.truncated",
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    }


@pytest.mark.parametrize("speed", [5.0, 15.0])
async def test_speed_scales_the_clock_and_skips_nothing(world: World, speed: float) -> None:
    """A faster call takes the same audio time and less wall time."""
    result = await world.call(speed=speed)

    assert result["ok"], result["problems"]
    frames: Any = result["counts"]["frames_in"]
    assert abs(frames * 20 - result["duration_ms"]) < 0.15 * result["duration_ms"]
    assert result["wall_ms"] < result["duration_ms"] / speed * 1.5
