"""An incoming WhatsApp message: one statement finds business and customer, opens the conversation and keeps it."""

from dataclasses import dataclass
from typing import Literal

import asyncpg

from prosaas_core.jobs import WHATSAPP_REPLY, enqueue_raw
from prosaas_core.messages.incoming import Incoming
from prosaas_core.messages.window import is_open, written_at

# A message that was seen before must neither open a conversation again nor keep one alive. The conversation's row is
# locked until the commit, so that its messages get their serial numbers in the order of the commits.
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
    INSERT INTO conversations AS open (business_id, customer_id, channel, last_activity_at)
    SELECT business_id, id, $6, $8 FROM customer
    ON CONFLICT (customer_id, channel) WHERE status = 'open'
    DO UPDATE SET last_activity_at = GREATEST(open.last_activity_at, excluded.last_activity_at)
    RETURNING id
), message AS (
    INSERT INTO messages (id, conversation_id, direction, body, sent_at, wants_answer)
    SELECT $1, id, 'in', $7, $8, $9 FROM conversation
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT business.id, EXISTS (SELECT FROM message), (SELECT id FROM conversation) FROM business
"""
# Twilio names our phone number, Meta its own id of it.
_STATEMENTS = {
    "twilio": _KEEP.format(ours="phone"),
    "meta": _KEEP.format(ours="whatsapp_phone_number_id"),
}
# Whoever has the new identity already stays who they are.
_MOVE = """
UPDATE customers AS moving SET external_id = $3, phone = COALESCE($4, phone)
WHERE business_id = $1 AND channel = 'whatsapp' AND external_id = $2 AND NOT EXISTS (
    SELECT FROM customers WHERE business_id = $1 AND channel = 'whatsapp' AND external_id = $3
)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: accepted, or a duplicate, or for a number of no business."""

    kind: Literal["accepted", "duplicate", "unknown"]
    business_id: int | None = None


async def keep(raw: "asyncpg.Connection[asyncpg.Record]", message: Incoming) -> Outcome:
    """Keep the message and queue its conversation's answer in the caller's transaction, once however often it comes.

    What comes after WhatsApp's window has closed is kept under its own time, and not answered.
    """
    sent_at = written_at(message.sent_at)
    wants_answer = message.wants_answer and is_open(sent_at)
    row = await raw.fetchrow(
        _STATEMENTS[message.provider],
        message.message_id,
        message.to,
        message.sender,
        message.name,
        message.phone,
        message.provider,
        message.text,
        sent_at,
        wants_answer,
    )
    if row is None:
        return Outcome("unknown")
    business_id, is_new, conversation_id = row
    if not is_new:
        return Outcome("duplicate", business_id)
    if message.moved_to is not None:
        phone = f"+{message.moved_to}" if message.moved_to.isdigit() else None
        await raw.execute(_MOVE, business_id, message.sender, message.moved_to, phone)
    if wants_answer:
        await enqueue_raw(
            raw,
            WHATSAPP_REPLY,
            {
                "conversation_id": conversation_id,
                # A worker of the release before answers this one message.
                "message_id": message.message_id,
                "cause": {"message_id": message.message_id},
            },
            key=f"{WHATSAPP_REPLY}:{conversation_id}",
        )
    return Outcome("accepted", business_id)
