"""What Twilio tells of a call: it only advances, ends once, and fills in what was not known."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import demo
from prosaas_core.database import raw_connection
from prosaas_core.messages import fates

pytestmark = pytest.mark.postgres

CALLER, CALLED = "+972501234567", demo.PHONE


async def told(engine: AsyncEngine, status: str, **more: Any) -> bool:
    known = {"from_number": CALLER, "to_number": CALLED, "direction": "inbound", "duration_s": None}
    async with raw_connection(engine) as raw:
        return await fates.note_call(raw, "CA1", status=status, **{**known, **more})


async def row(engine: AsyncEngine, columns: str) -> tuple[Any, ...]:
    async with engine.connect() as connection:
        return tuple((await connection.execute(text(f"SELECT {columns} FROM calls"))).one())


@pytest.mark.parametrize("last", sorted(fates.ENDED))
async def test_a_call_that_has_ended_does_not_ring_again(engine: AsyncEngine, business_id: int, last: str) -> None:
    for status in ("ringing", "in-progress", "ringing", "initiated"):
        await told(engine, status)
    assert await row(engine, "status, ended_at") == ("in-progress", None)
    assert await told(engine, last, duration_s=45.0)
    for status in ("in-progress", "completed", "busy", "ringing"):
        assert not await told(engine, status, duration_s=1.0)
    status, duration_s, ended_at = await row(engine, "status, duration_s, ended_at")
    assert (status, duration_s) == (last, 45.0)
    assert isinstance(ended_at, datetime)
    async with raw_connection(engine) as raw:
        again = await fates.admit_call(raw, "CA1", from_number=CALLER, to_number=CALLED)
    assert again is not None
    assert again.ended


async def test_a_business_that_was_unknown_at_first_is_filled_in(engine: AsyncEngine, business_id: int) -> None:
    await told(engine, "initiated", to_number="+97239999999")
    assert await row(engine, "business_id") == (None,)
    await told(engine, "ringing")
    assert await row(engine, "business_id") == (business_id,)


async def test_a_call_that_rings_again_is_as_old_as_it_was(engine: AsyncEngine, business_id: int) -> None:
    async with raw_connection(engine) as raw:
        first = await fates.admit_call(raw, "CA1", from_number=CALLER, to_number=CALLED)
        assert first == await fates.admit_call(raw, "CA1", from_number=CALLER, to_number=CALLED)
        assert await fates.admit_call(raw, "CA2", from_number=CALLER, to_number="+97239999999") is None


async def test_a_call_keeps_the_first_seat_that_it_was_given(engine: AsyncEngine, business_id: int) -> None:
    """Nobody has one while all are full."""
    async with raw_connection(engine) as raw:
        admitted = [
            await fates.admit_call(raw, "CA1", from_number=CALLER, to_number=CALLED, seat=seat)
            for seat in ("", "0a" * 6, "0b" * 6)
        ]
    assert [call.seat for call in admitted if call] == ["", "0a" * 6, "0a" * 6]
