"""The connection to OpenAI Realtime: open it, send, read events, and know which failures are worth another try."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from aiohttp import WSMsgType
from yarl import URL

from prosaas_calls.outbox import Outbox
from prosaas_calls.realtime_events import ServerEvent, decode
from prosaas_calls.sockets import close_socket, cut_socket
from prosaas_logging import get_logger

_RETRIABLE_CLOSES = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1015})
_NO_STATUS = 1005
_ABNORMAL = 1006
_MAX_MESSAGE = 16 * 1024 * 1024
_CLOSE_SECONDS = 1.0
_PING_SECONDS = 5.0

log = get_logger(__name__)


class RealtimeLost(Exception):
    """The connection could not be made, or went away."""

    def __init__(self, what: str, *, retriable: bool) -> None:
        super().__init__(what)
        self.retriable = retriable


class RealtimeConnection:
    """One open Realtime socket. Iterate it for events; the iteration ends by raising RealtimeLost, or after close()."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._closed = False
        self._given_up: str | None = None
        self._silent = False
        self.outbox = Outbox(socket)
        self.send = self.outbox.send

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: URL, api_key: str, *, timeout_s: float) -> Self:
        """Connect, or raise RealtimeLost saying whether another try makes sense."""
        try:
            async with asyncio.timeout(timeout_s):
                socket = await http.ws_connect(
                    url,
                    headers={"Authorization": f"Bearer {api_key}"},
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                    # aiohttp's own heartbeat sets a timer for each frame that arrives: see ping().
                    autoping=False,
                    compress=0,
                    max_msg_size=_MAX_MESSAGE,
                    decode_text=False,
                )
        except aiohttp.WSServerHandshakeError as error:
            retriable = error.status == 429 or error.status >= 500
            raise RealtimeLost(f"HTTP {error.status}", retriable=retriable) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise RealtimeLost(str(error) or type(error).__name__, retriable=True) from error
        return cls(socket)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close our side; the reader of this connection then simply ends."""
        self._closed = True
        await close_socket(self._socket, _CLOSE_SECONDS)

    def give_up(self, why: str) -> None:
        """Treat the connection as lost although it is open: the reader raises RealtimeLost."""
        self._given_up = why
        cut_socket(self._socket)

    async def ping(self) -> None:
        """Ask for a sign of life. A model that gave none since it was last asked is given up."""
        if self._silent:
            self.give_up("it does not answer a ping")
            return
        self._silent = True
        try:
            async with asyncio.timeout(_PING_SECONDS):
                await self._socket.ping()
        except TimeoutError:
            self.give_up("it does not read")
        except ConnectionError:
            # The reader of this connection notices it too.
            return

    async def __aiter__(self) -> AsyncIterator[ServerEvent]:
        receive = self._socket.receive
        while True:
            received = await receive()
            self._silent = False
            if received.type is WSMsgType.TEXT:
                try:
                    event = decode(received.data)
                except msgspec.DecodeError as error:
                    log.warning("unreadable event from the model", error=str(error))
                    continue
                yield event
                continue
            if received.type is WSMsgType.PING:
                await self._socket.pong(received.data)
                continue
            if received.type is WSMsgType.PONG:
                continue
            if self._given_up is not None:
                raise RealtimeLost(self._given_up, retriable=True)
            if self._closed:
                return
            if received.type is WSMsgType.CLOSE:
                code = received.data or _NO_STATUS
                raise RealtimeLost(f"closed with {code}", retriable=code in _RETRIABLE_CLOSES)
            # aiohttp reports a socket that broke without a close frame as closed with 1000: it is 1006.
            raise RealtimeLost(f"closed with {_ABNORMAL}", retriable=True)
