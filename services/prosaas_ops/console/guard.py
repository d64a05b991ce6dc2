"""What stands before every page: the host's name, the session, the browser's policy, and forms that are our own."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prosaas_ops.console.session import Doorkeeper, Session, repeats

COOKIE = "prosaas_console"
# A page that was led here under another name is somebody else's, whose DNS points at this machine.
HOSTS = ("127.0.0.1", "localhost")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_OPEN = ("/enter/", "/static/")
_LONGEST_FORM = 4096

Form = Mapping[str, str]
Action = Callable[[Request, Form], Response]


class Guard:
    """Lets nobody past without a session, but to the door itself and to what is the same for everybody."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper, stranger: Callable[[Request], Response]) -> None:
        self._app = TrustedHostMiddleware(self._let_in, allowed_hosts=list(HOSTS), www_redirect=False)
        self._inner = app
        self._doorkeeper = doorkeeper
        self._stranger = stranger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(_OPEN):
            request = Request(scope)
            session = self._doorkeeper.session(request.cookies.get(COOKIE, ""))
            if session is None:
                await self._stranger(request)(scope, receive, send)
                return
            scope["session_of_console"] = session
        await self._inner(scope, receive, send)


def session_of(request: Request) -> Session:
    """The session that the guard found."""
    session: Session = request.scope["session_of_console"]
    return session


def checked(action: Action) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that acts only on a small form of this session's own pages; the action runs in a thread."""

    async def endpoint(request: Request) -> Response:
        try:
            form = await _form(request)
        except (ValueError, ClientDisconnect):
            return Response("this form is too long or no form", 413)
        site = request.headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" or not repeats(session_of(request), form.get("token", "")):
            return Response("this form is not from a page of this console: reload the page", 403)
        return await run_in_threadpool(action, request, form)

    assert not inspect.iscoroutinefunction(action)
    return endpoint


async def _form(request: Request) -> Form:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise ValueError(body[:9])
    return dict(parse_qsl(body.decode("ascii"), max_num_fields=20))
