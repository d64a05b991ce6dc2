"""Every list has an index: with many rows, no question reads its whole table."""

import json
import os

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import bind_to_tenant, session

pytestmark = pytest.mark.postgres

# PLAN_ROWS=1000000 asks the same of tables that have grown, and takes minutes to fill them.
ROWS = int(os.environ.get("PLAN_ROWS", "20000"))
FILL = f"""
INSERT INTO businesses (id, name, phone) SELECT 5000 + n, n, '+9724' || (1000000 + n) FROM generate_series(1, 20) AS n;
INSERT INTO customers (business_id, channel, external_id)
    SELECT 5001 + n % 20, CASE WHEN n % 1000 = 0 THEN 'whatsapp' ELSE 'phone' END, n
    FROM generate_series(1, {ROWS}) AS n;
INSERT INTO appointments (business_id, customer_id, starts_at, ends_at, status)
    SELECT 5001 + n % 20, 1 + n, '2020-01-01Z'::timestamptz + n * interval '1 h',
        '2020-01-01Z'::timestamptz + n * interval '1 h' + interval '30 min',
        CASE WHEN n % 1000 < 20 THEN 'cancelled' ELSE 'booked' END
    FROM generate_series(1, {ROWS - 10}) AS n;
INSERT INTO calls (call_sid, business_id, started_at)
    SELECT 'CA' || n, 5001 + n % 20, '2020-01-01Z'::timestamptz + n * interval '1 min'
    FROM generate_series(1, {ROWS}) AS n;
INSERT INTO call_messages (business_id, call_sid, body, urgent, created_at)
    SELECT 5001 + n % 20, 'CA' || n, n, n % 1000 < 20, '2020-01-01Z'::timestamptz + n * interval '1 min'
    FROM generate_series(1, {ROWS}) AS n;
INSERT INTO call_messages (business_id, call_sid, body, created_at)
    SELECT 5001, 'CB' || n, n, '2021-01-01Z'::timestamptz + n * interval '1 min' FROM generate_series(1, {ROWS}) AS n;
INSERT INTO conversations (business_id, customer_id, channel, status)
    SELECT 5001 + n % 20, 1 + n, 'meta', CASE WHEN n % 1000 < 20 THEN 'open' ELSE 'closed' END
    FROM generate_series(1, {ROWS - 10}) AS n;
INSERT INTO messages (id, conversation_id, direction, sent_at)
    SELECT 'wamid.' || n, 1 + n % 100, 'in', '2020-01-01Z'::timestamptz + n * interval '1 s'
    FROM generate_series(1, {ROWS}) AS n;
INSERT INTO api_keys (business_id, name, prefix, key_hash)
    SELECT 5001 + n % 20, n, n, n FROM generate_series(1, {ROWS}) AS n;
"""
MINE = "WHERE business_id = 5001"
QUESTIONS = {
    "businesses": "SELECT id FROM businesses ORDER BY id DESC LIMIT 51",
    "keys": f"SELECT id, name FROM api_keys {MINE} ORDER BY id DESC LIMIT 51",
    "customers": f"SELECT id, name FROM customers {MINE} ORDER BY id DESC LIMIT 51",
    "customers by channel": f"SELECT id FROM customers {MINE} AND channel = 'whatsapp' ORDER BY id DESC LIMIT 51",
    "appointments": f"SELECT id FROM appointments {MINE} ORDER BY starts_at DESC, id DESC LIMIT 51",
    "a later page": f"SELECT id FROM appointments {MINE} AND (starts_at, id) < ('2021-01-01Z'::timestamptz, 9::bigint) "
    "ORDER BY starts_at DESC, id DESC LIMIT 51",
    "cancelled ones": f"SELECT id FROM appointments {MINE} AND status = 'cancelled' "
    "ORDER BY starts_at DESC, id DESC LIMIT 51",
    "free slots": f"SELECT starts_at, ends_at FROM appointments {MINE} AND status = 'booked' "
    "AND starts_at > '2024-01-01T00:00Z' AND starts_at < '2024-01-02T00:00Z' AND ends_at > '2024-01-01T08:00Z'",
    "calls": f"SELECT call_sid FROM calls {MINE} ORDER BY started_at DESC, call_sid DESC LIMIT 51",
    "messages left": f"SELECT id FROM call_messages {MINE} ORDER BY created_at DESC, id DESC LIMIT 51",
    "urgent ones": f"SELECT id FROM call_messages {MINE} AND urgent ORDER BY created_at DESC, id DESC LIMIT 51",
    "conversations": f"SELECT id FROM conversations {MINE} ORDER BY id DESC LIMIT 51",
    "open ones": f"SELECT id FROM conversations {MINE} AND status = 'open' ORDER BY id DESC LIMIT 51",
    "messages": "SELECT id FROM messages WHERE conversation_id = 20 ORDER BY sent_at DESC, serial DESC LIMIT 51",
}


async def test_no_list_reads_its_whole_table(engine: AsyncEngine) -> None:
    """Under the tenant's role, whose policies may keep an index from being used."""
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(FILL, timeout=900)
        await raw.execute("ANALYZE")
    for name, question in QUESTIONS.items():
        async with session(engine) as opened:
            await bind_to_tenant(opened, 5001)
            found = await opened.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {question}"))
            (plan,) = json.loads(json.dumps(found.scalar_one()))
        assert touched(plan["Plan"]) < ROWS / 10, (name, plan)


def touched(plan: dict) -> float:  # type: ignore[type-arg]
    """The rows that the plan's scans read, those thrown away too."""
    here = 0.0
    if "Scan" in plan["Node Type"]:
        read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        here = plan["Actual Loops"] * read
    return here + sum(touched(inner) for inner in plan.get("Plans", []))
