"""An incoming WhatsApp message: one statement finds business and customer, opens the conversation and keeps it."""

from dataclasses import dataclass
from typing import Literal

import asyncpg

from prosaas_core.jobs import WHATSAPP_REPLY, enqueue_raw

# A message that was seen before must neither open a conversation again nor keep one alive.
_KEEP = """
WITH business AS (
    SELECT id, EXISTS (SELECT FROM messages WHERE id = $1) AS seen FROM businesses WHERE {ours} = $2
), customer AS (
    INSERT INTO customers AS known (business_id, channel, external_id, name, phone)
    SELECT id, 'whatsapp', $3, $4, $5 FROM business WHERE NOT seen
    ON CONFLICT (business_id, channel, external_id) DO UPDATE
    SET name = COALESCE(NULLIF(known.name, ''), excluded.name), phone = COALESCE(known.phone, excluded.phone)
    RETURNING id, business_id
), conversation AS (
    INSERT INTO conversations (business_id, customer_id, channel)
    SELECT business_id, id, $6 FROM customer
    ON CONFLICT (customer_id, channel) WHERE status = 'open' DO UPDATE SET last_activity_at = now()
    RETURNING id
), message AS (
    INSERT INTO messages (id, conversation_id, direction, body) SELECT $1, id, 'in', $7 FROM conversation
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT business.id, EXISTS (SELECT FROM message) FROM business
"""
# Twilio names our phone number, Meta its own id of it.
_STATEMENTS = {
    "twilio": _KEEP.format(ours="phone"),
    "meta": _KEEP.format(ours="whatsapp_phone_number_id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message, from whichever provider; `to` is how the provider names us."""

    provider: Literal["twilio", "meta"]
    message_id: str
    to: str
    sender: str
    phone: str | None
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: accepted, or a duplicate, or for a number of no business."""

    kind: Literal["accepted", "duplicate", "unknown"]
    business_id: int | None = None


async def keep(raw: "asyncpg.Connection[asyncpg.Record]", message: Incoming) -> Outcome:
    """Keep the message and queue its answer in the caller's transaction, once however often it is delivered."""
    row = await raw.fetchrow(
        _STATEMENTS[message.provider],
        message.message_id,
        message.to,
        message.sender,
        message.name,
        message.phone,
        message.provider,
        message.text,
    )
    if row is None:
        return Outcome("unknown")
    business_id, is_new = row
    if not is_new:
        return Outcome("duplicate", business_id)
    await enqueue_raw(
        raw,
        WHATSAPP_REPLY,
        {"message_id": message.message_id, "cause": {"message_id": message.message_id}},
        key=f"{WHATSAPP_REPLY}:{message.message_id}",
    )
    return Outcome("accepted", business_id)
