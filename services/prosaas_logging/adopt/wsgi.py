"""WSGI: each request is a scope of its own, from its first line to the last piece of its answer."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from uuid import uuid4

from ..scope import Scope, scope

MARK: Final = "prosaas_logging.scope"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-?)(?:[0-9a-fA-F]{4}\1){3}[0-9a-fA-F]{12}")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


def request_id(given: str) -> str:
    """The id that came with a request if it is a UUID, for no stranger is to name a call; or else a new one."""
    return given if _UUID.fullmatch(given) else uuid4().hex


class ScopeMiddleware:
    """Outermost: ``app = ScopeMiddleware(app)``. Lines belong to the request's ``X-Request-ID``, given or made."""

    def __init__(self, app: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on; its scope ends with the answer."""
        if MARK in environ:
            return self._app(environ, start_response)
        identity = request_id(environ.get("HTTP_X_REQUEST_ID", ""))

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            if all(name.lower() != "x-request-id" for name, _ in headers):
                headers = [*headers, ("X-Request-ID", identity)]
            return start_response(status, headers, *exc_info)

        opened = environ[MARK] = scope(request_id=identity)
        opened.__enter__()
        try:
            body = self._app(environ, start)
        except BaseException:
            opened.__exit__(*sys.exc_info())
            raise
        # What is whole already, or is the server's own way to send a file, has nothing more to say.
        if isinstance(body, (list, tuple, environ.get("wsgi.file_wrapper") or tuple)):
            opened.__exit__(None, None, None)
            return body
        return _Answer(body, opened)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


class _Answer:
    """The pieces of an answer, made while they are sent; the server closes it, whatever happens."""

    def __init__(self, body: Iterable[bytes], opened: Scope) -> None:
        self._body = body
        self._pieces: Iterator[bytes] = iter(body)
        self._opened = opened

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except BaseException:
            self._end(*sys.exc_info())
            raise

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._end(None, None, None)

    def _end(self, *exc_info: Any) -> None:
        if not self._opened.ended:
            self._opened.__exit__(*exc_info)
