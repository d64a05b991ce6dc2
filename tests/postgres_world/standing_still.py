"""A database that stands still, in the place of a connection to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

Opened = Callable[..., AbstractAsyncContextManager[None]]


@contextmanager
def standing_still() -> Iterator[Opened]:
    """What opens a connection on which nothing is ever answered, and whose farewell takes as long as this lasts."""
    farewell = asyncio.Event()

    @asynccontextmanager
    async def opened(_: object, *, within_s: float | None = None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within_s):
                await asyncio.Event().wait()
            yield
        finally:
            await asyncio.shield(farewell.wait())

    try:
        yield opened
    finally:
        farewell.set()
