"""Sockets without a network: what is sent is kept, what is to be received is put in."""

import asyncio
import json
from typing import Any

from aiohttp import WSMessage, WSMsgType


class FakeSocket:
    """Stands for either of aiohttp's WebSockets."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.incoming: asyncio.Queue[WSMessage] = asyncio.Queue()
        self.broken = False
        self.stuck = asyncio.Event()
        self.stuck.set()

    async def send_frame(self, message: bytes, opcode: WSMsgType, compress: int | None = None) -> None:
        await self.stuck.wait()
        if self.broken:
            raise ConnectionResetError("Cannot write to closing transport")
        self.sent.append(json.loads(message))

    async def receive(self) -> WSMessage:
        return await self.incoming.get()

    def say(self, message: dict[str, Any] | str) -> None:
        """Let a text message arrive."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.incoming.put_nowait(WSMessage(WSMsgType.TEXT, text, None))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What was sent of one kind, to Twilio (`event`) or to the model (`type`)."""
        return [each for each in self.sent if kind in (each.get("event"), each.get("type"))]
