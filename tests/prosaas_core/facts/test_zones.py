"""A zone that Postgres has not is told from those that it has."""

from contextlib import suppress
from zoneinfo import available_timezones

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import raw_connection
from prosaas_core.facts import zones

pytestmark = pytest.mark.postgres

# What no list has, and what may end a moment all the same.
NONE = ("", "Mars/Hellas", "Jerusalem time", "BC", "am", "Monday", "now", "2000", "infinity")


async def test_every_zone_that_postgres_reckons_with_is_known_and_no_other(engine: AsyncEngine) -> None:
    """Of Python's list, and of its own two; each is tried."""
    async with raw_connection(engine, within_s=60) as raw:
        listed = "SELECT name FROM pg_timezone_names UNION SELECT abbrev FROM pg_timezone_abbrevs"
        names = sorted({*available_timezones(), *(row[0] for row in await raw.fetch(listed)), *NONE})
        asked = f"SELECT name FROM unnest($1::text[]) AS name WHERE {zones.known('name')} IS NOT NULL"
        known = {row[0] for row in await raw.fetch(asked, names)}
        reckoned = set()
        for name in names:
            with suppress(asyncpg.InvalidParameterValueError):
                await raw.fetchval("SELECT now() AT TIME ZONE $1", name)
                reckoned.add(name)
    assert known == reckoned
    assert not known & {*NONE}


async def test_where_there_is_none_it_is_utc(engine: AsyncEngine) -> None:
    asked = text(f"SELECT {zones.own('name')} FROM (VALUES ('Asia/Jerusalem'), ('Mars/Hellas'), (NULL)) AS x (name)")
    async with engine.connect() as connection:
        assert (await connection.scalars(asked)).all() == ["Asia/Jerusalem", "UTC", "UTC"]
