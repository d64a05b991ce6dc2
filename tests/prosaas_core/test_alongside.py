"""Work beside a block."""

import asyncio

import pytest

from prosaas_core.alongside import alongside


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


async def test_who_is_cancelled_while_it_comes_to_its_end_is_cancelled() -> None:
    """The second of two cancellations, say, of which the first ended the block: nothing after the block runs."""
    told: list[str] = []
    ending, may_end = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await may_end.wait()

    async def whole() -> None:
        async with alongside(work()):
            await asyncio.sleep(0)
        told.append("went on")

    task = asyncio.create_task(whole())
    await ending.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    may_end.set()
    assert told == []


@pytest.mark.parametrize(("block", "whose"), [(None, ZeroDivisionError), (LookupError, LookupError)])
async def test_its_own_error_is_the_blocks_unless_that_has_one(
    block: type[Exception] | None, whose: type[Exception]
) -> None:
    async def work() -> None:
        raise ZeroDivisionError

    async def whole() -> None:
        async with alongside(work()):
            await asyncio.sleep(0)
            if block:
                raise block

    with pytest.raises(whose):
        await whole()
