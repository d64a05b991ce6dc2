"""Runs one job: its scope, its events, what is retried, what is held, and what a stopping worker hands back."""

import asyncio
import dataclasses
import random
import time
from datetime import timedelta
from typing import Protocol

import asyncpg
from pgqueuer.errors import RetryRequested
from pgqueuer.executors import AbstractEntrypointExecutor
from pgqueuer.models import Context
from pgqueuer.models import Job as QueuedJob

from prosaas_core.database import DatabaseUnavailable, is_absence
from prosaas_core.outbound import Refused, Unavailable
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import JOB_DONE, JOB_FAILED, JOB_RETRY
from prosaas_worker import metrics
from prosaas_worker.job import Hopeless, Job, Tools

log = get_logger(__name__)


class JobFunction(Protocol):
    """A job's body; returns when its effect and the mark of its key are committed."""

    async def __call__(self, job: Job, tools: Tools) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How often, and how far apart, a job that raises is tried."""

    attempts: int = 5
    first_delay_s: float = 2.0
    longest_delay_s: float = 300.0

    def delay_s(self, attempt: int, error: Exception) -> float:
        backoff = min(self.first_delay_s * 2.0 ** (attempt - 1), self.longest_delay_s) * random.uniform(0.75, 1.0)
        return max(backoff, error.wait_s) if isinstance(error, Unavailable) else backoff


@dataclasses.dataclass
class JobExecutor(AbstractEntrypointExecutor):
    """The executor of one kind of job, as PgQueuer wants it."""

    body: JobFunction
    tools: Tools
    pool: "asyncpg.Pool[asyncpg.Record]"
    patience: Patience
    running: set[asyncio.Task[object]]

    async def execute(self, job: QueuedJob, context: Context) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.running.add(task)
        try:
            await self._perform(job)
        except asyncio.CancelledError:
            # PgQueuer deletes a cancelled job. Ours goes back to the queue for another worker instead.
            task.uncancel()
            metrics.finished(job.entrypoint, "released")
            raise RetryRequested(reason="worker stopping") from None
        finally:
            self.running.discard(task)

    async def _perform(self, queued: QueuedJob) -> None:
        with scope(job_id=str(queued.id)) as current:
            try:
                job = Job.of(queued)
            except (ValueError, AttributeError) as error:
                failure: Exception | None = self._hold(queued.entrypoint, queued.attempts + 1, error)
            else:
                current.add(**job.cause)
                failure = await self._attempt(job)
        # Raised outside of the scope, for which a retry is no abnormal end.
        if failure is not None:
            raise failure

    async def _attempt(self, job: Job) -> Exception | None:
        started = time.monotonic()
        try:
            if not await self._done_before(job):
                await self.body(job, self.tools)
        except Exception as error:
            return self._judge(job, error)
        elapsed = time.monotonic() - started
        metrics.finished(job.name, "done", elapsed)
        log.event(JOB_DONE, job=job.name, ms=round(elapsed * 1000))
        return None

    async def _done_before(self, job: Job) -> bool:
        """Whether an earlier run, cut off before PgQueuer heard of its end, left the effect in place."""
        return bool(await self.pool.fetchval("SELECT EXISTS (SELECT FROM job_effects WHERE key = $1)", job.key))

    def _judge(self, job: Job, error: Exception) -> Exception:
        """Say what becomes of the job, and return what tells PgQueuer: a retry where one may help, else the error."""
        if self._may_help(job, error):
            delay = self.patience.delay_s(job.attempt, error)
            reason = f"{type(error).__name__}: {error}"
            metrics.finished(job.name, "retried")
            log.event(JOB_RETRY, job=job.name, attempt=job.attempt, delay_s=round(delay, 1), error=reason)
            return RetryRequested(timedelta(seconds=delay), reason)
        return self._hold(job.name, job.attempt, error)

    def _hold(self, name: str, attempts: int, error: Exception) -> Exception:
        metrics.finished(name, "held")
        log.event(JOB_FAILED, job=name, attempts=attempts, exc_info=error)
        return error

    def _may_help(self, job: Job, error: Exception) -> bool:
        if isinstance(error, Hopeless | Refused):
            return False
        # An outage of our own database is no fault of the job's, however long it takes.
        away = isinstance(error, DatabaseUnavailable) or is_absence(error)
        return away or job.attempt < self.patience.attempts
