"""Listens: the media streams of Twilio, and what operators and machines ask about the service."""

import asyncio

from aiohttp import WSMsgType, web
from prometheus_client import CONTENT_TYPE_LATEST

from prosaas_calls.desk import Desk
from prosaas_calls.media_stream import Connected, MalformedMessage, Start, StartBody, decode
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.sockets import close_socket
from prosaas_logging import get_logger
from prosaas_logging.catalogue import HEALTH_PING, MEDIA_MALFORMED

log = get_logger(__name__)

# A frame of Twilio's is 300 bytes.
_MAX_MESSAGE = 64 * 1024
_CLOSE_SECONDS = 2.0
# Sockets that are no calls (yet): strangers, refusals, streams about to start.
_SPARE_SOCKETS = 50


class CallServer:
    """The HTTP face of the desk."""

    def __init__(self, desk: Desk, metrics: CallMetrics, *, max_calls: int, start_timeout: float) -> None:
        self._desk = desk
        self._metrics = metrics
        self._serving: set[asyncio.Task[None]] = set()
        self._max_sockets = max_calls + _SPARE_SOCKETS
        self._start_timeout = start_timeout

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/media-stream", self._media_stream),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._exposition),
                web.get("/calls", self._calls),
            ]
        )
        return app

    async def _media_stream(self, request: web.Request) -> web.StreamResponse:
        if len(self._serving) >= self._max_sockets:
            return web.json_response({"status": "full"}, status=503)
        socket = web.WebSocketResponse(
            timeout=_CLOSE_SECONDS, compress=False, max_msg_size=_MAX_MESSAGE, decode_text=False
        )
        await socket.prepare(request)
        # A task of its own: a call ends with its own reason, not where aiohttp cancels a handler.
        serving = asyncio.create_task(self._serve(socket))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        await asyncio.shield(serving)
        return socket

    async def _serve(self, socket: web.WebSocketResponse[bool]) -> None:
        try:
            start = await self._start(socket)
            if start is not None:
                await self._desk.answer(socket, start)
        finally:
            await close_socket(socket, _CLOSE_SECONDS)

    async def _start(self, socket: web.WebSocketResponse[bool]) -> StartBody | None:
        """The stream's `start`; anything else from somebody we do not know yet ends the connection."""
        try:
            async with asyncio.timeout(self._start_timeout):
                while True:
                    received = await socket.receive()
                    if received.type is not WSMsgType.TEXT:
                        return None
                    message = decode(received.data)
                    if isinstance(message, Start):
                        return message.start
                    if not isinstance(message, Connected):
                        raise MalformedMessage("a message before start")
        except MalformedMessage as error:
            log.event(MEDIA_MALFORMED, error=str(error))
        except TimeoutError:
            log.event(MEDIA_MALFORMED, error="no start")
        return None

    async def _healthz(self, request: web.Request) -> web.Response:
        log.event(HEALTH_PING, path=request.path)
        return web.json_response({"status": "ok"})

    async def _readyz(self, request: web.Request) -> web.Response:
        log.event(HEALTH_PING, path=request.path)
        status = self._desk.status
        body = {"status": status, "active": self._desk.active}
        return web.json_response(body, status=200 if status == "ready" else 503)

    async def _exposition(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _calls(self, request: web.Request) -> web.Response:
        return web.json_response([live.to_json() for live in self._desk.live])
