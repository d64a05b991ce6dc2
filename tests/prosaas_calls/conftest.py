"""The demo business in a database of a test's own."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import make_engine, transaction
from prosaas_core.demo import seed
from prosaas_core.settings import load_settings


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    opened = make_engine(load_settings({"DATABASE_URL": database_url}), pool_size=20)
    async with transaction(opened) as connection:
        await seed(connection)
    yield opened
    await opened.dispose()
