"""Messages that come in: each becomes a row and a job in one transaction, once, however often it is delivered."""

from collections.abc import Sequence

import asyncpg
from sqlalchemy import update

from prosaas_api.request_scope import annotate
from prosaas_api.state import WEBHOOK_S, State
from prosaas_core import inbound
from prosaas_core.database import raw_transaction, transaction
from prosaas_core.inbound import Incoming, Outcome
from prosaas_core.tables import Message
from prosaas_logging import get_logger
from prosaas_logging.catalogue import (
    UNKNOWN_BUSINESS,
    WHATSAPP_DUPLICATE,
    WHATSAPP_RECEIVED,
    WHATSAPP_SEND_FAILED,
)

FAILED = ("failed", "undelivered")

log = get_logger(__name__)


async def receive(state: State, messages: Sequence[Incoming]) -> None:
    """Keep the messages and queue their answers; when this returns they are safe."""
    if not messages:
        return
    async with raw_transaction(state.engine, within_s=WEBHOOK_S) as connection:
        # In one order of senders everywhere, so that two batches never wait for each other's rows.
        ordered = sorted(messages, key=lambda message: (message.to, message.sender))
        outcomes = [(message, await _keep(connection, message)) for message in ordered]
    for message, outcome in outcomes:
        state.metrics.webhooks.labels(message.provider, outcome.kind).inc()
        if outcome.kind == "accepted":
            log.event(WHATSAPP_RECEIVED, message_id=message.message_id, channel=message.provider)
        elif outcome.kind == "duplicate":
            log.event(WHATSAPP_DUPLICATE, message_id=message.message_id)
        else:
            log.event(UNKNOWN_BUSINESS, to_number=message.to)


async def delivered(state: State, message_id: str, status: str, error: str | None) -> None:
    """Note what became of a message that we sent."""
    annotate(message_id=message_id)
    async with transaction(state.engine, within_s=WEBHOOK_S) as connection:
        await connection.execute(update(Message).where(Message.id == message_id).values(status=status, error=error))
    if status in FAILED:
        log.event(WHATSAPP_SEND_FAILED, message_id=message_id, error=f"{status}, code {error}")
    else:
        log.debug("message delivery", message_id=message_id, status=status)


async def _keep(connection: "asyncpg.Connection[asyncpg.Record]", message: Incoming) -> Outcome:
    annotate(message_id=message.message_id)
    outcome = await inbound.keep(connection, message)
    if outcome.business_id is not None:
        annotate(business_id=str(outcome.business_id))
    return outcome
