"""PgQueuer's driver and statements, taught to wait in the two places where PgQueuer would give up."""

import asyncio
from datetime import timedelta

import asyncpg
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.domain.types import HealthCheckId
from pgqueuer.errors import PgqException
from pgqueuer.models import Job, TracebackRecord
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.queries import Queries

# Postgres gone, the listener silent, the schema not yet migrated: all of them pass.
TROUBLES = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A connection that breaks between two steps of its protocol.
    asyncpg.InternalClientError,
    PgqException,
    TimeoutError,
    RuntimeError,
)
_RETRY_SECONDS = 1.0


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

    async def notify_health_check(self, health_check_event_id: HealthCheckId) -> None:
        """Probe the listener once there is one: a probe that nobody hears counts as a dead connection."""
        if isinstance(self.driver, ListeningDriver):
            await self.driver.listening.wait()
        await super().notify_health_check(health_check_event_id)

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """Put a failed job back, however long Postgres is away: it is lost otherwise."""
        while True:
            try:
                return await super().retry_job(job, delay, traceback_record)
            except TROUBLES:
                await asyncio.sleep(_RETRY_SECONDS)
