"""Sockets without a network: what is sent is kept, what arrives is put in."""

import asyncio
import json
from typing import Any

from picows import WSCloseCode, WSMsgType
from picows.picows import _make_test_ws_frame

from prosaas_calls.sockets import TextSocket


class FakeTransport:
    """Stands for picows' side of a connection."""

    close_handshake = None

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closes: list[int] = []
        self.disconnected = False
        self._gone = asyncio.Event()

    def send(self, kind: WSMsgType, message: bytes) -> None:
        assert kind == WSMsgType.TEXT
        self.sent.append(message)

    def send_close(self, code: WSCloseCode, reason: str | None = None) -> None:
        self.closes.append(code.value)

    def disconnect(self, graceful: bool = True) -> None:
        self.disconnected = True

    def vanish(self) -> None:
        self._gone.set()

    async def wait_disconnected(self) -> None:
        await self._gone.wait()


class FakeSocket(TextSocket):
    """A socket of ours whose other end is the test."""

    def __init__(self, *, max_message: int = 4096) -> None:
        super().__init__(max_message=max_message)
        self.transport = FakeTransport()
        self.on_ws_connected(self.transport)  # type: ignore[arg-type]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The messages sent, in their order."""
        return [json.loads(message) for message in self.transport.sent]

    def arrive(self, kind: WSMsgType, payload: bytes = b"", *, fin: bool = True) -> None:
        """Let a frame arrive."""
        self.on_ws_frame(self.transport, _make_test_ws_frame(kind, payload, fin, False))  # type: ignore[arg-type]

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
