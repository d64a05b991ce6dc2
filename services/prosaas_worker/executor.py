"""Runs one job: its scope, its events, what is retried, what is held, and what a stopping worker hands back."""

import asyncio
import dataclasses
import time
from datetime import timedelta
from typing import Protocol

from pgqueuer.errors import RetryRequested
from pgqueuer.executors import AbstractEntrypointExecutor
from pgqueuer.models import Context
from pgqueuer.models import Job as QueuedJob

from prosaas_core import tracing
from prosaas_core.database import DatabaseUnavailable, raw_connection
from prosaas_core.outward.http import Refused, Unavailable
from prosaas_core.patience import Patience
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import JOB_DONE, JOB_FAILED, JOB_RETRY
from prosaas_worker import metrics
from prosaas_worker.job import Hopeless, Job, Later, Tools, failed_again

log = get_logger(__name__)

# Patience is for others' outages. What fails in our own code will fail tomorrow too.
DEFECT_TRIES = 5
# An outage of our own database; the queue itself is away with it, so that this is seldom waited.
_DATABASE_PAUSE_S = 5.0


class JobFunction(Protocol):
    """A job's body; returns when its effect and the mark of its key are committed."""

    async def __call__(self, job: Job, tools: Tools) -> None: ...


@dataclasses.dataclass
class JobExecutor(AbstractEntrypointExecutor):
    """The executor of one kind of job, as PgQueuer wants it."""

    body: JobFunction
    tools: Tools
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
                tracing.join(current, job.traceparent)
                failure = await self._attempt(job, queued)
                raised = type(failure).__name__ if failure is not None else ""
                tracing.finish(current, job.name, kind="consumer", error=raised, prosaas_job_attempt=job.attempt)
        # Raised outside of the scope, for which a retry is no abnormal end.
        if failure is not None:
            raise failure

    async def _attempt(self, job: Job, queued: QueuedJob) -> Exception | None:
        started = time.monotonic()
        try:
            if not await self._done_before(job):
                await self.body(job, self.tools)
        except Exception as error:
            return self._judge(job, queued, error)
        elapsed = time.monotonic() - started
        metrics.finished(job.name, "done", elapsed)
        log.event(JOB_DONE, job=job.name, ms=round(elapsed * 1000))
        return None

    async def _done_before(self, job: Job) -> bool:
        """Whether an earlier run, cut off before PgQueuer heard of its end, left the effect in place."""
        async with raw_connection(self.tools.engine) as raw:
            return bool(await raw.fetchval("SELECT EXISTS (SELECT FROM job_effects WHERE key = $1)", job.key))

    def _judge(self, job: Job, queued: QueuedJob, error: Exception) -> Exception:
        """Say what becomes of the job, and return what tells PgQueuer: a retry where one may help, else the error."""
        if isinstance(error, Later):
            metrics.finished(job.name, "waiting")
            log.debug("job waits", job=job.name, delay_s=round(error.wait_s, 1), reason=str(error))
            return RetryRequested(timedelta(seconds=error.wait_s), str(error))
        if isinstance(error, DatabaseUnavailable):
            # No fault of the job's, however long it takes.
            return self._retry(job, _DATABASE_PAUSE_S, error)
        outage = isinstance(error, Unavailable)
        if isinstance(error, Hopeless | Refused) or (not outage and job.attempt >= DEFECT_TRIES):
            return self._hold(job.name, job.attempt, error)
        pause = self.patience.pause(job.attempt, job.waited_s, error.wait_s if isinstance(error, Unavailable) else 0.0)
        if pause is None:
            return self._hold(job.name, job.attempt, error)
        failed_again(queued, pause)
        return self._retry(job, pause, error)

    def _retry(self, job: Job, delay_s: float, error: Exception) -> Exception:
        reason = f"{type(error).__name__}: {error}"
        metrics.finished(job.name, "retried")
        log.event(JOB_RETRY, job=job.name, attempt=job.attempt, delay_s=round(delay_s, 1), error=reason)
        return RetryRequested(timedelta(seconds=delay_s), reason)

    def _hold(self, name: str, attempts: int, error: Exception) -> Exception:
        metrics.finished(name, "held")
        log.event(JOB_FAILED, job=name, attempts=attempts, exc_info=error)
        return error
