"""What the database remembers of a WhatsApp conversation, in plain SQL, as stack/records does of a call."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prosaas_logging.redact import redact
from prosaas_ops.stack.found import sought
from prosaas_ops.stack.records import Job, asked

if TYPE_CHECKING:
    import asyncpg

_MOST = 40


@dataclass(frozen=True, slots=True)
class Message:
    """One message, in or out, at its provider's time; `waits` while it is still to be answered."""

    id: str
    direction: str
    body: str
    status: str
    error: str
    sent_at: datetime
    waits: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer of ours as the outbox has it: ready, sending, sent or unknown."""

    key: str
    status: str
    provider_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation with its newest messages, oldest first, what is in the outbox for it, and its jobs.

    A message of ours that belongs to none is one by itself: its `conversation_id` is 0.
    """

    conversation_id: int
    channel: str
    status: str
    business: str
    customer: str
    number: str
    timezone: str
    messages: list[Message]
    drafts: list[Draft]
    jobs: list[Job]

    @property
    def ids(self) -> set[str]:
        """Everything by which a log line can name this conversation's messages, as a line shows it."""
        told = {message.id for message in self.messages} | {draft.key for draft in self.drafts}
        return {redact(each) for each in told | {draft.provider_id for draft in self.drafts if draft.provider_id}}


_OF_MESSAGE = """
    select conversation_id from messages where id = $1
    union select conversation_id from outbound_messages
        where (provider_id = $1 or key = $1) and conversation_id is not null
    limit 1
"""
# What a line shows of an id: its end.
_OF_SHOWN = """
    select conversation_id from messages where id like '%' || $1
    union select conversation_id from outbound_messages where provider_id like '%' || $1 and conversation_id is not null
    limit 1
"""
# A text message of ours is no part of a conversation.
_ALONE = """
    select key, sender, provider, recipient, body, coalesce(fate.status, outbound_messages.status) as status,
           coalesce(fate.error, '') as error, created_at, coalesce(outbound_messages.provider_id, '') as provider_id
    from outbound_messages left join message_fates as fate on fate.provider_id = outbound_messages.provider_id
    where (outbound_messages.provider_id = $1 or key = $1) and conversation_id is null
    limit 1
"""
_SHOWN = re.compile(r"(?:wamid\.)?…([A-Za-z0-9+/=-]+)")
_OF_PHONE = """
    select conversations.id
    from customers join conversations on conversations.customer_id = customers.id
    where customers.channel = 'whatsapp'
      and reverse(regexp_replace(customers.external_id, '[^0-9]', '', 'g')) like reverse($1) || '%'
    order by conversations.last_activity_at desc
    limit 1
"""
_TALK = """
    select conversations.id, conversations.channel, conversations.status, businesses.id as business_id,
           businesses.name as business_name, businesses.timezone, customers.name as customer_name, external_id
    from conversations
    join businesses on businesses.id = conversations.business_id
    join customers on customers.id = conversations.customer_id
    where conversations.id = $1
"""
_MESSAGES = f"""
    select id, direction, body, status, coalesce(error, ''), sent_at, wants_answer
    from messages where conversation_id = $1 order by sent_at desc, serial desc limit {_MOST}
"""
_DRAFTS = f"""
    select key, status, coalesce(provider_id, ''), created_at
    from outbound_messages where conversation_id = $1 order by created_at desc limit {_MOST}
"""
_JOBS = """
    select entrypoint, status::text, attempts, execute_after from pgqueuer
    where entrypoint = 'whatsapp.reply' and position($1::bytea in payload) > 0 order by id
"""


def talk_of(*, message: str = "", phone: str = "") -> Talk | None:
    """The conversation of a message, or the newest one with a number; None where the database knows of none."""
    question, value = (_OF_MESSAGE, message) if message else (_OF_PHONE, sought(phone))
    if shown := _SHOWN.fullmatch(message):
        question, value = _OF_SHOWN, shown[1]

    async def ask(connection: "asyncpg.Connection[Any]") -> Talk | None:
        conversation_id = await connection.fetchval(question, value)
        row = await connection.fetchrow(_TALK, conversation_id)
        if row is None:
            alone = await connection.fetchrow(_ALONE, message) if message else None
            return None if alone is None else _alone(alone)
        mark = json.dumps({"conversation_id": conversation_id})[1:-1].encode() + b","
        return Talk(
            conversation_id=row["id"],
            channel=row["channel"],
            status=row["status"],
            business=f"{row['business_id']} {row['business_name']}",
            customer=row["customer_name"],
            number=row["external_id"],
            timezone=row["timezone"],
            messages=[Message(*found) for found in reversed(await connection.fetch(_MESSAGES, conversation_id))],
            drafts=[Draft(*found) for found in reversed(await connection.fetch(_DRAFTS, conversation_id))],
            jobs=[Job(*found) for found in await connection.fetch(_JOBS, mark)],
        )

    return asked(ask)


def _alone(row: Any) -> Talk:
    sms = row["provider"] == "twilio" and not row["sender"].startswith("whatsapp:")
    sent = Message(
        row["provider_id"] or row["key"], "out", row["body"], row["status"], row["error"], row["created_at"], False
    )
    drafts = [Draft(row["key"], row["status"], row["provider_id"], row["created_at"])]
    channel = "sms" if sms else row["provider"]
    return Talk(0, channel, row["status"], "", "", row["recipient"], "UTC", [sent], drafts, [])
