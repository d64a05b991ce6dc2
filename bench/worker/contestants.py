"""One contestant on a queue that has been filled: `python -m bench.worker.contestants NAME JOBS RESULT_FILE`.

Each does the same work a job: one row in job_effects, in a transaction of its own.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.models import Job as QueuedJob

from prosaas_core.database import make_engine, transaction
from prosaas_core.facts.prices import shipped
from prosaas_core.outward.http import Outbound
from prosaas_core.patience import Patience
from prosaas_core.queries import claim_effect
from prosaas_core.settings import Settings, load_settings
from prosaas_logging import bootstrap, shutdown
from prosaas_worker.job import Job, Tools
from prosaas_worker.queue import Queue

JOB = "bench.job"
CONCURRENCY = 20

Done = Callable[[], None]


async def bare(settings: Settings, done: Done, stopped: asyncio.Event) -> None:
    """PgQueuer as its own documentation runs it: our log has no part in this process."""
    async with asyncpg.create_pool(settings.database_url, min_size=CONCURRENCY, max_size=CONCURRENCY) as pool:
        queue = PgQueuer.from_asyncpg_pool(pool)

        @queue.entrypoint(JOB)
        async def work(job: QueuedJob) -> None:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "INSERT INTO job_effects (key, job) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING key",
                    f"{JOB}:{job.id}",
                    JOB,
                )
            done()

        running = asyncio.create_task(queue.run(batch_size=10, max_concurrent_tasks=CONCURRENCY))
        await stopped.wait()
        queue.shutdown.set()
        await running


async def worker(settings: Settings, done: Done, stopped: asyncio.Event) -> None:
    """Ours: scope, events, the look for an earlier effect, SQLAlchemy."""
    bootstrap("worker")
    engine = make_engine(settings, pool_size=CONCURRENCY + 4)

    async def work(job: Job, tools: Tools) -> None:
        async with transaction(tools.engine) as connection:
            await claim_effect(connection, job.key, job.name)
        done()

    async with Outbound() as outbound:
        tools = Tools(settings, engine, outbound, shipped())
        queue = Queue(
            tools,
            {JOB: work},
            {},
            database_url=settings.database_url,
            concurrency=CONCURRENCY,
            lease=timedelta(seconds=settings.job_lease_seconds),
            patience={JOB: Patience()},
        )
        running = asyncio.create_task(queue.run())
        await stopped.wait()
        await queue.drain(30)
        await running
    await engine.dispose()
    shutdown()


CONTESTANTS: dict[str, Callable[[Settings, Done, asyncio.Event], Awaitable[None]]] = {"bare": bare, "worker": worker}


async def measure(name: str, jobs: int) -> dict[str, float]:
    """Jobs, seconds and processor seconds from the end of the first tenth to the end of the last job."""
    warm = max(1, jobs // 10)
    stopped = asyncio.Event()
    count = 0
    started = cpu = wall = spent = 0.0

    def done() -> None:
        nonlocal count, started, cpu, wall, spent
        count += 1
        if count == warm:
            started, cpu = time.perf_counter(), _cpu()
        if count == jobs:
            wall, spent = time.perf_counter() - started, _cpu() - cpu
            stopped.set()

    await CONTESTANTS[name](load_settings(), done, stopped)
    return {"jobs": jobs - warm, "wall_s": wall, "cpu_s": spent}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    result = asyncio.run(measure(sys.argv[1], int(sys.argv[2])))
    Path(sys.argv[3]).write_text(json.dumps(result), encoding="utf-8")
