"""A database and a business in it, for the tests of this folder."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import demo
from prosaas_core.database import make_engine, transaction
from prosaas_core.settings import Settings, load_settings


@pytest.fixture
def settings(database_url: str) -> Settings:
    return load_settings({"DATABASE_URL": database_url, "OPENAI_API_KEY": "none"})


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """A pool on this test's own database."""
    made = make_engine(settings)
    yield made
    await made.dispose()


@pytest.fixture
async def business_id(engine: AsyncEngine) -> int:
    """The demo business."""
    async with transaction(engine) as connection:
        await demo.seed(connection)
    return demo.BUSINESS_ID
