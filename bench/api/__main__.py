"""`make bench B=api`: webhooks a second on one core.

The api has core 0 to itself; the generator and the database share the others, unless the database is one that
DATABASE_URL or TEST_POSTGRES_URL names and that is not ours to place. Rounds alternate between the contestants. The
median round counts for times, the best one for processor time, which is what a busy machine disturbs least.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import httpx

from bench.api.beside import KEY, LISTS, added_ms
from bench.api.enqueue import enqueue_ms
from bench.api.load import AUTH_TOKEN, PUBLIC_URL, Measured, drive, prepare
from bench.api.servers import CONTESTANTS
from bench.database import database, other_cores
from bench.goals import Goal, goals_table, table
from bench.machine import machine
from ports import free_port
from prosaas_core.migrate import migrate
from prosaas_core.settings import load_settings

PORT = free_port()


@contextmanager
def serving(name: str) -> Iterator[int]:
    """A contestant's process; its log goes where a container's goes, through a pipe that somebody reads."""
    settings = {
        "PUBLIC_URL": PUBLIC_URL,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "ADMIN_API_KEY": KEY,
        # Nobody answers there at once, and who does not answer is open.
        "CALLS_INTERNAL_URL": "http://127.0.0.1:1",
        "LOG_LEVEL": "INFO",
        "LOG_BLACKBOX": "stdout",
    }
    command = [sys.executable, "-m", "bench.api.servers", name, str(PORT)]
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        process = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=reader.stdin, stderr=subprocess.STDOUT
        )
        try:
            _wait(process)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{PORT}/nothing")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


async def one(name: str, webhooks: int, connections: int, batch: str) -> Measured:
    """One round of one contestant, warmed up."""
    with serving(name) as pid:
        await drive(PORT, pid, prepare(20, f"{batch}v"), 1)
        await drive(PORT, pid, prepare(webhooks // 10, f"{batch}w"), connections)
        return await drive(PORT, pid, prepare(webhooks, batch), connections)


async def main(arguments: argparse.Namespace) -> None:
    """Run the rounds and print a table."""
    # The demo's business and its one customer are whom the load is about.
    os.environ.setdefault("DEMO", "1")
    settings = load_settings()
    await migrate(settings)
    await _seed(settings.database_url)
    os.sched_setaffinity(0, other_cores())
    run = f"{time.time():.0f}"
    rounds: dict[str, list[Measured]] = {name: [] for name in CONTESTANTS}
    for number in range(arguments.rounds):
        for name in CONTESTANTS:
            rounds[name].append(await one(name, arguments.webhooks, arguments.connections, f"{run}{number}{name}"))
    rows, worst, cost = [], {}, {}
    for name, measured in rounds.items():
        times = zip(*((m.webhooks_s, m.p50_ms, m.p99_ms) for m in measured), strict=True)
        rate, p50, worst[name] = (statistics.median(column) for column in times)
        cost[name] = min(m.cpu_us for m in measured)
        rows.append((name, f"{rate:.0f}", f"{p50:.1f}", f"{worst[name]:.1f}", f"{cost[name]:.0f}"))
    print(f"Machine: {machine()}.\n")
    print(*table(("server", "webhooks/s", "p50 ms", "p99 ms", "CPU µs a webhook"), rows), sep="\n")
    alone, with_job = await enqueue_ms(settings, arguments.webhooks // 2)
    with serving("product"):
        voice, added = await added_ms(PORT, settings.database_url)
    goals = [
        Goal("processor time ÷ the bare handler's", cost["product"] / cost["bare"]),
        Goal(f"acknowledged, p99 of {arguments.connections} at once", worst["product"], 100, " ms"),
        Goal("the log's share at INFO", _log_us() / cost["product"] * 100, 3, " %"),
        Goal("the median transaction, a row", alone, unit=" ms"),
        Goal("the same, a row and its job", with_job, unit=" ms"),
        Goal("a voice webhook, the median", voice, unit=" ms"),
        Goal(f"what {LISTS} lists of 200 calls at once add to it", added, 50, " ms"),
    ]
    print()
    print(*goals_table(goals), sep="\n")


def _log_us() -> float:
    command = [sys.executable, "-m", "bench.api.log_cost"]
    environ = {**os.environ, "LOG_LEVEL": "INFO", "LOG_BLACKBOX": "stdout"}
    done = subprocess.run(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
    )
    return float(done.stderr)


async def _seed(url: str) -> None:
    """The bare handler needs a conversation to hang its rows on."""
    connection = await asyncpg.connect(url)
    customer = await connection.fetchval("SELECT min(id) FROM customers")
    await connection.execute(
        "INSERT INTO conversations (business_id, customer_id, channel) VALUES (456, $1, 'meta') ON CONFLICT DO NOTHING",
        customer,
    )
    await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.api", description=__doc__)
    parser.add_argument("--webhooks", type=int, default=3000, help="a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    with database():
        asyncio.run(main(options))
