"""A connection to the model that stands before anybody calls: the next caller does not wait for one to be made."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from prosaas_calls.model.realtime import RealtimeConnection, RealtimeLost
from prosaas_logging import get_logger

log = get_logger(__name__)

# A call renews its session when that has stood for 55 minutes, and this is part of them.
_GOOD_FOR_S = 240.0
_LOOK_S = 5.0


class Spare:
    """Keeps one; nothing of a call is told to it before the call has it, so that any call may."""

    def __init__(self, connect: Callable[[], Awaitable[RealtimeConnection]]) -> None:
        self._connect = connect
        self._kept: RealtimeConnection | None = None
        self._since = 0.0
        self._taken = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether one stands."""
        return self._kept is not None and self._good(self._kept)

    async def take(self) -> RealtimeConnection:
        """The one that stands, or else a new one, which takes its time; RealtimeLost where there is none to be had."""
        kept, self._kept = self._kept, None
        self._taken.set()
        if kept is not None and self._good(kept):
            return kept
        if kept is not None:
            kept.give_up("no good as a spare")
        return await self._connect()

    async def run(self) -> None:
        """Keep one at hand until cancelled. While none can be had, calls find out for themselves, and say so."""
        try:
            while True:
                self._taken.clear()
                if not self.ready:
                    await self._renew()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._taken.wait()
        finally:
            if self._kept is not None:
                self._kept.give_up("the service stops")

    async def _renew(self) -> None:
        old, self._kept = self._kept, None
        if old is not None:
            await old.close()
        try:
            fresh = await self._connect()
        except RealtimeLost as lost:
            log.debug("no spare connection", error=str(lost))
            await asyncio.sleep(_LOOK_S)
        else:
            self._kept, self._since = fresh, monotonic()

    def _good(self, connection: RealtimeConnection) -> bool:
        return connection.stands and monotonic() - self._since < _GOOD_FOR_S
