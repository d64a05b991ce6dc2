"""A zone that Postgres has not is told from those that it has."""

from zoneinfo import available_timezones

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import raw_connection
from prosaas_core.facts import zones

pytestmark = pytest.mark.postgres


async def test_every_zone_that_postgres_reckons_with_is_known_and_no_other(engine: AsyncEngine) -> None:
    """Of Python's list and of its own; what it has not breaks a statement, and that is caught here one by one."""
    async with raw_connection(engine, within_s=60) as raw:
        ours = {row[0] for row in await raw.fetch("SELECT name FROM pg_timezone_names")}
        names = [*sorted(available_timezones() | ours), "", "Mars/Hellas", "Jerusalem time", "Asia/Jerusalem2"]
        asked = f"SELECT {zones.known('name')} FROM unnest($1::text[]) AS name"
        known = [row[0] for row in await raw.fetch(asked, names)]
        told = dict(zip(names, known, strict=True))
        assert {name for name in names if told[name] is not None} >= ours
        for name in names:
            if told[name] is not None:
                await raw.fetchval("SELECT now() AT TIME ZONE $1", name)
    assert [told[name] for name in names[-4:]] == [None] * 4


async def test_where_there_is_none_it_is_utc(engine: AsyncEngine) -> None:
    asked = text(f"SELECT {zones.own('name')} FROM (VALUES ('Asia/Jerusalem'), ('Mars/Hellas'), (NULL)) AS x (name)")
    async with engine.connect() as connection:
        assert (await connection.scalars(asked)).all() == ["Asia/Jerusalem", "UTC", "UTC"]
