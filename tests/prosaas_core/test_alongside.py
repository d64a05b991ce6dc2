"""Work beside a block."""

import asyncio
from contextlib import nullcontext

import pytest

from prosaas_core.alongside import alongside
from prosaas_logging import capture_events


@pytest.mark.parametrize("broken", [False, True])
async def test_it_has_begun_within_the_block_and_is_over_when_the_block_is(broken: bool) -> None:
    """Also where the block fails, whose error it is then."""
    told: list[str] = []

    async def work() -> None:
        told.append("begins")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("ends")

    async def block() -> None:
        async with alongside(work()):
            await asyncio.sleep(0)
            assert told == ["begins"]
            if broken:
                raise LookupError

    if broken:
        with pytest.raises(LookupError):
            await block()
    else:
        await block()
    assert told == ["begins", "ends"]


async def test_who_is_cancelled_while_the_work_ends_is_cancelled() -> None:
    ending = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await asyncio.sleep(3_600)

    async def service() -> None:
        async with alongside(work()):
            await asyncio.sleep(0)

    served = asyncio.create_task(service())
    await ending.wait()
    served.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(served, 10)


@pytest.mark.parametrize("broken", [False, True])
async def test_work_that_failed_is_told_of_and_is_not_the_block_s_error(broken: bool) -> None:
    async def work() -> None:
        raise ValueError("its own")

    with capture_events() as said, pytest.raises(LookupError) if broken else nullcontext():
        async with alongside(work()):
            await asyncio.sleep(0)
            if broken:
                raise LookupError
    assert [event.text for event in said] == ["what went on beside a service had failed"]
