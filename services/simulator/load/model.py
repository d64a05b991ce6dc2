"""The model under load: for each frame of the caller's audio one frame of speech, in turns, with hardly any work."""

import asyncio
import time
from typing import Any, Final, cast

import orjson

from simulator.load.frames import CLOSE, PING, PONG, TEXT, Unpacker, accept_key, pack, read_stamp, stamped_payload
from simulator.model import events

_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# Long enough for the last audio to be played, so that the next turn interrupts nothing.
_PAUSE_FRAMES: Final = 5
_SAID: Final = "שלום, אני רוצה לתאם פגישה"
_ANSWERED: Final = "בשמחה, לאיזה יום?"


class LoadModel(asyncio.Protocol):
    """One Realtime session that only speaks; `lateness` collects how late the caller's frames arrive."""

    def __init__(self, lateness: list[float], turn_seconds: float, handshake_s: float = 0.0) -> None:
        self._lateness = lateness
        self._turn_seconds = turn_seconds
        self._handshake_s = handshake_s
        self._frames = Unpacker()
        self._head = b""
        self._open = False
        self._session: dict[str, Any] = events.default_session("gpt-realtime")
        self._delta_head = b""
        self._where: dict[str, Any] = {}
        self._turn_ends = 0.0
        self._own_us = 0
        self._pause = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer the handshake first, frames afterwards."""
        if not self._open:
            self._head += data
            if b"\r\n\r\n" in self._head:
                asyncio.get_running_loop().call_later(self._handshake_s, self._shake_hands, time.monotonic())
            return
        for opcode, payload in self._frames.feed(data):
            if opcode == TEXT:
                self._take_in(payload)
            elif opcode == PING:
                self._transport.write(pack(payload, PONG, client=False))
            elif opcode == CLOSE:
                self._transport.write(pack(payload, CLOSE, client=False))
                self._transport.close()

    def _shake_hands(self, asked_at: float) -> None:
        lines = self._head.split(b"\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        key = headers.get(b"sec-websocket-key")
        if key is None or b"/v1/realtime" not in lines[0]:
            self._transport.write(_NOT_FOUND)
            self._transport.close()
            return
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
        )
        self._open = True
        # What a timer really took; the caller takes it off its wait.
        self._own_us = int((time.monotonic() - asked_at) * 1e6)
        self._send("session.created", session=self._session)

    def _take_in(self, message: bytes) -> None:
        stamp = read_stamp(message)
        if stamp is not None:
            self._lateness.append(stamp[0])
            self._speak()
            return
        event = orjson.loads(message)
        if event["type"] == "session.update":
            self._session = event["session"]
            self._send("session.updated", session=self._session)
        elif event["type"] == "response.create" and not self._delta_head:
            # A model that takes no time to think: what the caller waits for the first audio is the service's time.
            self._begin()
            self._utter()

    def _speak(self) -> None:
        if not self._delta_head:
            self._begin()
        elif self._pause:
            self._pause -= 1
            if self._pause:
                return
            self._hear()
            self._begin()
        elif self._turn_seconds and time.monotonic() > self._turn_ends:
            self._end()
            self._pause = _PAUSE_FRAMES
            return
        self._utter()

    def _utter(self) -> None:
        self._transport.write(pack(self._delta_head + stamped_payload(self._own_us).encode() + b'"}', client=False))

    def _begin(self) -> None:
        self._where = {
            "response_id": events.new_id("resp"),
            "item_id": events.new_id("item"),
            "output_index": 0,
            "content_index": 0,
        }
        resource = events.response(self._where["response_id"], "conv_load", "in_progress", [])
        self._send("response.created", response=resource)
        item = events.assistant(self._where["item_id"], "in_progress")
        self._send("response.output_item.added", **_without(self._where, "item_id", "content_index"), item=item)
        self._send("response.content_part.added", **self._where, part={"type": "audio", "transcript": ""})
        delta = events.event("response.output_audio.delta", **self._where)
        self._delta_head = orjson.dumps(delta)[:-1] + b',"delta":"'
        self._turn_ends = time.monotonic() + self._turn_seconds

    def _end(self) -> None:
        item = events.assistant(self._where["item_id"], "completed", _ANSWERED)
        self._send("response.output_audio.done", **self._where)
        self._send("response.output_audio_transcript.done", **self._where, transcript=_ANSWERED)
        self._send("response.output_item.done", **_without(self._where, "item_id", "content_index"), item=item)
        usage = events.usage((len(_ANSWERED) // 3, 20), (300, 100), (256, 0))
        resource = events.response(self._where["response_id"], "conv_load", "completed", [item], usage=usage)
        self._send("response.done", response=resource)

    def _hear(self) -> None:
        item_id = events.new_id("item")
        self._send("input_audio_buffer.speech_started", audio_start_ms=0, item_id=item_id)
        self._send("input_audio_buffer.speech_stopped", audio_end_ms=0, item_id=item_id)
        self._send("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)
        usage = {"type": "duration", "seconds": 2.0}
        heard = {"item_id": item_id, "content_index": 0, "transcript": _SAID, "usage": usage}
        self._send("conversation.item.input_audio_transcription.completed", **heard)

    def _send(self, kind: str, **fields: Any) -> None:
        self._transport.write(pack(orjson.dumps(events.event(kind, **fields)), client=False))


def _without(where: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in where.items() if name not in names}
