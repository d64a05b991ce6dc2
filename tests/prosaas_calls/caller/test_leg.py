"""Listening to the caller."""

import asyncio
import base64
from dataclasses import replace
from typing import Any

import pytest
from picows import WSMsgType

from calls_world.sockets import FakeSocket
from clocks import Clock
from prosaas_calls.caller import leg as module
from prosaas_calls.caller.keypad import Keypad
from prosaas_calls.caller.leg import CallerLeg
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.stats import CallStats
from prosaas_logging import capture_events, scope
from prosaas_logging.catalogue import MEDIA_IN, RMS
from prosaas_logging.levels import INFO
from prosaas_logging.policy import apply, in_force

LOUD = b"\x00" * 160
SILENT = b"\xff" * 160
# As loud as the softest voice, 500, and by one less: codes of 524 and 492 in shares.
VOICE = b"\xdb" * 40 + b"\xdc" * 120
WHISPER = b"\xdb" * 32 + b"\xdc" * 128


class Ear:
    """A caller's leg whose model is a list."""

    def __init__(self, malformed_limit: int = 50) -> None:
        self.socket = FakeSocket()
        self.line = CallerLine(self.socket, "MZ1", prompt_grace=2.0)
        self.stats = CallStats()
        self.keypad = Keypad(0.05)
        self.heard: list[bytes] = []
        self.items_heard: list[str] = []
        self.presses: list[int] = []
        self.leg = CallerLeg(
            self.socket,
            self.line,
            self.keypad,
            self.stats,
            hear=self._hear,
            heard=self.items_heard.append,
            malformed_limit=malformed_limit,
            key_pressed=lambda: self.presses.append(len(self.heard)),
        )

    def _hear(self, payload: bytes) -> None:
        self.heard.append(base64.b64decode(payload))

    def frame(self, timestamp: int, samples: bytes = LOUD, track: str = "inbound") -> None:
        payload = base64.b64encode(samples).decode()
        media = {"track": track, "chunk": "1", "timestamp": str(timestamp), "payload": payload}
        self.say("media", media=media)

    def say(self, event: str, **fields: Any) -> None:
        self.socket.say({"event": event, "sequenceNumber": "1", "streamSid": "MZ1", **fields})

    async def to_the_end(self) -> EndReason:
        """Stop the stream and listen to everything before that."""
        self.say("stop", stop={"callSid": "CA1"})
        with pytest.raises(CallEnded) as ended:
            await asyncio.wait_for(self.leg.listen(), 5)
        return ended.value.reason


async def test_the_callers_voice_passes_untouched() -> None:
    """Frame by frame, byte by byte."""
    ear = Ear()
    for number in range(3):
        ear.frame(number * 20, bytes([number]) * 160)

    assert await ear.to_the_end() is EndReason.CUSTOMER_HANGUP
    assert ear.heard == [b"\x00" * 160, b"\x01" * 160, b"\x02" * 160]
    assert ear.stats.frames_in == 3


async def test_lost_frames_become_silence() -> None:
    """So that the model's voice detection can see a turn end."""
    ear = Ear()
    ear.frame(0)
    ear.frame(60)

    await ear.to_the_end()

    assert ear.heard == [LOUD, SILENT * 2, LOUD]


async def test_late_and_doubled_frames_are_left_out() -> None:
    """Their time has passed."""
    ear = Ear()
    for timestamp in (0, 0, 40, 20, 60):
        ear.frame(timestamp)

    await ear.to_the_end()

    assert ear.heard == [LOUD, SILENT, LOUD, LOUD]


async def test_what_we_say_ourselves_is_not_taken_for_the_callers_voice() -> None:
    """Twilio can be asked for both tracks, each with a time of its own."""
    ear = Ear()
    ear.frame(0)
    for timestamp in (0, 20, 40):
        ear.frame(timestamp, SILENT, track="outbound")
    ear.frame(20)

    await ear.to_the_end()

    assert ear.heard == [LOUD, LOUD]
    assert ear.stats.frames_in == 2


@pytest.mark.parametrize(
    ("frames", "loud"),
    [([], False), ([WHISPER], False), ([VOICE], True), ([VOICE, *[SILENT] * 4], True), ([VOICE, *[SILENT] * 5], False)],
)
async def test_a_caller_is_loud_who_was_heard_within_the_last_tenth_of_a_second(
    frames: list[bytes], loud: bool
) -> None:
    """Whose line only hums interrupts nobody by its sound."""
    ear = Ear()
    for number, samples in enumerate(frames):
        ear.frame(number * 20, samples)

    await ear.to_the_end()

    assert ear.leg.loud() is loud


async def test_a_frame_is_a_sign_of_life_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose frames stop coming is gone, though echoes of marks still come; a late frame is one all the same."""
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    ear = Ear()
    assert ear.leg.last_frame_at == clock.now
    ear.frame(20)
    ear.frame(0)
    clock.now += 1
    await ear.to_the_end()
    assert ear.leg.last_frame_at == clock.now

    gone = Ear()
    gone.say("mark", mark={"name": "0.1600"})
    clock.now += 1
    await gone.to_the_end()
    assert gone.leg.last_frame_at == clock.now - 1


async def test_a_flight_recorder_gets_two_frames_a_second_and_who_reads_along_all() -> None:
    """So that it remembers minutes; how loud the caller was stands beside each."""

    async def listens() -> None:
        ear = Ear()
        for number in range(50):
            ear.frame(number * 20)
        await ear.to_the_end()

    recorded = in_force()
    apply(replace(recorded, threshold=INFO, ring=500))
    try:
        with scope(call_sid="CA1") as call:
            await listens()
            kept = [(record[3], record[4].get("seq")) for record in call.ring if record[3] in (MEDIA_IN, RMS)]
    finally:
        apply(recorded)
    with capture_events() as events:
        await listens()

    assert kept == [(MEDIA_IN, 25), (RMS, None), (MEDIA_IN, 50), (RMS, None)]
    read = [(event.event, event.fields.get("seq") or event.fields["rms"]) for event in events if event.fields]
    assert read == [each for number in range(1, 51) for each in (("MEDIA_IN", number), ("RMS", 32124))]


async def test_a_socket_that_breaks_its_rules_ends_the_call_and_the_line_says_how() -> None:
    """A message of more pieces than any of Twilio's is no hang-up of the caller's."""
    ear = Ear()
    listening = asyncio.create_task(ear.leg.listen())
    await asyncio.sleep(0)
    with capture_events() as events:
        ear.socket.arrive(WSMsgType.TEXT, b"x" * 5000, fin=False)
        with pytest.raises(CallEnded) as ended:
            await asyncio.wait_for(listening, 5)

    assert ended.value.reason is EndReason.PROTOCOL_ERROR
    assert [event.event for event in events] == ["MEDIA_MALFORMED"]


async def test_marks_tell_what_was_played() -> None:
    """An echo of ours moves the account; one of an older generation does not, and DEBUG says which was which."""
    ear = Ear()
    ear.line.play(base64.b64encode(b"\x00" * 1600), 1600, "item")
    ear.say("mark", mark={"name": "9.1600"})
    ear.say("mark", mark={"name": "0.1600"})

    with capture_events() as events:
        await ear.to_the_end()

    assert not ear.line.playback.holding
    assert ear.items_heard == ["item"]
    assert [event.fields["action"] for event in events if event.event == "MARK"] == ["discarded", "played"]


async def test_keys_go_to_the_keypad() -> None:
    """One message a key."""
    ear = Ear()
    for digit in "42":
        ear.say("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    await ear.to_the_end()

    assert await asyncio.wait_for(ear.keypad.entry(), 5) == "42"


async def test_a_message_that_is_none_is_skipped_with_a_warning() -> None:
    """What comes after it is heard."""
    ear = Ear()
    ear.socket.say("{")
    ear.socket.arrive(WSMsgType.BINARY, b"\x00")
    ear.say("media", media={"payload": "f/9/", "timestamp": "soon"})
    ear.frame(0)

    with capture_events() as events:
        await ear.to_the_end()

    malformed = [event for event in events if event.event == "MEDIA_MALFORMED"]
    assert [event.level for event in malformed] == ["WARNING"] * 3
    assert ear.heard == [LOUD]


async def test_nothing_but_nonsense_ends_the_call() -> None:
    """There is a limit to how much of it one call may send."""
    for sent, reason in ((4, EndReason.CUSTOMER_HANGUP), (5, EndReason.PROTOCOL_ERROR)):
        ear = Ear(malformed_limit=5)
        for _ in range(sent):
            ear.socket.say("{")
        assert await ear.to_the_end() is reason


@pytest.mark.parametrize("end", ["close", "vanish"])
async def test_a_stream_that_closes_without_a_stop_is_a_hang_up(end: str) -> None:
    """Whether politely closed or just gone."""
    ear = Ear()
    listening = asyncio.create_task(ear.leg.listen())
    await asyncio.sleep(0)
    if end == "close":
        ear.socket.arrive(WSMsgType.CLOSE, b"\x03\xe8")
    else:
        ear.socket.vanish()

    with pytest.raises(CallEnded) as ended:
        await asyncio.wait_for(listening, 5)
    assert ended.value.reason is EndReason.CUSTOMER_HANGUP


async def test_a_stop_after_our_own_decision_has_its_name() -> None:
    """Twilio stops the stream when we transfer or hang up: that is no hang-up of the caller's."""
    ear = Ear()
    ear.line.parting = EndReason.TRANSFERRED

    assert await ear.to_the_end() is EndReason.TRANSFERRED


async def test_what_is_no_key_of_a_telephone_interrupts_nobody() -> None:
    """Nothing would be told to the model, which would wait for the caller, who waits for it. A key does at once."""
    ear = Ear()
    ear.say("dtmf", dtmf={"track": "inbound_track", "digit": "x"})
    ear.frame(0)
    ear.say("dtmf", dtmf={"track": "inbound_track", "digit": "7"})

    await ear.to_the_end()

    assert ear.presses == [1]
    assert await asyncio.wait_for(ear.keypad.entry(), 5) == "7"
