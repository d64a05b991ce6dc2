"""Enqueueing: in the caller's transaction, once a key."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import transaction
from prosaas_core.jobs import CALL_SUMMARISE, enqueue
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres


async def queued(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return (await connection.execute(text("SELECT count(*) FROM pgqueuer"))).scalar_one()


async def test_a_job_is_queued_when_the_transaction_commits_and_not_before(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        with capture_events() as events:
            assert await enqueue(connection, CALL_SUMMARISE, {"call_sid": "CA1"}, key="k")
        assert await queued(engine) == 0
    assert await queued(engine) == 1
    assert [(event.event, event.fields["job"]) for event in events] == [("JOB_ENQUEUED", CALL_SUMMARISE)]


async def test_a_job_goes_with_the_transaction_that_is_rolled_back(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await enqueue(connection, CALL_SUMMARISE, {}, key="k")
        await connection.rollback()
    assert await queued(engine) == 0


async def test_a_second_job_of_the_same_key_is_not_queued(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        assert await enqueue(connection, CALL_SUMMARISE, {}, key="k")
        assert not await enqueue(connection, CALL_SUMMARISE, {}, key="k")
        assert await enqueue(connection, CALL_SUMMARISE, {}, key="other")
    assert await queued(engine) == 2


async def test_twenty_transactions_racing_for_one_key_queue_one_job(engine: AsyncEngine) -> None:
    async def one() -> bool:
        async with transaction(engine) as connection:
            return await enqueue(connection, CALL_SUMMARISE, {}, key="k")

    assert sum(await asyncio.gather(*(one() for _ in range(20)))) == 1
    assert await queued(engine) == 1
