"""ASGI: each request is a scope, and each WebSocket one that takes a call's id from its first messages."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from ..scope import Scope, scope
from .wsgi import MARK, request_id

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HEADER: Final = b"x-request-id"
# A stream of a telephone call says which one it is in its second or third message.
_MESSAGES: Final = 10
_LONGEST: Final = 16 * 1024
_CALL: Final = re.compile(r"CA[A-Za-z0-9]{1,62}")


class ScopeMiddleware:
    """Outermost: ``app = ScopeMiddleware(app)``. Lines belong to the request's ``X-Request-ID``, given or made."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, conn: MutableMapping[str, Any], receive: Receive, send: Send, *more: Any) -> None:
        """Pass the connection on; some servers hand over *more* than the protocol's three."""
        if conn["type"] not in ("http", "websocket") or MARK in conn:
            await self._app(conn, receive, send, *more)
            return
        given = next((value.decode("latin-1") for name, value in conn["headers"] if name.lower() == _HEADER), "")
        identity = request_id(given)
        if conn["type"] == "http":
            with scope(request_id=identity) as conn[MARK]:
                await self._app(conn, receive, _answering(send, identity.encode()), *more)
        else:
            with scope(kind="call", request_id=identity) as conn[MARK]:
                await self._app(conn, _listening(receive, conn[MARK]), send, *more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


def _answering(send: Send, identity: bytes) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if all(name.lower() != _HEADER for name, _ in headers):
                message = {**message, "headers": [*headers, (_HEADER, identity)]}
        await send(message)

    return answer


def _listening(receive: Receive, call: Scope) -> Receive:
    left = _MESSAGES

    async def listen() -> Message:
        nonlocal left
        message = await receive()
        if left and message["type"] == "websocket.receive":
            left -= 1
            if call_sid := _call_in(message.get("text") or ""):
                left = 0
                call.add(call_sid=call_sid)
        return message

    return listen


def _call_in(text: str) -> str:
    """The call that a message begins, ``{"event": "start", "start": {"callSid": …}}``; empty for any other."""
    if len(text) > _LONGEST or '"start"' not in text:
        return ""
    try:
        content = json.loads(text)
        call_sid = content["start"]["callSid"]
        return call_sid if _CALL.fullmatch(call_sid) else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
