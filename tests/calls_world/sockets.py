"""Sockets without a network: what is sent is kept, what arrives is put in."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from picows import WSCloseCode, WSMsgType

from prosaas_calls.sockets import TextSocket


@dataclass
class Frame:
    """A frame as picows hands it over, in what a listener asks of it."""

    msg_type: WSMsgType
    payload: bytes
    fin: bool
    last_in_buffer: bool

    @property
    def payload_size(self) -> int:
        return len(self.payload)

    def get_payload_as_bytes(self) -> bytes:
        return self.payload

    def get_close_code(self) -> WSCloseCode:
        return WSCloseCode(int.from_bytes(self.payload[:2], "big"))

    def get_close_reason(self) -> str | None:
        return self.payload[2:].decode() or None


class FakeStream:
    """Stands for what picows reads from and writes to."""

    def __init__(self) -> None:
        self.reading = True
        self.unsent = 0

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class FakeTransport:
    """Stands for picows' side of a connection."""

    close_handshake: Any = None

    def __init__(self) -> None:
        self.underlying_transport = FakeStream()
        self.pongs: list[bytes] = []
        self.sent: list[bytes] = []
        self.closes: list[int] = []
        self.disconnected = self.lingers = False
        self._gone = asyncio.Event()

    def send(self, kind: WSMsgType, message: bytes) -> None:
        assert kind == WSMsgType.TEXT
        self.sent.append(message)

    def send_pong(self, message: bytes) -> None:
        self.pongs.append(message)

    def send_close(self, code: WSCloseCode, reason: str | None = None) -> None:
        self.closes.append(code.value)

    def disconnect(self, graceful: bool = True) -> None:
        self.disconnected, self.lingers = True, graceful

    def vanish(self) -> None:
        self._gone.set()

    async def wait_disconnected(self) -> None:
        await self._gone.wait()


class FakeSocket(TextSocket):
    """A socket of ours whose other end is the test."""

    def __init__(self, *, max_message: int = 4096, guest: bool = False) -> None:
        super().__init__(max_message=max_message, guest=guest)
        self.transport = FakeTransport()
        self.on_ws_connected(self.transport)  # type: ignore[arg-type]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The messages sent, in their order."""
        return [json.loads(message) for message in self.transport.sent]

    def arrive(self, kind: WSMsgType, payload: bytes = b"", *, fin: bool = True, more: bool = False) -> None:
        """Let a frame arrive, and `more` with it."""
        frame = Frame(kind, payload, fin, last_in_buffer=not more)
        self.on_ws_frame(self.transport, frame)  # type: ignore[arg-type]

    def say(self, message: dict[str, Any] | str) -> None:
        """Let a text message arrive."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.arrive(WSMsgType.TEXT, text.encode())

    def vanish(self) -> None:
        """Break the connection without a close."""
        self.transport.vanish()
        self.on_ws_disconnected(self.transport)  # type: ignore[arg-type]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What was sent of one kind, to Twilio (`event`) or to the model (`type`)."""
        return [each for each in self.sent if kind in (each.get("event"), each.get("type"))]
