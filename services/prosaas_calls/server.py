"""Listens: the media streams of Twilio, and what operators and machines ask about the service."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server
from prometheus_client import CONTENT_TYPE_LATEST

from prosaas_calls.caller.media_stream import Connected, MalformedMessage, Start, StartBody, decode
from prosaas_calls.desk import Desk
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.sockets import PICOWS_LOG, TextSocket
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
        self._pages: dict[str, Callable[[], WSUpgradeResponse]] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._exposition,
            "/calls": self._calls,
        }

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve on a port, which is yielded (0: any free one), until the block ends; then hang up on who is left."""
        server = await ws_create_server(self._answer, host, port, logger_name=PICOWS_LOG, max_frame_size=_MAX_MESSAGE)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for serving in self._serving:
                serving.cancel()
            if self._serving:
                await asyncio.wait(self._serving, timeout=_CLOSE_SECONDS)

    def _answer(self, request: WSUpgradeRequest) -> TextSocket | WSUpgradeResponseWithListener | None:
        """A socket for a stream, a page for whoever asks, nothing (404) for the rest."""
        path = request.path.partition(b"?")[0].decode(errors="replace")
        if path == "/media-stream":
            if len(self._serving) < self._max_sockets:
                return TextSocket(max_message=_MAX_MESSAGE, opened=self._open)
            return _page(_json({"status": "full"}, status=503))
        page = self._pages.get(path)
        if page is None:
            return None
        try:
            return _page(page())
        except Exception:
            # picows answers 500, and keeps the reason to itself.
            log.exception("no answer", path=path)
            raise

    def _open(self, socket: TextSocket) -> None:
        serving = asyncio.create_task(self._serve(socket))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, socket: TextSocket) -> None:
        try:
            start = await self._start(socket)
            if start is not None:
                await self._desk.answer(socket, start)
        finally:
            await socket.close(_CLOSE_SECONDS)

    async def _start(self, socket: TextSocket) -> StartBody | None:
        """The stream's `start`; anything else from somebody we do not know yet ends the connection."""
        try:
            async with asyncio.timeout(self._start_timeout):
                start = await socket.read(_started)
            if socket.violation:
                raise MalformedMessage(socket.violation)
            return start
        except MalformedMessage as error:
            log.event(MEDIA_MALFORMED, error=str(error))
        except TimeoutError:
            log.event(MEDIA_MALFORMED, error="no start")
        return None

    def _healthz(self) -> WSUpgradeResponse:
        log.event(HEALTH_PING, path="/healthz")
        return _json({"status": "ok"})

    def _readyz(self) -> WSUpgradeResponse:
        log.event(HEALTH_PING, path="/readyz")
        status = self._desk.status
        return _json({"status": status, "active": self._desk.active}, status=200 if status == "ready" else 503)

    def _exposition(self) -> WSUpgradeResponse:
        return _response(200, self._metrics.exposition(), CONTENT_TYPE_LATEST)

    def _calls(self) -> WSUpgradeResponse:
        return _json([live.to_json() for live in self._desk.live])


def _started(data: bytes) -> StartBody | None:
    message = decode(data)
    if isinstance(message, Start):
        return message.start
    if not isinstance(message, Connected):
        raise MalformedMessage("a message before start")
    return None


def _json(body: Any, *, status: int = 200) -> WSUpgradeResponse:
    return _response(status, json.dumps(body).encode(), "application/json; charset=utf-8")


def _response(status: int, body: bytes, content_type: str) -> WSUpgradeResponse:
    headers = {"Content-Type": content_type}
    made: WSUpgradeResponse = (
        WSUpgradeResponse.create_ok_response(body, headers)
        if status == 200
        else WSUpgradeResponse.create_error_response(status, body, headers)
    )
    return made


def _page(response: WSUpgradeResponse) -> WSUpgradeResponseWithListener:
    return WSUpgradeResponseWithListener(response, None)
