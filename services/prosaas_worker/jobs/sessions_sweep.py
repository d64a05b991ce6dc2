"""sessions.sweep: closes idle WhatsApp sessions, notes calls that left no record, and clears out old bookkeeping."""

from datetime import timedelta
from itertools import count

from sqlalchemy import case, func, text, update

from prosaas_core.database import transaction
from prosaas_core.facts.endings import EndReason
from prosaas_core.jobs import SESSIONS_SWEEP
from prosaas_core.messages.fates import ENDED, STREAMED
from prosaas_core.queries import close_stale_conversations, tell_of
from prosaas_core.tables import Call
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import CALLS_LOST, CALLS_MISSED, WHATSAPP_SESSION, WHATSAPP_SESSION_STALE
from prosaas_worker.job import Tools

log = get_logger(__name__)

# Longer than any job waits between its attempts, so that no mark goes while its job may still run again.
_KEEP_MARKS = timedelta(days=90)
_KEEP_QUEUE_LOG = timedelta(days=14)
# As many rows in a transaction: no lock and no replica waits long for one.
_BATCH = 1000
# What is old: its table, key, age and order, and what else must be so. The order has an index: where the first batch is
# young, no more than that is read.
_BOOKKEEPING = (
    ("job_effects", "key", "done_at", "done_at", "true", _KEEP_MARKS),
    ("outbound_messages", "key", "created_at", "created_at", "true", _KEEP_MARKS),
    # A row that is not in the statistics yet would be missing there.
    ("pgqueuer_log", "id", "created", "id", "aggregated", _KEEP_QUEUE_LOG),
    ("pgqueuer_statistics", "id", "created", "id", "true", _KEEP_QUEUE_LOG),
)

# The record of a call comes within seconds; a call of yesterday is no news.
_RECORDS_ARE_LATE = timedelta(minutes=2)
_MISSED_WITHIN = timedelta(days=1)

_checks = count(1)


async def run(tools: Tools) -> None:
    """One check; it is worth a line at INFO only when it found something."""
    check = next(_checks)
    with scope(job_id=f"{SESSIONS_SWEEP}-{check}"):
        closed = await close_stale(tools)
        if closed:
            log.event(WHATSAPP_SESSION_STALE, check=check, count=closed)
        else:
            log.event(WHATSAPP_SESSION, check=check)
        ended = await note_unrecorded(tools)
        if missed := ended.count(EndReason.MISSED):
            log.event(CALLS_MISSED, count=missed)
        if lost := ended.count(EndReason.CRASHED):
            log.event(CALLS_LOST, count=lost)
        await clear_out(tools)


async def note_unrecorded(tools: Tools) -> list[str]:
    """Give an ending to the calls that ended without a record of ours, and tell their businesses; the endings.

    One that prosaas-calls had went down with its machine. A record that was only late, on a disk meanwhile, still takes
    its place.
    """
    statement = (
        update(Call)
        .where(
            Call.recorded_at.is_(None),
            Call.end_reason.is_(None),
            Call.direction == "inbound",
            Call.carrier_status.in_(ENDED),
            Call.business_id.is_not(None),
            Call.started_at > func.now() - _MISSED_WITHIN,
            Call.ended_at < func.now() - _RECORDS_ARE_LATE,
        )
        .values(
            end_reason=case((Call.metrics.has_key(STREAMED), EndReason.CRASHED.value), else_=EndReason.MISSED.value)
        )
        .returning(Call.call_sid, Call.end_reason)
    )
    async with transaction(tools.engine) as connection:
        ended = (await connection.execute(statement)).all()
        for call_sid, _ in ended:
            await tell_of(connection, call_sid)
    return [reason for _, reason in ended if reason]


async def close_stale(tools: Tools) -> int:
    """Close the sessions whose last activity is longer ago than the setting and return how many there were."""
    idle = timedelta(minutes=tools.settings.session_idle_minutes)
    async with transaction(tools.engine) as connection:
        return len(await close_stale_conversations(connection, idle))


async def clear_out(tools: Tools) -> None:
    """Drop marks and queue history that nothing can ask for any more, a batch in a transaction."""
    for table, key, age, order, condition, keep in _BOOKKEEPING:
        statement = text(
            f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} ORDER BY {order} LIMIT :batch) "
            f"AND {age} < now() - CAST(:keep AS interval) AND {condition}"
        )
        dropped = _BATCH
        while dropped == _BATCH:
            async with transaction(tools.engine) as connection:
                dropped = (await connection.execute(statement, {"batch": _BATCH, "keep": keep})).rowcount
