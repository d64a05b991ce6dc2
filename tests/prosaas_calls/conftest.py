"""The demo business in a database of a test's own."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from postgres_world import as_role
from prosaas_core.database import make_engine, transaction
from prosaas_core.demo import seed
from prosaas_core.settings import load_settings


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The tests' own way into the database."""
    opened = make_engine(load_settings({"DATABASE_URL": database_url}))
    async with transaction(opened) as connection:
        await seed(connection)
    yield opened
    await opened.dispose()


@pytest.fixture
async def engine(database_url: str, owner: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """The service's way into the database, with the rights that it has."""
    opened = make_engine(load_settings({"DATABASE_URL": as_role(database_url, "prosaas_calls")}), pool_size=20)
    yield opened
    await opened.dispose()
