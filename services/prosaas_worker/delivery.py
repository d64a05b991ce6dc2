"""Sends a job's message once: a row under the job's key is written before the provider is asked.

What remains: a worker that dies between Meta's acceptance and our commit sends a second time, because Meta neither
takes an idempotency key nor lists what was sent. Twilio is asked for the message first.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.database import transaction
from prosaas_core.outbound import OutboundError, Unavailable
from prosaas_core.queries import claim_effect
from prosaas_core.tables import OutboundMessage
from prosaas_logging import get_logger
from prosaas_logging.catalogue import WHATSAPP_SEND_FAILED, WHATSAPP_SENT
from prosaas_worker.job import Job, Tools
from prosaas_worker.texting import Text, find_sent, send

log = get_logger(__name__)

Composer = Callable[[], Awaitable[Text]]
Recorder = Callable[[AsyncConnection, str, Text], Awaitable[None]]


async def deliver(job: Job, tools: Tools, compose: Composer, record: Recorder | None = None) -> None:
    """Compose the message if no earlier attempt did, send it, and commit *record* with the mark of the job's key."""
    draft = await _find(job, tools) or await _write(job, tools, await compose())
    if draft.status == "sent":
        return
    text = Text(draft.provider, draft.sender, draft.recipient, draft.body)
    try:
        # Still marked as sending: an earlier attempt never learned what became of it.
        found = await find_sent(tools, text, draft.sending_since) if draft.status == "sending" else []
        message_id = await _unclaimed(tools, found) or await _send(job, tools, text)
    except OutboundError as error:
        log.event(WHATSAPP_SEND_FAILED, error=str(error))
        raise
    async with transaction(tools.engine) as connection:
        if await claim_effect(connection, job.key, job.name):
            await _set(connection, job, status="sent", provider_id=message_id)
            if record is not None:
                await record(connection, message_id, text)
    log.event(WHATSAPP_SENT, sent_id=message_id, channel=text.channel)


async def _find(job: Job, tools: Tools) -> Row[Any] | None:
    async with transaction(tools.engine) as connection:
        return (await connection.execute(select(OutboundMessage.__table__).filter_by(key=job.key))).one_or_none()


async def _write(job: Job, tools: Tools, text: Text) -> Row[Any]:
    """Keep the draft; whoever wrote one first under this key has the word."""
    async with transaction(tools.engine) as connection:
        await connection.execute(insert(OutboundMessage).values(key=job.key, **asdict(text)).on_conflict_do_nothing())
        return (await connection.execute(select(OutboundMessage.__table__).filter_by(key=job.key))).one()


async def _unclaimed(tools: Tools, message_ids: list[str]) -> str | None:
    """Return the id that no other job has as its own: the same words may well be sent twice on purpose."""
    if not message_ids:
        return None
    claimed = select(OutboundMessage.provider_id).where(OutboundMessage.provider_id.in_(message_ids))
    async with transaction(tools.engine) as connection:
        taken = set((await connection.execute(claimed)).scalars())
    return next((message_id for message_id in message_ids if message_id not in taken), None)


async def _send(job: Job, tools: Tools, text: Text) -> str:
    async with transaction(tools.engine) as connection:
        await _set(connection, job, status="sending", sending_since=func.now())
    try:
        return await send(tools, text)
    except OutboundError as error:
        if not (isinstance(error, Unavailable) and error.perhaps_done):
            async with transaction(tools.engine) as connection:
                await _set(connection, job, status="ready", sending_since=None)
        raise


async def _set(connection: AsyncConnection, job: Job, **values: object) -> None:
    await connection.execute(update(OutboundMessage).where(OutboundMessage.key == job.key).values(**values))
