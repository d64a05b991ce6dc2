"""Messages that come in: each becomes a row and a job in one transaction, once, however often it is delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_api.request_scope import annotate
from prosaas_api.state import State
from prosaas_core import queries
from prosaas_core.database import transaction
from prosaas_core.jobs import WHATSAPP_REPLY, enqueue
from prosaas_core.tables import Business, Message
from prosaas_logging import get_logger
from prosaas_logging.catalogue import (
    UNKNOWN_BUSINESS,
    WHATSAPP_DUPLICATE,
    WHATSAPP_RECEIVED,
    WHATSAPP_SEND_FAILED,
)

FAILED = ("failed", "undelivered")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message, from whichever provider. `to` is our phone number with Twilio, our phone number id with Meta."""

    provider: Literal["twilio", "meta"]
    message_id: str
    to: str
    sender: str
    phone: str | None
    name: str
    text: str


async def receive(state: State, messages: Sequence[Incoming]) -> None:
    """Keep the messages and queue their answers; when this returns they are safe."""
    if not messages:
        return
    async with transaction(state.engine) as connection:
        # In one order of senders everywhere, so that two batches never wait for each other's rows.
        ordered = sorted(messages, key=lambda message: (message.to, message.sender))
        outcomes = [(message, await _keep(connection, message)) for message in ordered]
    for message, outcome in outcomes:
        state.metrics.webhooks.labels(message.provider, outcome).inc()
        if outcome == "accepted":
            log.event(WHATSAPP_RECEIVED, message_id=message.message_id, channel=message.provider)
        elif outcome == "duplicate":
            log.event(WHATSAPP_DUPLICATE, message_id=message.message_id)
        else:
            log.event(UNKNOWN_BUSINESS, to_number=message.to)


async def delivered(state: State, message_id: str, status: str, error: str | None) -> None:
    """Note what became of a message that we sent."""
    annotate(message_id=message_id)
    async with transaction(state.engine) as connection:
        await connection.execute(update(Message).where(Message.id == message_id).values(status=status, error=error))
    if status in FAILED:
        log.event(WHATSAPP_SEND_FAILED, message_id=message_id, error=f"{status}, code {error}")
    else:
        log.debug("message delivery", message_id=message_id, status=status)


async def _keep(connection: AsyncConnection, message: Incoming) -> Literal["accepted", "duplicate", "unknown"]:
    annotate(message_id=message.message_id)
    ours = Business.whatsapp_phone_number_id if message.provider == "meta" else Business.phone
    seen = exists().where(Message.id == message.message_id)
    found = (await connection.execute(select(Business.id, seen).where(ours == message.to))).one_or_none()
    if found is None:
        return "unknown"
    business_id, is_seen = found
    annotate(business_id=str(business_id))
    if is_seen:
        return "duplicate"
    customer_id = await queries.customer_id_for(
        connection, business_id, "whatsapp", message.sender, name=message.name, phone=message.phone
    )
    conversation_id = await queries.open_conversation_id(connection, business_id, customer_id, message.provider)
    if not await queries.add_message(connection, conversation_id, message.message_id, "in", message.text):
        return "duplicate"
    await enqueue(
        connection,
        WHATSAPP_REPLY,
        {"message_id": message.message_id, "cause": {"message_id": message.message_id}},
        key=f"{WHATSAPP_REPLY}:{message.message_id}",
    )
    return "accepted"
