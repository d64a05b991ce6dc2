"""Listens for the media streams of Twilio, on a port that everybody can reach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from picows import WSUpgradeRequest, WSUpgradeResponseWithListener, ws_create_server

from prosaas_calls.caller.media_stream import Connected, MalformedMessage, Start, StartBody, decode
from prosaas_calls.desk import Desk
from prosaas_calls.doorway import BACKLOG, Doorway
from prosaas_calls.limits import Limits
from prosaas_calls.pages import Pages, path_of, show
from prosaas_calls.sockets import PICOWS_LOG, TextSocket
from prosaas_calls.strangers import Strangers
from prosaas_core.stream_token import TokenError
from prosaas_logging import get_logger
from prosaas_logging.catalogue import MEDIA_MALFORMED, TOKEN_REJECTED

log = get_logger(__name__)

# A frame of Twilio's is 300 bytes, its longest message a `start` with all its parameters.
_MAX_MESSAGE = 16 * 1024
_READ_BUFFER = 4 * 1024


class CallServer:
    """The public face of the desk. Who comes is a stranger, and a guest, until a valid `start` makes a call of it."""

    def __init__(self, desk: Desk, pages: Pages, limits: Limits) -> None:
        self._desk = desk
        self._pages = pages
        self._limits = limits
        self._strangers = Strangers()
        self._serving: set[asyncio.Task[None]] = set()
        self._doorway: Doorway

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve on a port, which is yielded (0: any free one), until the block ends; then hang up on who is left."""
        self._doorway = Doorway(host, port, room=self._limits.guests, shown_out=self._too_many)
        server = await ws_create_server(
            self._answer,
            sock=self._doorway,
            backlog=BACKLOG,
            logger_name=PICOWS_LOG,
            websocket_handshake_timeout=self._limits.start,
            enable_auto_pong=False,
            max_frame_size=_MAX_MESSAGE,
            read_buffer_init_size=_READ_BUFFER,
        )
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for serving in self._serving:
                serving.cancel()
            if self._serving:
                await asyncio.wait(self._serving, timeout=self._limits.cut_off)

    def _answer(self, request: WSUpgradeRequest) -> TextSocket | WSUpgradeResponseWithListener | None:
        """A socket for a stream, a page for whoever probes, nothing (404) for the rest."""
        if path_of(request) == "/media-stream":
            return TextSocket(max_message=_MAX_MESSAGE, opened=self._open, guest=True)
        return show(self._pages.public, request)

    def _open(self, socket: TextSocket) -> None:
        serving = asyncio.create_task(self._serve(socket))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, socket: TextSocket) -> None:
        patience = self._limits.guest_goodbye
        try:
            start = await self._start(socket)
            if start is not None:
                claims = self._desk.claims(start)
                self._doorway.admit(socket.descriptor)
                socket.vouch()
                # A caller's voice comes meanwhile: more than a guest may send.
                await self._desk.seated(claims, start.stream_sid)
                patience = self._limits.goodbye
                await self._desk.answer(socket, start.stream_sid, claims)
        except TokenError as error:
            self._strangers.shown_out(error.reason, lambda reason: log.event(TOKEN_REJECTED, reason=reason))
        except Exception:
            log.exception("a stream could not be served")
        finally:
            await socket.close(patience)

    async def _start(self, socket: TextSocket) -> StartBody | None:
        """The stream's `start`; anything else from somebody we do not know yet ends the connection."""
        try:
            async with asyncio.timeout(self._limits.start):
                start = await socket.read(_started)
            if socket.violation:
                raise MalformedMessage(socket.violation)
            return start
        except MalformedMessage as error:
            self._malformed(str(error))
        except TimeoutError:
            self._malformed("no start")
        return None

    def _too_many(self, count: int) -> None:
        self._malformed(f"more than {self._limits.guests} connections without a start", count)

    def _malformed(self, why: str, count: int = 1) -> None:
        self._strangers.shown_out(why, lambda error: log.event(MEDIA_MALFORMED, error=error), count)


def _started(data: bytes) -> StartBody | None:
    message = decode(data)
    if isinstance(message, Start):
        return message.start
    if not isinstance(message, Connected):
        raise MalformedMessage("a message before start")
    return None
