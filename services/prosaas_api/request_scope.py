"""Each request is a scope of the log, with an id that goes in and out as X-Request-ID; a crash answers as a problem."""

import json
import re
import time
import uuid
from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prosaas_api.metrics import Metrics
from prosaas_core import tracing
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import HEALTH_PING, HTTP_FAILED, HTTP_REQUEST
from prosaas_logging.scope import Scope as LogScope

# The forms in which proxies write a UUID. Any other could be the id of a call, whose story it would stand in.
ACCEPTABLE_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Whoever asked was gone before there was an answer.
BROKEN_OFF = 499
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

log = get_logger(__name__)

_current: ContextVar[LogScope | None] = ContextVar("request", default=None)


def current_request_id() -> str:
    """The id of the request that is being answered; empty outside of one."""
    found = _current.get()
    return str(found.context.fields["request_id"]) if found else ""


def annotate(**fields: str) -> None:
    """Add what became known to all further lines of this request: call_sid, business_id, message_id, phone."""
    if found := _current.get():
        found.add(**fields)
        tracing.join(found)


class RequestScope:
    """The outermost middleware, in plain ASGI, so that it costs little."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, conn: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; whatever it does is logged under its id."""
        if conn["type"] != "http":
            await self._app(conn, receive, send)
            return
        request_id = _request_id(conn)
        method, path = conn["method"], conn["path"]
        status = 0
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                if place := tracing.traceparent(entered):
                    headers["traceparent"] = place
            await send(message)

        with scope(request_id=request_id) as entered:
            _current.set(entered)
            tracing.join(entered, header(conn, b"traceparent") or "")
            try:
                await self._app(conn, receive, answer)
            except Exception:
                log.event(HTTP_FAILED, method=method, path=path, exc_info=True)
                if status:
                    raise
                await _answer_500(answer, request_id)
            status = status or BROKEN_OFF
            seconds = time.perf_counter() - started
            if path in QUIET_PATHS:
                log.event(HEALTH_PING, path=path)
            else:
                log.event(HTTP_REQUEST, method=method, path=path, status=status, ms=round(seconds * 1000, 1))
                self._metrics.observe(conn, method, status, seconds)
                route = getattr(conn.get("route"), "path", "unknown")
                tracing.finish(
                    entered,
                    f"{method} {route}",
                    kind="server",
                    error=str(status) if status >= 500 else "",
                    http_request_method=method,
                    http_route=route,
                    http_response_status_code=status,
                )


def _request_id(conn: Scope) -> str:
    given = header(conn, b"x-request-id") or ""
    return given if ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex


def header(conn: Scope, wanted: bytes) -> str | None:
    """The first header of this name, which ASGI gives in small letters."""
    for name, value in conn["headers"]:
        if name == wanted:
            return str(value, "latin-1")
    return None


def waited_s(conn: Scope) -> float:
    """How long the front door has had the request, as it alone says; nothing where none stands before us."""
    said = (header(conn, b"x-waited-ms") or "").partition(".")[0]
    return int(said) / 1000 if said.isascii() and said.isdigit() and len(said) < 7 else 0.0


async def _answer_500(send: Send, request_id: str) -> None:
    body = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the error is ours; the log has it under this request_id",
        "request_id": request_id,
    }
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
