"""Migrations: to the newest schema from nothing, twice, from two hosts at once, and all the way back."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from prosaas_core.database import DatabaseUnavailable, make_engine
from prosaas_core.migrate import LOCK, downgrade, migrate
from prosaas_core.patience import Patience
from prosaas_core.settings import load_settings
from prosaas_core.tables import Base
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture
def empty_url(postgres_server: Any) -> Iterator[str]:
    """A database without anything in it."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def things(url: str) -> set[str]:
    """Every table, index, column, type and function in the database, but the extension's and Alembic's own."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            """
            SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
                AND relname NOT LIKE 'alembic%'
            UNION SELECT table_name || '.' || column_name FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name <> 'alembic_version'
            UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
            UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
            """
        )
    finally:
        await connection.close()
    return {row["name"] for row in rows}


async def test_the_migrated_schema_is_the_one_that_the_tables_describe(database_url: str) -> None:
    def difference(connection: Connection) -> list[Any]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "table" or not str(name).startswith("pgqueuer")

        context = MigrationContext.configure(connection, opts={"include_name": ours})
        return list(compare_metadata(context, Base.metadata))

    engine = make_engine(load_settings({"DATABASE_URL": database_url}))
    async with engine.connect() as connection:
        assert await connection.run_sync(difference) == []
    await engine.dispose()


async def test_two_hosts_may_migrate_at_once_and_again(empty_url: str) -> None:
    settings = load_settings({"DATABASE_URL": empty_url})
    await asyncio.gather(*(migrate(settings) for _ in range(3)))
    await migrate(settings)
    assert {"businesses", "calls", "messages", "pgqueuer", "pgqueuer_status"} <= await things(empty_url)


async def test_the_demo_business_is_there_when_the_demo_is_asked_for_and_stays_as_people_changed_it(
    empty_url: str,
) -> None:
    settings = load_settings({"DATABASE_URL": empty_url, "DEMO": "1"})
    await migrate(settings)
    connection = await asyncpg.connect(empty_url)
    await connection.execute("UPDATE businesses SET name = 'changed'")
    # Who was forgotten, say.
    await connection.execute("DELETE FROM customers")
    await migrate(settings)
    assert await connection.fetchval("SELECT count(*) FROM customers") == 0
    rows = await connection.fetch("SELECT id, name, phone FROM businesses")
    days = await connection.fetch("SELECT jsonb_object_keys(opening_hours) FROM businesses")
    assert {day for (day,) in days} == {"sun", "mon", "tue", "wed", "thu"}
    await connection.close()
    assert [tuple(row) for row in rows] == [(456, "changed", "+97235550100")]


async def test_with_a_real_model_nobody_is_invented(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM businesses") == 0
    await connection.close()


async def test_the_way_back_leaves_nothing_and_the_way_forward_is_open_again(empty_url: str) -> None:
    settings = load_settings({"DATABASE_URL": empty_url})
    await migrate(settings)
    newest = await things(empty_url)
    await downgrade(settings, "base")
    assert await things(empty_url) == set()
    await migrate(settings)
    assert await things(empty_url) == newest


async def test_each_step_back_can_be_taken_alone(empty_url: str) -> None:
    settings = load_settings({"DATABASE_URL": empty_url})
    await migrate(settings)
    before = await things(empty_url)
    await downgrade(settings, "-1")
    assert await things(empty_url) < before
    await migrate(settings)
    assert await things(empty_url) == before


async def test_what_was_tied_to_callers_who_hid_their_number_is_untied(empty_url: str) -> None:
    settings = load_settings({"DATABASE_URL": empty_url, "OPENAI_API_KEY": "none"})
    await migrate(settings)
    await downgrade(settings, "0002")
    connection = await asyncpg.connect(empty_url)
    await connection.execute("""
        INSERT INTO businesses (id, name, phone) VALUES (1, 'x', '+97231111111');
        INSERT INTO customers (id, business_id, channel, external_id, name, phone) OVERRIDING SYSTEM VALUE VALUES
            (1, 1, 'phone', 'anonymous', 'two people', 'anonymous'), (2, 1, 'phone', '+266696687', '', '+266696687'),
            (3, 1, 'phone', '+972501234567', 'known', '+972501234567'), (4, 1, 'whatsapp', 'US.12', 'known', NULL);
        INSERT INTO calls (call_sid, business_id, customer_id) VALUES ('CA1', 1, 1), ('CA2', 1, 2), ('CA3', 1, 3);
    """)
    await migrate(settings)
    customers = await connection.fetch("SELECT id, name, phone FROM customers ORDER BY id")
    calls = await connection.fetch("SELECT customer_id FROM calls ORDER BY call_sid")
    await connection.close()
    known = [(3, "known", "+972501234567"), (4, "known", None)]
    assert [tuple(row) for row in customers] == [(1, "", None), (2, "", None), *known]
    assert [row[0] for row in calls] == [None, None, 3]


async def test_rows_survive_a_second_migration(database_url: str) -> None:
    engine = make_engine(load_settings({"DATABASE_URL": database_url}))
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO businesses (name, phone) VALUES ('kept', '+97231111111')"))
    await engine.dispose()
    await migrate(load_settings({"DATABASE_URL": database_url, "OPENAI_API_KEY": "none"}))
    kept = await asyncpg.connect(database_url)
    assert await kept.fetchval("SELECT name FROM businesses") == "kept"
    await kept.close()


async def test_after_a_roll_back_a_newer_schema_is_left_alone_with_one_warning(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    with capture_events() as events:
        assert not await migrate(load_settings({"DATABASE_URL": database_url}))
    warnings = [event.text for event in events if event.level == "WARNING"]
    assert len(warnings) == 1
    assert "9999" in warnings[0]


async def test_a_table_in_use_is_asked_for_shortly_and_again_until_it_is_free(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prosaas_core.migrate.LOCK_TIMEOUT_MS", 50)
    monkeypatch.setattr("prosaas_core.migrate.LOCK_PATIENCE", Patience(first_s=0.05, longest_s=0.05, total_s=60))
    user = await asyncpg.connect(database_url)
    using = user.transaction()
    await using.start()
    await user.execute("LOCK TABLE outbound_messages IN ACCESS SHARE MODE")
    settings = load_settings({"DATABASE_URL": database_url})
    with capture_events() as events:
        migrating = asyncio.create_task(downgrade(settings, "0002"))
        async with asyncio.timeout(60):
            while not any("in use" in event.text for event in events):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await using.rollback()
        await migrating
    await user.close()


async def test_whoever_comes_second_waits_for_the_lock_however_long_it_takes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await asyncpg.connect(database_url)
    await first.execute("SELECT pg_advisory_lock($1)", LOCK)
    connect, limits = asyncpg.connect, []

    async def noted(*arguments: Any, **options: Any) -> Any:
        # The engine's own; that of the question about poolers is short.
        if "statement_cache_size" not in options:
            limits.append(options["command_timeout"])
        return await connect(*arguments, **options)

    monkeypatch.setattr(asyncpg, "connect", noted)
    second = asyncio.create_task(migrate(load_settings({"DATABASE_URL": database_url})))
    done, _ = await asyncio.wait({second}, timeout=1)
    assert not done
    await first.close()
    assert await second
    assert set(limits) == {None}


async def test_a_database_that_does_not_come_is_given_up_after_the_wait(unused_tcp_port: int) -> None:
    settings = load_settings({"DATABASE_URL": f"postgresql://x:y@127.0.0.1:{unused_tcp_port}/none"})
    with pytest.raises(DatabaseUnavailable):
        await migrate(settings, wait_s=0.1)


@pytest.mark.parametrize("level", ["INFO", "CRITICAL"])
def test_a_missing_setting_is_a_line_at_any_level_and_exit_code_2(level: str) -> None:
    command = [sys.executable, "-m", "prosaas_core.migrate"]
    settings = {"PYTHONPATH": "services", "LOG_LEVEL": level}
    done = subprocess.run(command, env=settings, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout.startswith("[CRITICAL] ")
    assert "DATABASE_URL is missing: set it in .env" in done.stdout
