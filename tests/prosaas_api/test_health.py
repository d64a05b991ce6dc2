"""Whether it serves in full, which is said soon."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_api import health


async def test_a_database_that_stands_still_makes_it_not_ready_while_the_healthcheck_still_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits for two seconds, which is what the farewell to such a one takes."""

    @asynccontextmanager
    async def standing_still(_: object, *, within_s: float | None = None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within_s):
                await asyncio.Event().wait()
            yield
        finally:
            await asyncio.shield(farewell.wait())

    farewell = asyncio.Event()
    monkeypatch.setattr(health, "transaction", standing_still)
    monkeypatch.setattr(health, "READY_S", 0.01)
    state: Any = SimpleNamespace(engine=None)
    async with asyncio.timeout(5):
        answer = await health.readyz(state)
    farewell.set()
    assert (answer.status_code, answer.body) == (503, b'{"status":"database away"}')
