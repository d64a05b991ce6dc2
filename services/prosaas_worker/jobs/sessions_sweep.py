"""sessions.sweep: closes the WhatsApp sessions in which nobody has written for long, and clears out old bookkeeping."""

from datetime import timedelta
from itertools import count

from sqlalchemy import delete, func, text

from prosaas_core.database import transaction
from prosaas_core.jobs import SESSIONS_SWEEP
from prosaas_core.queries import close_stale_conversations
from prosaas_core.tables import JobEffect, OutboundMessage
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import WHATSAPP_SESSION, WHATSAPP_SESSION_STALE
from prosaas_worker.job import Tools

log = get_logger(__name__)

# Longer than any job waits between its attempts, so that no mark goes while its job may still run again.
_KEEP_MARKS = timedelta(days=90)
_KEEP_QUEUE_LOG = timedelta(days=14)

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
        await clear_out(tools)


async def close_stale(tools: Tools) -> int:
    """Close the sessions whose last activity is longer ago than the setting and return how many there were."""
    idle = timedelta(minutes=tools.settings.session_idle_minutes)
    async with transaction(tools.engine) as connection:
        return len(await close_stale_conversations(connection, idle))


async def clear_out(tools: Tools) -> None:
    """Drop marks and queue history that nothing can ask for any more."""
    async with transaction(tools.engine) as connection:
        await connection.execute(delete(JobEffect).where(JobEffect.done_at < func.now() - _KEEP_MARKS))
        await connection.execute(delete(OutboundMessage).where(OutboundMessage.created_at < func.now() - _KEEP_MARKS))
        history = text("DELETE FROM pgqueuer_log WHERE aggregated AND created < now() - CAST(:keep AS interval)")
        await connection.execute(history, {"keep": _KEEP_QUEUE_LOG})
