"""The stories that need a diary, or the demo's business: shipped scenarios, played against a database of their own."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from calls_world.world import calls_world
from prosaas_calls.store import Store
from prosaas_core.database import session
from prosaas_core.tables import Appointment

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    ("scenario", "booked"),
    [
        ("booked_twice", []),
        ("cut_tool_call", []),
        ("disclosure", []),
        ("empty_tool_call", []),
        ("for_somebody_else", []),
        ("hidden_number", ["booked"]),
        ("my_appointments", []),
        ("torn_tool_call", []),
        ("wrong_dates", []),
    ],
)
async def test_a_story_with_a_diary_goes_as_its_file_tells_it(
    scenario: str, booked: list[str], engine: AsyncEngine
) -> None:
    """Each tool answers what the file says that it has to; what was booked and cancelled again leaves nothing."""
    async with calls_world(store=Store(engine, timeout=5, record_timeout=10)) as world:
        result = await world.call(scenario=scenario, speed=6.0)
    assert result["ok"], result["problems"]
    async with session(engine) as opened:
        assert list(await opened.scalars(select(Appointment.status).where(Appointment.status == "booked"))) == booked
