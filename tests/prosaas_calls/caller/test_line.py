"""The way to the caller's ear."""

import asyncio
import base64
import json
from time import monotonic

import pytest

from calls_world.sockets import FakeSocket
from calls_world.waiting import until
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.caller.playback import Cut
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_logging import capture_events

FRAME = base64.b64encode(b"\x00" * 160)


def speak(line: CallerLine, frames: int, item: str = "item") -> None:
    for _ in range(frames):
        line.play(FRAME, 160, item)


def test_audio_passes_untouched_and_is_marked_as_it_goes() -> None:
    """Every frame is sent as it came; a mark follows the first, each fifth of a second and the end."""
    socket = FakeSocket()
    line = CallerLine(socket, "MZ1", prompt_grace=2.0)

    speak(line, 12)
    line.end_item()

    assert [each["media"]["payload"] for each in socket.events("media")] == [FRAME.decode()] * 12
    assert [index for index, each in enumerate(socket.sent) if each["event"] == "mark"] == [1, 12, 14]
    assert line.frames == 12


def test_a_cut_clears_what_twilio_holds() -> None:
    """Once, and not when there is nothing to clear."""
    socket = FakeSocket()
    line = CallerLine(socket, "MZ1", prompt_grace=2.0)
    assert not line.cut()

    speak(line, 15)
    line.playback.echoed(socket.events("mark")[0]["mark"]["name"])

    assert line.cut() == [Cut("item", 20, 300)]
    assert not line.cut()
    assert len(socket.events("clear")) == 1


def test_a_held_tongue_clears_once_and_goes_on_where_it_stopped() -> None:
    """What is cut while it is held needs no second clear."""
    socket = FakeSocket()
    line = CallerLine(socket, "MZ1", prompt_grace=2.0)
    speak(line, 15)
    line.playback.echoed(socket.events("mark")[0]["mark"]["name"])

    line.hold()
    speak(line, 2)
    assert len(socket.events("clear")) == 1
    assert len(socket.events("media")) == 15

    line.resume()
    assert len(socket.events("media")) == 15 + 14 + 2
    line.playback.echoed(socket.events("mark")[-1]["mark"]["name"])
    assert not line.playback.holding
    speak(line, 2)
    line.hold()
    assert line.cut()
    assert len(socket.events("clear")) == 2


async def test_a_sentence_is_over_when_the_caller_has_heard_it() -> None:
    """Not when it was sent: the last mark has to come back."""
    socket = FakeSocket()
    line = CallerLine(socket, "MZ1", prompt_grace=2.0)

    saying = asyncio.create_task(line.say(b"\x00" * 4000))
    await until(lambda: len(socket.events("mark")) >= 3)
    assert not saying.done()
    for mark in socket.events("mark"):
        line.playback.echoed(mark["mark"]["name"])

    await asyncio.wait_for(saying, 5)
    sent = [base64.b64decode(each["media"]["payload"]) for each in socket.events("media")]
    assert [len(each) for each in sent] == [1600, 1600, 800]
    assert b"".join(sent) == b"\x00" * 4000


async def test_a_sentence_that_nobody_says_was_heard_is_waited_for_as_long_as_it_is_and_a_grace() -> None:
    """Twilio may never answer the mark."""
    line = CallerLine(FakeSocket(), "MZ1", prompt_grace=0.05)
    began = monotonic()
    async with asyncio.timeout(5):
        await line.say(b"\x00" * 1600)
    assert monotonic() - began >= 0.25


def test_a_line_is_stuck_for_as_long_as_nobody_takes_what_is_sent() -> None:
    socket = FakeSocket()
    line = CallerLine(socket, "MZ1", prompt_grace=2.0)
    assert line.stuck_for(monotonic() + 60) == 0
    socket.pause_writing()
    assert line.stuck_for(monotonic() + 60) > 50


def test_a_caller_who_is_gone_ends_the_call() -> None:
    """A send that fails is never just lost: it ends the call, by the name that the ending has by then."""
    socket = FakeSocket()
    line = CallerLine(socket, "MZ1", prompt_grace=2.0)
    socket.vanish()

    with pytest.raises(CallEnded) as ended:
        speak(line, 1)
    assert ended.value.reason is EndReason.CUSTOMER_HANGUP

    line.parting = EndReason.TRANSFERRED
    with pytest.raises(CallEnded) as ended:
        speak(line, 1)
    assert ended.value.reason is EndReason.TRANSFERRED


def test_at_debug_every_message_to_twilio_but_its_audio_is_shown() -> None:
    """A mark by its name, a clear as it goes over the wire; frames of audio are the model's AUDIO_DELTA."""
    socket = FakeSocket()
    line = CallerLine(socket, "MZ1", prompt_grace=2.0)
    with capture_events() as events:
        speak(line, 1)
        line.cut()
    shown = [(event.event, event.fields.get("name") or event.fields.get("preview")) for event in events]
    assert [event for event, _ in shown] == ["MARK", "PAYLOAD_PREVIEW"]
    assert shown[0][1] == socket.events("mark")[0]["mark"]["name"]
    assert json.loads(str(shown[1][1])) == {"event": "clear", "streamSid": "MZ1"}
