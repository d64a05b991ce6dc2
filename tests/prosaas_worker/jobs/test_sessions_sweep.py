"""sessions.sweep closes what is idle, and says so at INFO only when there was something."""

import pytest
from sqlalchemy import select, text

from prosaas_core.tables import Conversation
from prosaas_logging import capture_events
from prosaas_worker.jobs import sessions_sweep

pytestmark = pytest.mark.postgres


async def age(engine, conversation_id, interval):
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE conversations SET last_activity_at = now() - CAST(:age AS text)::interval WHERE id = :id"),
            {"age": interval, "id": conversation_id},
        )


async def status(engine):
    async with engine.connect() as connection:
        return await connection.scalar(select(Conversation.status))


async def test_nothing_stale_is_a_debug_line_in_the_guides_words(tools, message):
    await message("SM1")
    with capture_events() as events:
        for _ in range(2):
            await sessions_sweep.run(tools)
    assert [(event.level, event.event) for event in events] == [("DEBUG", "WHATSAPP_SESSION")] * 2
    first, second = (int(str(event.fields["check"])) for event in events)
    assert second == first + 1
    assert [event.fields["job_id"] for event in events] == [f"sessions.sweep-{first}", f"sessions.sweep-{second}"]
    assert await status(tools.engine) == "open"


async def test_an_idle_session_is_closed_and_counted_at_info(tools, message):
    await age(tools.engine, await message("SM1"), "25 hours")
    with capture_events() as events:
        await sessions_sweep.run(tools)
    (event,) = events
    assert (event.level, event.event, event.fields["count"]) == ("INFO", "WHATSAPP_SESSION_STALE", 1)
    assert await status(tools.engine) == "closed"


async def test_a_closed_session_is_not_found_again(tools, message):
    await age(tools.engine, await message("SM1"), "25 hours")
    assert await sessions_sweep.close_stale(tools) == 1
    assert await sessions_sweep.close_stale(tools) == 0


async def keys(engine, table, key):
    async with engine.connect() as connection:
        return sorted((await connection.execute(text(f"SELECT {key} FROM {table}"))).scalars())


async def execute(engine, statement):
    async with engine.begin() as connection:
        await connection.execute(text(statement))


@pytest.mark.parametrize(
    ("table", "key", "insert", "days"),
    [
        ("job_effects", "key", "(key, job, done_at) SELECT name, 'x', moment", 90),
        (
            "outbound_messages",
            "key",
            "(key, provider, sender, recipient, body, status, created_at) "
            "SELECT name, 'twilio', '1', '2', 'x', 'sent', moment",
            90,
        ),
        (
            "pgqueuer_log",
            "entrypoint",
            "(created, job_id, status, priority, entrypoint, aggregated) "
            "SELECT moment, 1, 'successful', 0, name, name <> 'uncounted'",
            14,
        ),
        (
            "pgqueuer_statistics",
            "entrypoint",
            "(created, count, priority, status, entrypoint) SELECT moment, 1, 0, 'successful', name",
            14,
        ),
    ],
)
async def test_old_bookkeeping_goes_and_what_may_be_asked_for_stays(table, key, insert, days, tools):
    """Neither the age nor the place in the table alone decides; what the statistics do not count yet stays, too."""
    rows = (
        f"(VALUES ('old', interval '{days} days 1 hour'), ('uncounted', interval '{days} days 1 hour'), "
        f"('new', interval '{days - 1} days 23 hours'), ('older', interval '{days + 30} days')) AS rows (name, age)"
    )
    await execute(
        tools.engine, f"INSERT INTO {table} {insert} FROM (SELECT name, now() - age AS moment FROM {rows}) AS r"
    )
    await sessions_sweep.clear_out(tools)
    assert await keys(tools.engine, table, key) == (["new", "uncounted"] if table == "pgqueuer_log" else ["new"])


async def test_each_check_clears_out(tools):
    await execute(
        tools.engine, "INSERT INTO job_effects (key, job, done_at) VALUES ('old', 'x', now() - interval '91 days')"
    )
    await sessions_sweep.run(tools)
    assert await keys(tools.engine, "job_effects", "key") == []


async def test_a_backlog_goes_in_batches_and_all_of_it_at_once(tools, engine):
    await execute(
        engine,
        "INSERT INTO job_effects (key, job, done_at) "
        "SELECT 'old' || n, 'x', now() - interval '100 days' FROM generate_series(1, 2005) AS n",
    )
    await execute(engine, "INSERT INTO job_effects (key, job) VALUES ('new', 'x')")
    await execute(engine, "CREATE TABLE dropped AS SELECT txid_current() AS batch, ''::text AS key LIMIT 0")
    await execute(engine, "GRANT INSERT ON dropped TO prosaas_worker")
    await execute(
        engine,
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO dropped VALUES (txid_current(), old.key); RETURN old; END $$",
    )
    await execute(engine, "CREATE TRIGGER note BEFORE DELETE ON job_effects FOR EACH ROW EXECUTE FUNCTION note()")
    await sessions_sweep.clear_out(tools)
    assert await keys(engine, "job_effects", "key") == ["new"]
    batches = "(SELECT count(*) AS size FROM dropped GROUP BY batch) AS b"
    assert await keys(engine, batches, "size") == [5, 1000, 1000]


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ({}, ["missed"]),
        ({"metrics": """'{"streamed": true}'"""}, ["crashed"]),
        ({"recorded_at": "now()"}, []),
        ({"end_reason": "'customer_hangup'"}, []),
        ({"ended_at": "now() - interval '110 seconds'"}, []),
        ({"ended_at": "now() - interval '130 seconds'"}, ["missed"]),
        ({"carrier_status": "'in-progress'"}, []),
        ({"started_at": "now() - interval '25 hours'"}, []),
        ({"started_at": "now() - interval '23 hours'"}, ["missed"]),
        ({"direction": "'outbound'"}, []),
    ],
)
async def test_a_call_that_left_no_record_was_missed_or_lost_and_the_business_is_told(tools, engine, changes, ended):
    """Lost, where prosaas-calls had it. Not one that is only just over, whose record is still to come; each once."""
    columns = {
        "call_sid": "'CA1'",
        "business_id": "456",
        "carrier_status": "'no-answer'",
        "started_at": "now() - interval '5 minutes'",
        "ended_at": "now() - interval '4 minutes'",
        **changes,
    }
    async with engine.begin() as connection:
        names, values = ", ".join(columns), ", ".join(columns.values())
        await connection.execute(text(f"INSERT INTO calls ({names}) VALUES ({values})"))

    assert [await sessions_sweep.note_unrecorded(tools) for _ in range(2)] == [ended, []]

    async with engine.connect() as connection:
        told = await connection.scalar(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'business.tell'"))
        reason = await connection.scalar(text("SELECT end_reason FROM calls"))
    assert told == len(ended)
    assert reason == (ended or [changes.get("end_reason", "").strip("'") or None])[0]


async def test_missed_and_lost_calls_are_counted_each_in_a_line_of_their_own(tools, engine):
    for number, metrics in enumerate(["{}", "{}", '{"streamed": true}']):
        await execute(
            engine,
            "INSERT INTO calls (call_sid, business_id, carrier_status, started_at, ended_at, metrics) VALUES "
            f"('CA{number}', 456, 'no-answer', now() - interval '5 min', now() - interval '4 min', '{metrics}')",
        )
    with capture_events("INFO") as events:
        await sessions_sweep.run(tools)
        await sessions_sweep.run(tools)
    told = [(event.event, event.fields["count"]) for event in events if event.event in ("CALLS_MISSED", "CALLS_LOST")]
    assert told == [("CALLS_MISSED", 2), ("CALLS_LOST", 1)]
