"""The jobs that exist, and how one is enqueued in the transaction of the row that it is about."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core import tracing
from prosaas_core.after_commit import after_commit
from prosaas_logging import get_logger
from prosaas_logging.catalogue import JOB_ENQUEUED

CALL_SUMMARISE = "call.summarise"
WHATSAPP_REPLY = "whatsapp.reply"
APPOINTMENT_REMIND = "appointment.remind"
BUSINESS_TELL = "business.tell"
SESSIONS_SWEEP = "sessions.sweep"
RETENTION_SWEEP = "retention.sweep"
CALLS_IMPORT_SPOOL = "calls.import_spool"

_ONE_BY_ONE = 3

log = get_logger(__name__)


async def enqueue(
    conn: AsyncConnection, job: str, payload: Mapping[str, Any], *, key: str, delay: timedelta | None = None
) -> bool:
    """Queue the job when the caller's transaction commits, which also says so; False when its key waits or runs."""
    return await enqueue_raw(await transaction_of(conn), job, payload, key=key, delay=delay)


async def enqueue_raw(
    raw: "asyncpg.Connection[asyncpg.Record]",
    job: str,
    payload: Mapping[str, Any],
    *,
    key: str,
    delay: timedelta | None = None,
) -> bool:
    """The same in a transaction of asyncpg's own."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    # PgQueuer does not hand the dedupe key to the consumer, who marks the effect under it: it travels in the headers.
    ids = await Queries(AsyncpgDriver(raw)).enqueue(
        job, body, execute_after=delay, dedupe_key=key, headers={"key": key, **tracing.carried()}, on_conflict="skip"
    )
    (job_id,) = ids
    if job_id is None:
        return False
    after_commit(_announce, (job, str(job_id), key))
    return True


def _announce(queued: list[tuple[str, str, str]]) -> None:
    """A line each, and one line a kind where a transaction queued many."""
    for job, ids_and_keys in _by_job(queued).items():
        if len(ids_and_keys) <= _ONE_BY_ONE:
            for job_id, key in ids_and_keys:
                log.event(JOB_ENQUEUED, job=job, queued_id=job_id, key=key)
        else:
            first, last = ids_and_keys[0][0], ids_and_keys[-1][0]
            log.event(JOB_ENQUEUED, job=job, queued_id=f"{first}-{last}", key=f"{len(ids_and_keys)} in one transaction")


def _by_job(queued: list[tuple[str, str, str]]) -> dict[str, list[tuple[str, str]]]:
    grouped: dict[str, list[tuple[str, str]]] = {}
    for job, job_id, key in queued:
        grouped.setdefault(job, []).append((job_id, key))
    return grouped


async def transaction_of(conn: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """The asyncpg connection below `conn`, in its transaction, which SQLAlchemy opens at the first statement only."""
    raw = (await conn.get_raw_connection()).driver_connection
    assert isinstance(raw, asyncpg.Connection)
    if not raw.is_in_transaction():
        await conn.execute(text("SELECT 1"))
    return raw
