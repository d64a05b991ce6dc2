"""A telephone by hand: for what a scenario cannot say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType

from calls_world.world import CallsWorld


class Phone:
    """One stream, message by message. Marks are echoed only when told to."""

    def __init__(self, socket: ClientWebSocketResponse, call_sid: str) -> None:
        self.socket = socket
        self.call_sid = call_sid
        self.heard = 0

    async def start(self, token: str) -> None:
        """Open the stream."""
        await self.socket.send_json({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {"streamSid": "MZ1", "callSid": self.call_sid, "customParameters": {"token": token}}
        await self.socket.send_json({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ1"})

    async def hang_up(self) -> None:
        """End the stream with a stop."""
        await self.socket.send_json({"event": "stop", "streamSid": "MZ1", "stop": {"callSid": self.call_sid}})
        await self.socket.close()

    async def listen(self) -> int:
        """Listen to the end, echoing marks at once; the number of media messages heard."""
        async for received in self.socket:
            assert received.type is WSMsgType.TEXT
            message: dict[str, Any] = received.json()
            if message["event"] == "media":
                self.heard += 1
            elif message["event"] == "mark":
                await self.socket.send_json({"event": "mark", "streamSid": "MZ1", "mark": message["mark"]})
        return self.heard


@asynccontextmanager
async def phone(world: CallsWorld, call_sid: str, token: str | None = None) -> AsyncIterator[Phone]:
    """A telephone that has been connected and, with a token, has started its stream."""
    async with world.http.ws_connect(world.stream_url()) as socket:
        opened = Phone(socket, call_sid)
        if token is not None:
            await opened.start(token)
        yield opened
