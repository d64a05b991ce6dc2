"""Work that goes on beside a block, and ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from prosaas_logging import get_logger

log = get_logger(__name__)


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run it while the block runs; it is cancelled at the block's end, and waited for.

    Its own error is logged and changes nothing for the block. Who is cancelled while it ends stays cancelled, at once.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("what went on beside a service had failed", exc_info=error)
