"""whatsapp.reply: one answer to all that a conversation has unanswered, on the channel that it came by."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.database import transaction
from prosaas_core.jobs import WHATSAPP_REPLY
from prosaas_core.messages.window import is_open
from prosaas_core.queries import add_message
from prosaas_core.tables import Business, Conversation, Customer, Message, OutboundMessage
from prosaas_worker.delivery import Recorder, Unknown, deliver, write
from prosaas_worker.job import Hopeless, Job, Later, Tools
from prosaas_worker.openai_text import Turn, answer
from prosaas_worker.texting import Text
from prosaas_worker.words import REPLY, in_language

_HISTORY = 20
# Somebody who does not stop typing is answered after this many pauses.
_PAUSES = 5
_UNSETTLED = ("ready", "sending")


class _Talk(NamedTuple):
    """A conversation as it stands: its people, what waits for an answer, and the draft that is not settled."""

    about: Any
    unanswered: list[Any]
    draft: Any


async def run(job: Job, tools: Tools) -> None:
    """Answer until nothing waits; what is written in the meantime is this job's too."""
    conversation_id = await _conversation(job, tools)
    lost: Unknown | None = None
    while not await _finished(job, tools, conversation_id):
        talk = await _read(tools, conversation_id)
        try:
            await _go_on(tools, conversation_id, talk)
        except Unknown as error:
            lost = error
    if lost is not None:
        raise lost


async def _go_on(tools: Tools, conversation_id: int, talk: _Talk) -> None:
    """One step: send the draft there is, or write one."""
    waiting = [message.id for message in talk.unanswered]
    draft = talk.draft
    if draft is not None:
        outdated = set(waiting) - set(draft.answers) or not is_open(talk.about.last_written)
        if draft.status == "ready" and outdated:
            # Nobody has seen it yet.
            await _discard(tools, draft.key)
        else:
            await deliver(tools, draft.key, _recorder(tools, conversation_id))
        return
    _let_them_finish(talk.unanswered, talk.about.now, tools.settings.reply_pause_seconds)
    if not is_open(talk.about.last_written):
        await _leave_unanswered(tools, waiting)
        raise Hopeless(f"WhatsApp's 24 hours are over: {len(waiting)} messages stay without an answer")
    key = f"{WHATSAPP_REPLY}:{conversation_id}:{talk.unanswered[-1].serial}"
    await write(tools, key, await _compose(tools, talk), conversation_id=conversation_id, answers=waiting)


def _let_them_finish(unanswered: list[Any], now: datetime, pause_s: float) -> None:
    """People write a thought in several messages. It is the database's clock that says when, and when it is enough."""
    pause = timedelta(seconds=pause_s)
    arrived = [message.created_at for message in unanswered]
    ready_at = min(max(arrived) + pause, min(arrived) + pause * _PAUSES)
    if ready_at > now:
        raise Later((ready_at - now).total_seconds(), "the customer may still be writing")


async def _compose(tools: Tools, talk: _Talk) -> Text:
    about = talk.about
    async with transaction(tools.engine) as connection:
        turns = await _history(connection, about.conversation_id)
    instructions = in_language(REPLY, about.language).format(name=about.name)
    body = await answer(
        tools,
        instructions=f"{instructions}\n\n{about.instructions}".strip(),
        turns=turns,
        business_id=about.business_id,
    )
    if about.channel == "meta":
        return Text("meta", about.whatsapp_phone_number_id or "", about.external_id, body)
    return Text("twilio", f"whatsapp:{about.business_phone}", _twilio_address(about.external_id), body)


async def _conversation(job: Job, tools: Tools) -> int:
    """The conversation of the message that the payload names."""
    message_id = job.payload["message_id"]
    async with transaction(tools.engine) as connection:
        wanted = select(Message.conversation_id).where(Message.id == message_id)
        conversation_id = await connection.scalar(wanted)
        if conversation_id is None:
            raise Hopeless(f"no message {message_id}")
        if "conversation_id" not in job.payload:
            await _adopt(connection, job.key, conversation_id, message_id)
    return int(conversation_id)


async def _adopt(connection: AsyncConnection, key: str, conversation_id: int, message_id: str) -> None:
    """Make a job of the release before, which answers one message under the job's key, one of these."""
    draft = update(OutboundMessage).where(OutboundMessage.key == key, OutboundMessage.conversation_id.is_(None))
    others = select(OutboundMessage.key).where(
        OutboundMessage.conversation_id == conversation_id, OutboundMessage.status.in_(_UNSETTLED)
    )
    await connection.execute(
        draft.where(~others.exists()).values(conversation_id=conversation_id, answers=[message_id])
    )
    done = select(OutboundMessage.key).where(
        OutboundMessage.conversation_id == conversation_id,
        OutboundMessage.status.not_in(_UNSETTLED),
        OutboundMessage.answers.contains([message_id]),
    )
    await connection.execute(update(Message).where(Message.id == message_id, ~done.exists()).values(wants_answer=True))


async def _read(tools: Tools, conversation_id: int) -> _Talk:
    last_written = (
        select(func.max(Message.sent_at))
        .where(Message.conversation_id == conversation_id, Message.direction == "in")
        .scalar_subquery()
    )
    about = (
        select(
            Conversation.id.label("conversation_id"),
            Conversation.channel,
            Conversation.business_id,
            Customer.external_id,
            Business.name,
            Business.language,
            Business.instructions,
            Business.phone.label("business_phone"),
            Business.whatsapp_phone_number_id,
            last_written.label("last_written"),
            func.now().label("now"),
        )
        .join(Customer, Customer.id == Conversation.customer_id)
        .join(Business, Business.id == Conversation.business_id)
        .where(Conversation.id == conversation_id)
    )
    async with transaction(tools.engine) as connection:
        return _Talk(
            (await connection.execute(about)).one(),
            await _unanswered(connection, conversation_id),
            await _unsettled(connection, conversation_id),
        )


async def _unanswered(connection: AsyncConnection, conversation_id: int) -> list[Any]:
    wanted = (
        select(Message.id, Message.serial, Message.created_at)
        .where(Message.conversation_id == conversation_id, Message.wants_answer)
        .order_by(Message.serial)
    )
    return list((await connection.execute(wanted)).all())


async def _unsettled(connection: AsyncConnection, conversation_id: int) -> Any:
    wanted = select(OutboundMessage.key, OutboundMessage.status, OutboundMessage.answers).where(
        OutboundMessage.conversation_id == conversation_id, OutboundMessage.status.in_(_UNSETTLED)
    )
    return (await connection.execute(wanted)).one_or_none()


async def _history(connection: AsyncConnection, conversation_id: int) -> list[Turn]:
    """The latest messages in the order in which they were written, with those that wait for an answer at the end."""
    latest = (
        select(Message.direction, Message.body)
        .where(Message.conversation_id == conversation_id)
        .order_by(Message.wants_answer.desc(), Message.sent_at.desc(), Message.serial.desc())
        .limit(_HISTORY)
    )
    rows = (await connection.execute(latest)).all()
    return [{"role": "user" if row.direction == "in" else "assistant", "content": row.body} for row in reversed(rows)]


async def _finished(job: Job, tools: Tools, conversation_id: int) -> bool:
    """Whether nothing waits; the job's key is then free, so that the next message has a job of its own.

    The conversation's row is locked, as it is while a message is kept: none slips in between the look and the release.
    """
    async with transaction(tools.engine) as connection:
        await connection.execute(select(Conversation.id).where(Conversation.id == conversation_id).with_for_update())
        if await _unanswered(connection, conversation_id) or await _unsettled(connection, conversation_id):
            return False
        release = text("UPDATE pgqueuer SET dedupe_key = NULL WHERE id = CAST(:id AS bigint) AND dedupe_key = :key")
        await connection.execute(release, {"id": int(job.id), "key": job.key})
        return True


async def _discard(tools: Tools, key: str) -> None:
    async with transaction(tools.engine) as connection:
        await connection.execute(
            delete(OutboundMessage).where(OutboundMessage.key == key, OutboundMessage.status == "ready")
        )


async def _leave_unanswered(tools: Tools, message_ids: list[str]) -> None:
    async with transaction(tools.engine) as connection:
        await connection.execute(update(Message).where(Message.id.in_(message_ids)).values(wants_answer=False))


def _recorder(tools: Tools, conversation_id: int) -> Recorder:
    async def record(connection: AsyncConnection, sent_id: str, sent: Text) -> None:
        body = tools.settings.for_record(sent.body)
        await add_message(connection, conversation_id, sent_id, "out", body, status="sent")
        await connection.execute(
            update(Conversation).where(Conversation.id == conversation_id).values(last_activity_at=func.now())
        )

    return record


def _twilio_address(external_id: str) -> str:
    """Twilio wants the plus sign that WhatsApp's own ids do without; a sender may also have no number at all."""
    name = external_id.removeprefix("whatsapp:")
    return f"whatsapp:+{name}" if name.isdigit() else f"whatsapp:{name}"
