"""`make bench B=worker`: jobs a second on one core, and what the log costs of it.

The worker has core 0 to itself; the database and the reader of its log share the others, unless the database is one
that DATABASE_URL or TEST_POSTGRES_URL names and that is not ours to place.
Rounds alternate between the contestants and the median counts. Each is measured once a tenth of its jobs is done, when
all its connections are open. Processor time a job is the number that a busy machine disturbs least.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from bench.database import PRODUCT_CORE, database, other_cores
from bench.goals import Goal, goals_table, table
from bench.machine import machine
from bench.worker.contestants import JOB
from prosaas_core.demo import BUSINESS_ID
from prosaas_core.migrate import migrate
from prosaas_core.settings import load_settings

ROUNDS = {
    "PgQueuer alone": ("bare", "INFO"),
    "worker at INFO": ("worker", "INFO"),
    "worker at WARNING": ("worker", "WARNING"),
}


async def refuse_if_used(dsn: str) -> None:
    """The rounds empty the queue: only in a database that nothing was ever put into, or that holds the demo alone."""
    connection = await asyncpg.connect(dsn)
    used = await connection.fetchval("SELECT to_regclass('businesses') IS NOT NULL") and await connection.fetchval(
        "SELECT EXISTS (SELECT FROM businesses WHERE id <> $1)", BUSINESS_ID
    )
    await connection.close()
    if used:
        raise SystemExit("DATABASE_URL names a database in use: give the benchmark one of its own")


async def fill(dsn: str, jobs: int) -> None:
    """An empty queue, then *jobs* of them."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("TRUNCATE pgqueuer, pgqueuer_log, pgqueuer_statistics, job_effects")
    keys: list[str | None] = [f"{JOB}:{number}" for number in range(jobs)]
    headers: list[dict[str, str] | None] = [{"key": key} for key in keys if key]
    await Queries(AsyncpgDriver(connection)).enqueue(
        [JOB] * jobs, [b"{}"] * jobs, [0] * jobs, dedupe_key=keys, headers=headers
    )
    await connection.execute("VACUUM ANALYZE pgqueuer")
    await connection.close()


def run(contestant: str, level: str, jobs: int) -> dict[str, float]:
    """One round, its log in a pipe that somebody reads."""
    with (
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader,
        tempfile.NamedTemporaryFile("r", encoding="utf-8") as result,
    ):
        subprocess.run(
            [sys.executable, "-m", "bench.worker.contestants", contestant, str(jobs), result.name],
            env={**os.environ, "LOG_LEVEL": level, "LOG_BLACKBOX": "stdout"},
            stdout=reader.stdin,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {PRODUCT_CORE}),
        )
        measured: dict[str, float] = json.load(result)
    return measured


async def main(arguments: argparse.Namespace) -> None:
    """Run the rounds and print a table."""
    os.sched_setaffinity(0, other_cores())
    # The demo's business and its one customer are whom the load is about.
    os.environ.setdefault("DEMO", "1")
    settings = load_settings()
    await migrate(settings)
    await refuse_if_used(settings.database_url)
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in ROUNDS}
    for _ in range(arguments.rounds):
        for name, (contestant, level) in ROUNDS.items():
            await fill(settings.database_url, arguments.jobs)
            measured[name].append(await asyncio.to_thread(run, contestant, level, arguments.jobs))
    rows, cost = [], {}
    for name, rounds in measured.items():
        rate = statistics.median(result["jobs"] / result["wall_s"] for result in rounds)
        cost[name] = statistics.median(result["cpu_s"] / result["jobs"] for result in rounds) * 1e6
        rows.append((name, f"{rate:.0f}", f"{cost[name]:.0f}"))
    print(f"Machine: {machine()}.\n")
    print(*table(("contestant", "jobs/s", "CPU µs a job"), rows), sep="\n")
    print()
    ratios = [
        Goal("processor time, worker at INFO ÷ PgQueuer alone", cost["worker at INFO"] / cost["PgQueuer alone"]),
        Goal("the same, worker at INFO ÷ at WARNING", cost["worker at INFO"] / cost["worker at WARNING"]),
    ]
    print(*goals_table(ratios), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.worker", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with database():
        asyncio.run(main(options))
