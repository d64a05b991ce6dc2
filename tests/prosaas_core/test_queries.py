"""The shared questions, asked often enough for Postgres to plan them once and for all."""

import pytest
from sqlalchemy import insert

from prosaas_core import queries
from prosaas_core.database import make_engine, transaction
from prosaas_core.settings import load_settings
from prosaas_core.tables import Business

pytestmark = pytest.mark.postgres


async def test_a_session_is_found_open_however_often_one_connection_asks(database_url: str) -> None:
    engine = make_engine(load_settings({"DATABASE_URL": database_url}), pool_size=1)
    async with transaction(engine) as connection:
        await connection.execute(insert(Business).values(id=1, name="דנה", phone="+97235550100"))
        customer_id = await queries.customer_id_for(connection, 1, "whatsapp", "972501234567")
    opened = set()
    for _ in range(12):
        async with transaction(engine) as connection:
            opened.add(await queries.open_conversation_id(connection, 1, customer_id, "twilio"))
    await engine.dispose()
    assert len(opened) == 1
