"""The sending side of one socket, which knows how long a send has been waiting."""

from time import monotonic
from typing import Protocol

from aiohttp import WSMsgType


class Socket(Protocol):
    """What aiohttp's two WebSocket classes have in common here."""

    async def send_frame(self, message: bytes, opcode: WSMsgType, compress: int | None = None) -> None: ...


class Outbox:
    """Sends text frames. A peer that is half dead shows as a send that waits: a watchdog asks `stuck_for`.

    A time stamp, because an asyncio timeout around each of a hundred frames a second costs more than the frame.
    """

    __slots__ = ("_send_frame", "_waiting_since")

    def __init__(self, socket: Socket) -> None:
        self._send_frame = socket.send_frame
        self._waiting_since = 0.0

    async def send(self, frame: bytes) -> None:
        """Send one text frame; waits while the peer does not read."""
        if not self._waiting_since:
            self._waiting_since = monotonic()
        await self._send_frame(frame, WSMsgType.TEXT)
        self._waiting_since = 0.0

    def stuck_for(self, now: float) -> float:
        """Seconds that the oldest unfinished send has waited."""
        return now - self._waiting_since if self._waiting_since else 0.0
