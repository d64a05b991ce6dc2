"""The connection pool and the transaction: how every service reaches Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from prosaas_core.settings import Settings

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0


def make_engine(settings: Settings, *, pool_size: int = 10) -> AsyncEngine:
    """A pool that survives a restart of the database. asyncpg reads the URL, so that libpq's options in it work."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(
            settings.database_url, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S
        )

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_pre_ping=True,
    )


@asynccontextmanager
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """One transaction: committed when the block ends well, rolled back when it does not."""
    async with AsyncSession(engine, expire_on_commit=False) as opened, opened.begin():
        yield opened
