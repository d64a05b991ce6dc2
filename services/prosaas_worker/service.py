"""The worker as a process: its parts put together, its signals, its end."""

import asyncio
import signal
from contextlib import suppress
from datetime import timedelta

from aiohttp import web

from prosaas_core.costs.charges import prices_of
from prosaas_core.database import make_engine
from prosaas_core.kept.boxes import keeping
from prosaas_core.outward.http import Outbound
from prosaas_core.settings import Settings
from prosaas_core.switch_follower import following
from prosaas_logging import get_logger
from prosaas_logging.catalogue import SERVICE_STOP, WORKER_START
from prosaas_worker.health import make_app
from prosaas_worker.job import Tools
from prosaas_worker.jobs import JOBS, PATIENCE, TIMETABLE
from prosaas_worker.queue import Queue
from prosaas_worker.surroundings import Surroundings

log = get_logger(__name__)

DEFAULT_PORT = 8001
BOOKKEEPING_S = 5.0
# No job holds a connection while it waits for a provider, so that a few serve any number of jobs.
POOL_SIZE = 10


async def serve(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    engine = make_engine(settings, pool_size=POOL_SIZE)
    try:
        async with (
            Outbound() as outbound,
            following("worker", settings.database_url),
            keeping("worker", engine, settings.keep_blackbox_days),
        ):
            queue = Queue(
                Tools(settings, engine, outbound, prices_of(settings, settings.openai_text_model)),
                JOBS,
                TIMETABLE,
                database_url=settings.database_url,
                concurrency=settings.job_concurrency,
                lease=timedelta(seconds=settings.job_lease_seconds),
                patience=PATIENCE,
            )
            runner = web.AppRunner(make_app(queue, engine, Surroundings(settings)), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "0.0.0.0", settings.port or DEFAULT_PORT).start()
            log.event(
                WORKER_START,
                version=settings.prosaas_version,
                queues=",".join((*JOBS, *TIMETABLE)),
                concurrency=settings.job_concurrency,
            )
            try:
                await _work(queue, stop, settings.drain_seconds)
            finally:
                await runner.cleanup()
    finally:
        await engine.dispose()
    log.event(SERVICE_STOP, reason="drained")


async def _work(queue: Queue, stop: asyncio.Event, drain_s: float) -> None:
    running = asyncio.create_task(queue.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if stop.is_set():
        await queue.drain(drain_s)
        # What is left is bookkeeping in Postgres; without Postgres it could go on for ever.
        with suppress(TimeoutError):
            await asyncio.wait_for(running, BOOKKEEPING_S)
    else:
        await running
