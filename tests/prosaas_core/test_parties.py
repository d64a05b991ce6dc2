"""Who calls: known by their number, and nobody when they hide it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import demo
from prosaas_core.database import raw_connection
from prosaas_core.parties import find_parties

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("caller", ["anonymous", "Restricted", "+266696687", "sip:x@y", ""])
async def test_callers_who_hide_their_number_are_no_customers_and_not_one(
    engine: AsyncEngine, business_id: int, caller: str
) -> None:
    async with raw_connection(engine) as raw:
        before = await raw.fetchval("SELECT count(*) FROM customers")
        found = await find_parties(raw, business_id=business_id, called="", caller=caller)
        assert found is not None
        assert (found.customer_id, found.customer_name) == (None, "")
        assert await raw.fetchval("SELECT count(*) FROM customers") == before


async def test_a_caller_with_a_number_is_the_same_customer_each_time(engine: AsyncEngine, business_id: int) -> None:
    async with raw_connection(engine) as raw:
        first, second = [
            await find_parties(raw, business_id=None, called=demo.PHONE, caller="+972509998877") for _ in range(2)
        ]
    assert first is not None
    assert second is not None
    assert first.customer_id == second.customer_id is not None
