"""What operators and machines ask about the service: whether it is ready for everybody, the rest on its own port."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server
from prometheus_client import CONTENT_TYPE_LATEST

from prosaas_calls.desk import Desk
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.sockets import PICOWS_LOG
from prosaas_logging import get_logger
from prosaas_logging.catalogue import HEALTH_PING

log = get_logger(__name__)

Page = Callable[[], WSUpgradeResponse]


class Pages:
    """The pages by path. A platform that probes the public port finds there whether to send calls, and nothing else."""

    def __init__(self, desk: Desk, metrics: CallMetrics) -> None:
        self._desk = desk
        self._metrics = metrics
        self.public: Mapping[str, Page] = {"/healthz": self._healthz, "/readyz": self._bare_readyz}
        self.operators: Mapping[str, Page] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._exposition,
            "/calls": self._calls,
        }

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Show the operators' pages on a port, which is yielded (0: any free one), until the block ends."""

        def answer(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener | None:
            return show(self.operators, request)

        server = await ws_create_server(answer, host, port, logger_name=PICOWS_LOG)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    def _healthz(self) -> WSUpgradeResponse:
        log.event(HEALTH_PING, path="/healthz")
        return _json({"status": "ok"})

    def _bare_readyz(self) -> WSUpgradeResponse:
        return self._ready({})

    def _readyz(self) -> WSUpgradeResponse:
        """Who asks here leads calls to this process, by the name of its container."""
        self._desk.offer()
        return self._ready({"active": self._desk.active, "capacity": self._desk.capacity, "seat": self._desk.seat})

    def _ready(self, more: Mapping[str, int | str]) -> WSUpgradeResponse:
        log.event(HEALTH_PING, path="/readyz")
        status = self._desk.status
        return _json({"status": status, **more}, status=200 if status == "ready" else 503)

    def _exposition(self) -> WSUpgradeResponse:
        return _response(200, self._metrics.exposition(), CONTENT_TYPE_LATEST)

    def _calls(self) -> WSUpgradeResponse:
        return _json([live.to_json() for live in self._desk.live])


def path_of(request: WSUpgradeRequest) -> str:
    """The path that is asked for, without its query."""
    return request.path.partition(b"?")[0].decode(errors="replace")


def show(pages: Mapping[str, Page], request: WSUpgradeRequest) -> WSUpgradeResponseWithListener | None:
    """The page that is asked for; None (404) where there is none, and an error in the log where it fails (500)."""
    page = pages.get(path := path_of(request))
    if page is None:
        return None
    try:
        return WSUpgradeResponseWithListener(page(), None)
    except Exception:
        # picows answers 500, and keeps the reason to itself.
        log.exception("no answer", path=path)
        raise


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
