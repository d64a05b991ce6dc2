"""The way to the caller's ear: audio, marks and clears on one Twilio stream."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from prosaas_calls.caller.audio import BYTES_PER_MS, encode
from prosaas_calls.caller.media_stream import Framer
from prosaas_calls.caller.playback import Cut, Piece, Playback
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.sockets import TextSocket
from prosaas_logging import get_logger
from prosaas_logging.catalogue import MARK, PAYLOAD_PREVIEW

log = get_logger(__name__)

_PROMPT_CHUNK = 200 * BYTES_PER_MS
# What stands for an item of the model's in the account of what was heard.
PROMPT = ""
GREETING = "greeting"


class CallerLine:
    """Plays audio to one caller and keeps the account of what was heard."""

    __slots__ = ("_framer", "_grace", "_socket", "frames", "parting", "playback")

    def __init__(self, socket: TextSocket, stream_sid: str, *, prompt_grace: float) -> None:
        self._framer = Framer(stream_sid)
        self._socket = socket
        self._grace = prompt_grace
        self.playback = Playback()
        self.frames = 0
        # What the ending is called when the stream closes: ours, once we have decided to end the call.
        self.parting = EndReason.CUSTOMER_HANGUP

    def stuck_for(self, now: float) -> float:
        """Seconds for which Twilio has not taken what we sent."""
        return self._socket.stuck_for(now)

    def play(self, payload: bytes, length: int, item_id: str) -> None:
        """Send base64 audio of `length` bytes, with a mark when one is due; while we hold our tongue, keep it."""
        mark = self.playback.sent(Piece(payload, length, item_id))
        if self.playback.held:
            return
        self.frames += 1
        self._send(self._framer.media(payload))
        if mark is not None:
            self._send_mark(mark)

    def end_item(self) -> None:
        """Mark the end of what was sent, so that its last words are accounted for."""
        mark = self.playback.mark()
        if mark is not None:
            self._send_mark(mark)

    def hold(self) -> None:
        """Fall silent for now: what the caller has not heard yet can be said later, or never."""
        if self.playback.hold():
            self._send_clear()

    def resume(self) -> None:
        """Go on where we fell silent."""
        if self.playback.held:
            for piece in self.playback.release():
                self.play(piece.payload, piece.length, piece.item_id)
            self.end_item()

    def cut(self) -> list[Cut]:
        """Silence whatever was still to be heard; tells what that was, item by item."""
        held = self.playback.held
        cuts = self.playback.interrupt()
        if cuts and not held:
            self._send_clear()
        return cuts

    def play_recorded(self, audio: bytes, item_id: str) -> None:
        """Play what was recorded."""
        for chunk in _chunks(audio):
            self.play(encode(chunk), len(chunk), item_id)
        self.end_item()

    async def say(self, prompt: bytes) -> None:
        """Play a recorded sentence and wait until the caller has heard it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(len(prompt) / BYTES_PER_MS / 1000 + self._grace):
                self.play_recorded(prompt, PROMPT)
                await self.playback.quiet.wait()

    def _send_mark(self, name: str) -> None:
        self._send(self._framer.mark(name))
        if log.tracing:
            log.event(MARK, name=name, action="sent")

    def _send_clear(self) -> None:
        self._send(self._framer.clear)
        if log.tracing:
            log.event(PAYLOAD_PREVIEW, type="sent", preview=self._framer.clear.decode())

    def _send(self, frame: bytes) -> None:
        try:
            self._socket.send(frame)
        except ConnectionError:
            raise CallEnded(self.parting) from None


def _chunks(prompt: bytes) -> Iterator[bytes]:
    for start in range(0, len(prompt), _PROMPT_CHUNK):
        yield prompt[start : start + _PROMPT_CHUNK]
