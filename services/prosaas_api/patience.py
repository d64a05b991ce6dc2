"""uvicorn's HTTP protocol with a time limit for a request's headers, and a way to hang up, which uvicorn has not."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
# Connections that have not said yet what they want: the oldest leaves first.
MAX_WAITING = 1000

# In a request's scope: what ends its connection at once.
ABORT = "prosaas.abort"

_waiting: dict["Impatient", asyncio.TimerHandle] = {}


class Impatient(HttpToolsProtocol):
    """Closes what has opened a connection, or begun a request, and does not finish its head within HEAD_S."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Its first head is due."""
        super().connection_made(transport)
        self._expect()

    def on_message_begin(self) -> None:
        """The next head of a connection that is kept open is due."""
        super().on_message_begin()
        self._expect()

    def on_headers_complete(self) -> None:
        """The head is here; how long a body may take is the application's to say."""
        self._settle()
        super().on_headers_complete()
        self.scope[ABORT] = self.transport.abort  # type: ignore[literal-required]

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever it owed us."""
        self._settle()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self in _waiting:
            return
        _waiting[self] = self.loop.call_later(HEAD_S, self._give_up)
        if len(_waiting) > MAX_WAITING:
            next(iter(_waiting))._give_up()

    def _settle(self) -> None:
        if timer := _waiting.pop(self, None):
            timer.cancel()

    def _give_up(self, *_: Any) -> None:
        self._settle()
        self.transport.close()
