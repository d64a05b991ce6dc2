"""Enqueueing: in the caller's transaction, once a key."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import raw_transaction, session, transaction
from prosaas_core.jobs import CALL_SUMMARISE, enqueue, enqueue_raw
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres


async def queued(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return (await connection.execute(text("SELECT count(*) FROM pgqueuer"))).scalar_one()


async def test_a_job_is_queued_when_the_transaction_commits_and_not_before(engine: AsyncEngine) -> None:
    with capture_events() as events:
        async with transaction(engine) as connection:
            assert await enqueue(connection, CALL_SUMMARISE, {"call_sid": "CA1"}, key="k")
            assert await queued(engine) == 0
            assert list(events) == []
    assert await queued(engine) == 1
    assert [(event.event, event.fields["job"]) for event in events] == [("JOB_ENQUEUED", CALL_SUMMARISE)]


@pytest.mark.parametrize("opened", [transaction, raw_transaction, session])
async def test_a_job_that_was_rolled_back_is_not_announced(engine: AsyncEngine, opened: Any) -> None:
    async def fails() -> None:
        async with opened(engine) as connection:
            if opened is raw_transaction:
                await enqueue_raw(connection, CALL_SUMMARISE, {}, key="k")
            else:
                await enqueue(connection if opened is transaction else await connection.connection(), "j", {}, key="k")
            raise RuntimeError("roll back")

    with capture_events() as events, pytest.raises(RuntimeError, match="roll back"):
        await fails()
    assert list(events) == []
    assert await queued(engine) == 0


async def test_where_nobody_tells_of_the_commit_a_job_is_announced_at_once(engine: AsyncEngine) -> None:
    with capture_events() as events:
        async with engine.begin() as connection:
            assert await enqueue(connection, CALL_SUMMARISE, {}, key="k")
            assert [event.event for event in events] == ["JOB_ENQUEUED"]


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


async def test_many_jobs_of_one_transaction_are_one_line(engine: AsyncEngine) -> None:
    with capture_events() as events:
        async with transaction(engine) as connection:
            for number in range(500):
                await enqueue(connection, CALL_SUMMARISE, {}, key=f"k{number}")
    assert [(event.event, event.fields["key"]) for event in events] == [("JOB_ENQUEUED", "500 in one transaction")]
    async with transaction(engine) as connection:
        first, last = (await connection.execute(text("SELECT min(id), max(id) FROM pgqueuer"))).one()
    assert events[0].fields["queued_id"] == f"{first}-{last}"


@pytest.mark.parametrize(("count", "lines"), [(3, 3), (4, 1)])
async def test_three_jobs_of_one_transaction_are_a_line_each_and_four_are_one(
    engine: AsyncEngine, count: int, lines: int
) -> None:
    with capture_events() as events:
        async with transaction(engine) as connection:
            for number in range(count):
                await enqueue(connection, CALL_SUMMARISE, {}, key=f"k{number}")
    assert [event.event for event in events] == ["JOB_ENQUEUED"] * lines
