"""PgQueuer's driver and statements with two changes: they wait where it would give up, and they leave a job alone that
another worker has taken over.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.domain.types import HealthCheckId
from pgqueuer.errors import PgqException
from pgqueuer.models import Job, TracebackRecord
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.queries import Queries
from pydantic_core import to_json

from prosaas_core.database import is_absence

_RETRY_SECONDS = 1.0
# What is no absence may be a passing one all the same: a deadlock, a schema that is being migrated.
_DEFECT_TRIES = 5


class ListeningDriver(AsyncpgPoolDriver):
    """A driver that knows when it listens."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.listening = asyncio.Event()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await super().add_listener(channel, callback)
        self.listening.set()


class PatientQueries(Queries):
    """The statements of a `ListeningDriver`."""

    # When the queue was last looked at, by time.monotonic().
    looked_at: float | None = None

    async def dequeue(self, *arguments: Any, **options: Any) -> list[Job]:
        self.looked_at = time.monotonic()
        return await super().dequeue(*arguments, **options)

    async def notify_health_check(self, health_check_event_id: HealthCheckId) -> None:
        """Probe the listener once there is one: a probe that nobody hears counts as a dead connection."""
        if isinstance(self.driver, ListeningDriver):
            await self.driver.listening.wait()
        await super().notify_health_check(health_check_event_id)

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """Put a failed job back with its headers, however long Postgres is away: it is lost otherwise.

        A job whose lease ran out belongs to whoever took it over, and stays there.
        """
        queue, queue_log = self.qbq.qualified.queue_table, self.qbq.qualified.queue_table_log
        statement = f"""
            WITH retry AS (
                UPDATE {queue} SET status = 'queued', execute_after = NOW() + $2::interval, attempts = attempts + 1,
                    updated = NOW(), queue_manager_id = NULL, headers = $4::jsonb
                WHERE id = $1::bigint AND status = 'picked' AND queue_manager_id = $5
                RETURNING id, entrypoint, priority
            )
            INSERT INTO {queue_log} (job_id, status, entrypoint, priority, traceback)
            SELECT id, 'queued', entrypoint, priority, $3::jsonb FROM retry
        """
        reason = traceback_record.model_dump_json() if traceback_record else None
        defects = 0
        while True:
            try:
                await self.driver.execute(
                    statement, job.id, delay, reason, _json(job.headers or {}), job.queue_manager_id
                )
                return
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                defects += not is_absence(error)
                if defects >= _DEFECT_TRIES:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)


def is_outage(error: BaseException) -> bool:
    """Whether the queue is out of reach, as against in disorder: Postgres is away, or its listener is silent."""
    return isinstance(error, PgqException) or is_absence(error)


def _json(headers: Mapping[str, object]) -> str:
    return to_json(headers).decode()
