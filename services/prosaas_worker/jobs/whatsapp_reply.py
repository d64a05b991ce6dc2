"""whatsapp.reply: answers a message with the whole conversation in mind, on the channel that it came by."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.database import transaction
from prosaas_core.queries import add_message
from prosaas_core.tables import Business, Conversation, Customer, Message
from prosaas_worker.delivery import deliver
from prosaas_worker.job import Hopeless, Job, Tools
from prosaas_worker.openai_text import Turn, answer
from prosaas_worker.texting import Text

_HISTORY = 20
_INSTRUCTIONS = {
    "he": "אתה נציג השירות של {name} בוואטסאפ. ענה בעברית, בקצרה ובנימוס. אל תמציא מחירים, שעות או תורים; "
    "מה שאינך יודע, אמור שבעל העסק יחזור עם תשובה.",
    "en": "You answer WhatsApp messages for {name}. Reply in English, briefly and politely. Invent no prices, hours or "
    "appointments; what you do not know, say that the owner will answer.",
}


async def run(job: Job, tools: Tools) -> None:
    """Answer the message that the payload names, once."""
    message_id = job.payload["message_id"]
    async with transaction(tools.engine) as connection:
        about = await _about(connection, message_id)
        turns = await _history(connection, about.conversation_id, about.created_at)

    async def compose() -> Text:
        language = about.language if about.language in _INSTRUCTIONS else "he"
        instructions = _INSTRUCTIONS[language].format(name=about.name)
        body = await answer(tools, instructions=f"{instructions}\n\n{about.instructions}".strip(), turns=turns)
        if about.channel == "meta":
            return Text("meta", about.whatsapp_phone_number_id or "", about.external_id, body)
        return Text("twilio", f"whatsapp:{about.business_phone}", _twilio_address(about.external_id), body)

    async def record(connection: AsyncConnection, sent_id: str, text: Text) -> None:
        await add_message(connection, about.conversation_id, sent_id, "out", text.body, status="sent")
        await connection.execute(
            update(Conversation).where(Conversation.id == about.conversation_id).values(last_activity_at=func.now())
        )

    await deliver(job, tools, compose, record)


async def _about(connection: AsyncConnection, message_id: str) -> Row[*tuple[Any, ...]]:
    found = (
        await connection.execute(
            select(
                Message.conversation_id,
                Message.created_at,
                Conversation.channel,
                Customer.external_id,
                Business.name,
                Business.language,
                Business.instructions,
                Business.phone.label("business_phone"),
                Business.whatsapp_phone_number_id,
            )
            .join(Conversation, Conversation.id == Message.conversation_id)
            .join(Customer, Customer.id == Conversation.customer_id)
            .join(Business, Business.id == Conversation.business_id)
            .where(Message.id == message_id)
        )
    ).one_or_none()
    if found is None:
        raise Hopeless(f"no message {message_id}")
    return found


async def _history(connection: AsyncConnection, conversation_id: int, until: datetime) -> list[Turn]:
    latest = (
        select(Message.direction, Message.body, Message.created_at)
        .where(Message.conversation_id == conversation_id, Message.created_at <= until)
        .order_by(Message.created_at.desc())
        .limit(_HISTORY)
    )
    rows = (await connection.execute(latest)).all()
    return [{"role": "user" if row.direction == "in" else "assistant", "content": row.body} for row in reversed(rows)]


def _twilio_address(external_id: str) -> str:
    """Twilio wants the plus sign that WhatsApp's own ids do without; a sender may also have no number at all."""
    name = external_id.removeprefix("whatsapp:")
    return f"whatsapp:+{name}" if name.isdigit() else f"whatsapp:{name}"
