"""Whether it serves in full, which is said soon."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from postgres_world.standing_still import standing_still
from prosaas_api import health


async def test_a_database_that_stands_still_makes_it_not_ready_while_the_healthcheck_still_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits for two seconds, which is what the farewell to such a one takes."""

    monkeypatch.setattr(health, "READY_S", 0.01)
    state: Any = SimpleNamespace(engine=None)
    with standing_still() as transaction:
        monkeypatch.setattr(health, "transaction", transaction)
        async with asyncio.timeout(5):
            answer = await health.readyz(state)
    assert (answer.status_code, answer.body) == (503, b'{"status":"database away"}')
