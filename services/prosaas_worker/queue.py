"""Takes jobs from PgQueuer: reconnects when Postgres goes away, drains when told to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.executors import EntrypointExecutorParameters
from pgqueuer.models import Schedule

from prosaas_core.patience import Patience
from prosaas_core.postgres import address
from prosaas_logging import get_logger
from prosaas_logging.catalogue import CHORE_FAILED, DRAIN_END, DRAIN_START, QUEUE_BACK, QUEUE_LOST
from prosaas_worker.driver import ListeningDriver, PatientQueries, is_outage
from prosaas_worker.executor import JobExecutor, JobFunction
from prosaas_worker.job import Tools

log = get_logger(__name__)

_BATCH = 10
# New jobs announce themselves; a retry that falls due, or the job of a dead worker, is only found by looking.
_POLL = timedelta(seconds=1)
# A queue that was not looked at for this long is stuck, however much there is to do.
_STUCK_S = 60.0
# What is no outage may pass as well, like a schema that is being migrated; but not for ever.
_DISORDER = Patience(first_s=1.0, longest_s=30.0, total_s=300.0)

Timetable = Mapping[str, tuple[str, Callable[[Tools], Awaitable[None]]]]


class Queue:
    """The worker's end of the queue."""

    def __init__(
        self,
        tools: Tools,
        jobs: Mapping[str, JobFunction],
        timetable: Timetable,
        *,
        database_url: str,
        concurrency: int,
        lease: timedelta,
        patience: Mapping[str, Patience],
        reconnect_s: float = 1.0,
        disorder: Patience = _DISORDER,
    ) -> None:
        self._tools = tools
        self._jobs = jobs
        self._timetable = timetable
        self._server = address.arguments(database_url)
        self._concurrency = concurrency
        self._lease = lease
        self._patience = patience
        self._reconnect_s = reconnect_s
        self._disorder = disorder
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[object]] = set()
        self._shutdown: asyncio.Event | None = None
        self._queries: PatientQueries | None = None
        self._took_jobs = False
        self._lost_at: float | None = None

    @property
    def ready(self) -> bool:
        """Whether jobs are being taken right now."""
        return self._shutdown is not None and not self._stopping.is_set()

    @property
    def draining(self) -> bool:
        return self._stopping.is_set()

    @property
    def stuck(self) -> bool:
        """Whether it is connected, and yet has not looked for jobs for a minute."""
        looked_at = self._queries.looked_at if self._queries is not None else None
        return self.ready and looked_at is not None and time.monotonic() - looked_at > _STUCK_S

    async def run(self) -> None:
        """Take jobs until `drain`: through any outage of Postgres, and through disorder as long as patience lasts."""
        loop = asyncio.get_running_loop()
        failures, waited_s = 0, 0.0
        while not self._stopping.is_set():
            try:
                await self._run_connected()
                failures, waited_s = 0, 0.0
            except Exception as error:
                outage = is_outage(error)
                if outage or self._took_jobs:
                    failures, waited_s = 0, 0.0
                if self._lost_at is None:
                    self._lost_at = loop.time()
                log.event(QUEUE_LOST, error=f"{type(error).__name__}: {error}", exc_info=None if outage else error)
                pause: float | None = self._reconnect_s
                if not outage:
                    failures += 1
                    pause = self._disorder.pause(failures, waited_s)
                    if pause is None:
                        raise
                    waited_s += pause
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)

    async def drain(self, deadline_s: float) -> None:
        """Take no more jobs, let the running ones finish until the deadline, then hand the rest back to the queue."""
        log.event(DRAIN_START, active=len(self._running))
        self._stopping.set()
        if self._shutdown is not None:
            self._shutdown.set()
        if self._running:
            await asyncio.wait(set(self._running), timeout=deadline_s)
        left = set(self._running)
        for task in left:
            task.cancel()
        log.event(DRAIN_END, left=len(left))

    async def _run_connected(self) -> None:
        # Without a floor: asyncpg would go on restoring it, with a stack trace a time, while Postgres is away.
        pool = asyncpg.create_pool(**self._server, min_size=0, max_size=6, command_timeout=30, timeout=10)
        try:
            await pool
            await pool.execute("SELECT 1")
            driver = ListeningDriver(pool)
            self._queries = PatientQueries(driver)
            queue = self._register(PgQueuer(driver, queries=self._queries))
            if self._stopping.is_set():
                return
            self._connected(queue)
            await queue.run(
                # PgQueuer wants room for two batches, so that one is fetched while another runs.
                batch_size=min(_BATCH, self._concurrency // 2),
                max_concurrent_tasks=self._concurrency,
                heartbeat_timeout=self._lease,
                dequeue_timeout=_POLL,
                shutdown_on_listener_failure=True,
            )
        finally:
            self._took_jobs = self._queries is not None and self._queries.looked_at is not None
            self._shutdown = self._queries = None
            pool.terminate()

    def _connected(self, queue: PgQueuer) -> None:
        self._shutdown = queue.shutdown
        if self._lost_at is not None:
            log.event(QUEUE_BACK, away_s=round(asyncio.get_running_loop().time() - self._lost_at, 1))
            self._lost_at = None

    def _register(self, queue: PgQueuer) -> PgQueuer:
        for name, body in self._jobs.items():
            executor = JobExecutor(
                parameters=EntrypointExecutorParameters(concurrency_limit=0, func=_unused, on_failure="hold"),
                body=body,
                tools=self._tools,
                patience=self._patience[name],
                running=self._running,
            )
            queue.qm.register_executor(name, executor)
        for name, (cron, chore) in self._timetable.items():
            queue.schedule(name, cron, clean_old=True)(self._scheduled(name, chore))
        return queue

    def _scheduled(self, name: str, chore: Callable[[Tools], Awaitable[None]]) -> Callable[[Schedule], Awaitable[None]]:
        async def run(schedule: Schedule) -> None:
            try:
                await chore(self._tools)
            except Exception as error:
                log.event(CHORE_FAILED, chore=name, error=f"{type(error).__name__}: {error}", exc_info=error)

        return run


async def _unused(job: object) -> None:
    """PgQueuer wants a function beside an executor; ours carries its own."""
