"""retention.sweep ends what is old by its own setting, and nothing else, however often and however much there is."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from clocks import Clock
from prosaas_core.database import DatabaseUnavailable
from prosaas_core.privacy import files
from prosaas_core.privacy.places import NOBODY, PLACES, RULES, Place
from prosaas_core.settings import Settings
from prosaas_core.tables import Base
from prosaas_logging import capture_events
from prosaas_worker.job import Tools
from prosaas_worker.jobs import retention_sweep

pytestmark = pytest.mark.postgres

OLD, YOUNG = "800 days", "1 hour"
# Everything that a person leaves behind, at an age; the marks say whose each is.
ROWS = """
INSERT INTO customers (id, business_id, channel, external_id, name, phone, created_at)
    VALUES ({id}, 456, 'phone', '{mark}', '{mark}', '+97250{id:07}', now() - interval '{age}');
INSERT INTO appointments (business_id, customer_id, starts_at, ends_at, note)
    VALUES (456, {id}, now() - interval '{age}' - interval '30 minutes', now() - interval '{age}', '{mark}');
INSERT INTO calls (call_sid, business_id, customer_id, from_number, to_number, started_at, duration_s, end_reason,
        transcript, events, summary, metrics)
    VALUES ('CA{mark}', 456, {id}, '+97250{id:07}', '+97235550100', now() - interval '{age}', 42, 'customer_hangup',
        '[{{"who": "customer", "text": "{mark}"}}]', '[{{"event": "{mark}"}}]', '{mark}',
        '{{"turns": 3, "unkept": "{mark}"}}');
INSERT INTO call_messages (business_id, call_sid, number, body, created_at)
    VALUES (456, 'CA{mark}', '+97250{id:07}', '{mark}', now() - interval '{age}');
INSERT INTO conversations (id, business_id, customer_id, channel, status, opened_at, last_activity_at)
    VALUES ({id}, 456, {id}, 'meta', 'closed', now() - interval '{age}', now() - interval '{age}');
INSERT INTO messages (id, conversation_id, direction, body, created_at)
    VALUES ('wamid.{mark}', {id}, 'out', '{mark}', now() - interval '{age}');
INSERT INTO message_fates (provider_id, status, told_at)
    VALUES ('wamid.{mark}', 'read', now() - interval '{age}');
INSERT INTO outbound_messages (key, provider, sender, recipient, body, status, created_at)
    VALUES ('reply:{mark}', 'meta', 'us', '97250{id:07}', '{mark}', 'sent', now() - interval '{age}');
INSERT INTO black_boxes (node, name, written_at, content)
    VALUES ('', 'job {mark}', now() - interval '{age}', '{mark}');
"""


@pytest.fixture
async def engine(engine: AsyncEngine) -> AsyncEngine:
    for id, (mark, age) in enumerate({"old": OLD, "young": YOUNG}.items(), 100):
        for statement in ROWS.format(id=id, mark=mark, age=age).split(";\n"):
            if statement.strip():
                await do(engine, statement)
    return engine


async def do(engine: AsyncEngine, statement: str) -> Any:
    async with engine.begin() as connection:
        done = await connection.exec_driver_sql(statement)
        return [tuple(row) for row in done] if done.returns_rows else None


def keeping(tools: Tools, **days: int) -> Tools:
    """The same tools, under settings that keep everything but what is named."""
    everything = {rule.setting: 0 for _, rule in RULES} | {"keep_blackbox_days": 0}
    return replace(tools, settings=tools.settings.model_copy(update=everything | days))


async def everything(engine: AsyncEngine) -> str:
    return str([await do(engine, f"SELECT * FROM {place.table} ORDER BY 1") for place in PLACES])


async def test_by_default_what_is_old_goes_and_the_numbers_of_the_call_stay(tools: Tools, engine: AsyncEngine) -> None:
    with capture_events() as events:
        await retention_sweep.run(tools)
    # What is left of a job's key is an id, by which nothing is done twice.
    left = (await everything(engine)).replace("reply:old", "").replace("CAold", "")
    assert "old" not in left
    assert "+972500000100" not in left
    assert left.count("young") > 8
    (call,) = await do(
        engine, "SELECT duration_s, end_reason, metrics, business_id FROM calls WHERE call_sid = 'CAold'"
    )
    assert call == (42, "customer_hangup", {"turns": 3}, 456)
    (line,) = [event for event in events if event.event == "RETENTION"]
    assert line.level == "INFO"
    for kept in ("transcripts 1", "messages 1", "appointments 1", "customers 1", "sent words 1"):
        assert kept in str(line.fields["removed"])


async def test_a_second_sweep_finds_nothing(tools: Tools, engine: AsyncEngine) -> None:
    await retention_sweep.run(tools)
    before = await everything(engine)
    with capture_events() as events:
        await retention_sweep.run(tools)
    assert [event.fields["removed"] for event in events if event.event == "RETENTION"] == ["-"]
    assert await everything(engine) == before


async def test_nought_keeps_for_ever(tools: Tools, engine: AsyncEngine) -> None:
    before = await everything(engine)
    await retention_sweep.run(keeping(tools))
    assert await everything(engine) == before


@pytest.mark.parametrize(("place", "rule"), RULES, ids=[rule.kept for _, rule in RULES])
async def test_each_setting_ends_what_is_its_own(tools: Tools, engine: AsyncEngine, place: Any, rule: Any) -> None:
    """Of all tables, those of the setting change, and in each of these the old row alone."""
    if rule.kept in ("customers", "conversations"):
        await do(engine, "DELETE FROM messages WHERE id = 'wamid.old'")
    if rule.kept == "customers":
        for table in ("appointments", "conversations", "calls"):
            await do(engine, f"DELETE FROM {table} WHERE customer_id = 100")
    tables = {found.table for found, other in RULES if other.setting == rule.setting}
    before = {found.table: await do(engine, f"SELECT * FROM {found.table} ORDER BY 1") for found in PLACES}
    await retention_sweep.run(keeping(tools, **{rule.setting: 700}))
    for found in PLACES:
        rows = await do(engine, f"SELECT * FROM {found.table} ORDER BY 1")
        if found.table not in tables:
            assert rows == before[found.table], found.table
    assert await do(engine, f"SELECT * FROM {place.table} ORDER BY 1") != before[place.table]
    assert [row for row in await do(engine, f"SELECT * FROM {place.table}") if "young" in str(row)] == [
        row for row in before[place.table] if "young" in str(row)
    ]


async def test_a_customer_stays_while_anything_of_theirs_does(tools: Tools, engine: AsyncEngine) -> None:
    await retention_sweep.run(keeping(tools, keep_customers_days=700))
    assert await do(engine, "SELECT count(*) FROM customers WHERE id = 100") == [(1,)]


async def test_what_is_not_sent_yet_keeps_its_words(tools: Tools, engine: AsyncEngine) -> None:
    await do(engine, "UPDATE outbound_messages SET status = 'ready' WHERE key = 'reply:old'")
    await retention_sweep.run(tools)
    assert await do(engine, "SELECT body FROM outbound_messages WHERE key = 'reply:old'") == [("old",)]


async def test_much_goes_in_batches_that_no_lock_outlives(
    tools: Tools, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_sweep, "_LOOK", 700)
    await do(
        engine,
        "INSERT INTO messages (id, conversation_id, direction, created_at) "
        "SELECT 'many' || n, 101, 'in', now() - interval '800 days' FROM generate_series(1, 999) AS n",
    )
    await do(engine, "CREATE TABLE gone (batch bigint)")
    await do(engine, "GRANT INSERT ON gone TO prosaas_worker")
    await do(
        engine,
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO gone VALUES (txid_current()); RETURN old; END $$",
    )
    await do(engine, "CREATE TRIGGER note BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION note()")
    await retention_sweep.run(keeping(tools, keep_messages_days=700))
    sizes = [size for (size,) in await do(engine, "SELECT count(*) FROM gone GROUP BY batch")]
    assert sum(sizes) == 1000
    assert max(sizes) == 500


async def test_a_row_that_somebody_holds_is_not_waited_for(tools: Tools, engine: AsyncEngine) -> None:
    async with engine.connect() as other:
        await other.execute(text("SELECT * FROM messages WHERE id = 'wamid.old' FOR UPDATE"))
        await retention_sweep.run(keeping(tools, keep_messages_days=700))
        assert await do(engine, "SELECT count(*) FROM messages WHERE id = 'wamid.old'") == [(1,)]
        await other.rollback()
    await retention_sweep.run(keeping(tools, keep_messages_days=700))
    assert await do(engine, "SELECT count(*) FROM messages WHERE id = 'wamid.old'") == [(0,)]


async def test_old_flight_recordings_go_and_the_files_of_others_stay(
    tools: Tools, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_BLACKBOX", str(tmp_path))
    settings = tools.settings.model_copy(update={"spool_dir": tmp_path})
    (tmp_path / "folded").mkdir()
    old = {"CAold.jsonl": 15, "folded/CAold.jsonl": 15, "CAold.json": 100, "CAold.unreadable": 91}
    for name, days in {**old, "CAnew.jsonl": 13, "folded/CAnew.jsonl": 13}.items():
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (time.time() - days * 86_400,) * 2)
    await retention_sweep.run(replace(tools, settings=settings))
    # A record that waits for the database is nobody's to remove.
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert left == ["CAnew.jsonl", "CAold.json", "folded/CAnew.jsonl"]


async def test_a_table_is_a_place_or_has_nobody_in_it(engine: AsyncEngine) -> None:
    """Whoever adds a table says which."""
    tables = {name for (name,) in await do(engine, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    known = {place.table for place in PLACES}
    assert tables | set(Base.metadata.tables) <= known | set(NOBODY)
    assert not known & set(NOBODY)


def test_every_rule_has_its_setting() -> None:
    assert {rule.setting for _, rule in RULES} <= set(Settings.model_fields)


async def test_what_somebody_adds_while_it_is_ended_stays(
    tools: Tools, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer of two years ago books in the moment between the look and the end."""
    for table in ("appointments", "conversations", "calls"):
        await do(engine, f"DELETE FROM {table} WHERE customer_id = 100")
    locks = retention_sweep.locks

    def held_up(place: Place) -> str:
        return locks(place).replace("FOR UPDATE", "AND pg_advisory_xact_lock_shared(7) IS NOT NULL FOR UPDATE")

    monkeypatch.setattr(retention_sweep, "locks", held_up)
    async with engine.connect() as gate:
        await gate.execute(text("SELECT pg_advisory_lock(7)"))
        sweeping = asyncio.create_task(retention_sweep.run(keeping(tools, keep_customers_days=700)))
        async with asyncio.timeout(30):
            waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while not await do(engine, waits):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await do(
            engine,
            "INSERT INTO appointments (business_id, customer_id, starts_at, ends_at) "
            "VALUES (456, 100, now() + interval '1 day', now() + interval '25 hours')",
        )
        assert await do(engine, "SELECT count(*) FROM customers WHERE id = 100") == [(1,)]
        await gate.execute(text("SELECT pg_advisory_unlock(7)"))
        await sweeping
    assert await do(engine, "SELECT count(*) FROM appointments WHERE customer_id = 100") == [(1,)]


@pytest.mark.parametrize("stuck", ["spool/CAold.unreadable", "one/CA1.jsonl"])
async def test_a_file_that_cannot_be_removed_stops_nothing_and_is_told_at_the_end(
    tools: Tools, engine: AsyncEngine, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    """Neither its own folder nor another, nor a table; and what went is counted."""
    names = ["spool/CAold.unreadable", "one/CA1.jsonl", "one/CA2.jsonl", "two/CA3.jsonl"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (0, 0))
    unlink = Path.unlink

    def refusing(path: Path, missing_ok: bool = False) -> None:
        if path == tmp_path / stuck:
            raise PermissionError(path.name)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    monkeypatch.setattr(files, "blackbox_folders", lambda: [tmp_path / "one", tmp_path / "two"])
    settings = tools.settings.model_copy(update={"spool_dir": tmp_path / "spool"})
    with capture_events() as events, pytest.raises(PermissionError):
        await retention_sweep.run(replace(tools, settings=settings))
    assert [name for name in names if (tmp_path / name).exists()] == [stuck]
    assert await do(engine, "SELECT count(*) FROM messages WHERE id = 'wamid.old'") == [(0,)]
    (line,) = [event for event in events if event.event == "RETENTION"]
    boxes = sum("jsonl" in name for name in names if name != stuck)
    told = str(line.fields["removed"]).split(", ")
    assert f"files of black boxes {boxes}" in told
    assert "black boxes 1" in told, "the row that Postgres has is another one's"
    assert ("unreadable records 1" in told) == (stuck != names[0])
    assert "messages 1" in str(line.fields["removed"])


async def test_a_table_that_cannot_be_swept_stops_no_other(tools: Tools, engine: AsyncEngine) -> None:
    await do(engine, "REVOKE DELETE ON messages FROM prosaas_worker")
    with capture_events() as events, pytest.raises(asyncpg.InsufficientPrivilegeError):
        await retention_sweep.run(tools)
    (line,) = [event for event in events if event.event == "RETENTION"]
    assert "appointments 1" in str(line.fields["removed"])


@pytest.mark.parametrize(
    ("error", "left"), [(DatabaseUnavailable("away"), []), (asyncpg.ForeignKeyViolationError("tied"), ["-"])]
)
async def test_an_absent_database_ends_the_sweep_and_what_is_tied_to_something_stays(
    error: Exception, left: list[str], tools: Tools, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def failing(_: AsyncEngine) -> AsyncIterator[None]:
        raise error
        yield

    monkeypatch.setattr(retention_sweep, "raw_transaction", failing)
    with capture_events() as events, suppress(DatabaseUnavailable):
        await retention_sweep.run(keeping(tools, keep_transcripts_days=365))
    assert [event.fields["removed"] for event in events if event.event == "RETENTION"] == left
    assert (await everything(engine)).count("old") > 8


async def test_how_long_a_sweep_took_is_told_in_milliseconds(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()

    def sweep(*_: object) -> int:
        clock.now += 2.5
        return 0

    monkeypatch.setattr(retention_sweep, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setattr(retention_sweep, "sweep_recordings", sweep)
    with capture_events() as events:
        await retention_sweep.run(keeping(tools))
    assert [event.fields["ms"] for event in events if event.event == "RETENTION"] == [2500]
