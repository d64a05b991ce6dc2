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
