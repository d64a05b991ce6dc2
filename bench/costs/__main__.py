"""`make bench B=costs`: what `make costs` waits for, from a ledger of many calls, three charges each."""

import argparse
import asyncio
import time
from datetime import UTC, datetime
from statistics import median

import asyncpg

from bench.database import database
from bench.goals import Goal, goals_table, table
from bench.machine import machine
from prosaas_core.migrate import migrate
from prosaas_core.settings import load_settings
from prosaas_ops.stack.spent import GROUPS, Wanted, spent

LEDGER = """
    insert into businesses (id, name, phone) select n, 'x', '+9723' || n from generate_series(1001, 1020) n;
    insert into calls (call_sid, business_id, end_reason, events)
        select 'CA' || n, 1001 + n % 20, 'customer_hangup', jsonb_build_array(repeat('x', 200))
        from generate_series(1, {calls}) n;
    insert into charges (business_id, call_sid, at, kind, name, tokens_in, tokens_cached, tokens_out, seconds, cost,
                         currency, estimated)
        select 1001 + n % 20, 'CA' || n, '2024-01-25Z'::timestamptz + n * '20s'::interval, kind, kind, 1000, 500, 100,
               60, 0.01, 'USD', false
        from generate_series(1, {calls}) n, unnest(array['model', 'transcription', 'phone']) kind;
    analyze;
"""
ALL = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))


async def fill(url: str, calls: int) -> None:
    await migrate(load_settings({"DATABASE_URL": url, "OPENAI_API_KEY": "none"}))
    connection = await asyncpg.connect(url)
    await connection.execute(LEDGER.format(calls=calls))
    await connection.close()


def clocked(by: str) -> float:
    began = time.perf_counter()
    spent(Wanted(*ALL, by))
    return time.perf_counter() - began


def main() -> None:
    """Fill the ledger, add it up in each way, and print."""
    parser = argparse.ArgumentParser(prog="bench.costs", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    print(f"Machine: {machine()}.\n")
    with database() as url:
        asyncio.run(fill(url, options.calls))
        took = {by: [clocked(by) for _ in range(options.times)] for by in GROUPS}
    rows = ((by, f"{median(each):.2f} s", f"{max(each):.2f} s") for by, each in took.items())
    print(*table((f"{options.calls:,} calls, BY=", "median", "worst"), rows), sep="\n", end="\n\n")
    print(
        *goals_table(Goal(f"`make costs BY={by}`, median", median(each), 1, " s") for by, each in took.items()),
        sep="\n",
    )


if __name__ == "__main__":
    main()
