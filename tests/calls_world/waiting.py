"""Waiting for what has no event of its own."""

import asyncio
from collections.abc import Callable

SAFETY_SECONDS = 20.0


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds; fail long after it should have."""
    async with asyncio.timeout(SAFETY_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
