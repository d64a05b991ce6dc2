"""Sends a draft at most once: it is claimed before its provider is asked, and what a lost answer left open is settled.

Twilio lists what it took. What it does not list two minutes after the request was given up, it did not take, and only
then is the draft sent again. Meta lists nothing, and names our key in the statuses of the message: without any within
a quarter of an hour nobody knows, and the draft is given up rather than sent again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core import tracing
from prosaas_core.database import transaction
from prosaas_core.outward.http import OutboundError, Unavailable
from prosaas_core.tables import Message, OutboundMessage
from prosaas_logging import get_logger
from prosaas_logging.catalogue import SMS_SEND_FAILED, SMS_SENT, WHATSAPP_SEND_FAILED, WHATSAPP_SENT
from prosaas_worker.job import Hopeless, Later, Tools
from prosaas_worker.spending import charge_message
from prosaas_worker.texting import Text, find_sent, fit, send

log = get_logger(__name__)

# Longer than a request can take with all its attempts.
TWILIO_LISTS_WITHIN = timedelta(minutes=2)
META_TELLS_WITHIN = timedelta(minutes=15)
_LOOK_AGAIN_S = 10.0

# A row of outbound_messages.
Draft = Any
Recorder = Callable[[AsyncConnection, str, Text], Awaitable[None]]
_COLUMNS = OutboundMessage.__table__.columns


class Unknown(Hopeless):
    """Nobody can say whether the provider took the message."""


async def write(
    tools: Tools, key: str, text: Text, *, conversation_id: int | None = None, answers: Sequence[str] = ()
) -> None:
    """Keep the draft, cut to its provider's limit; whoever wrote one first for the key or conversation has the word."""
    values = {**asdict(text), "body": fit(text.body, text.provider)}
    statement = insert(OutboundMessage).values(key=key, conversation_id=conversation_id, answers=answers, **values)
    async with transaction(tools.engine) as connection:
        await connection.execute(statement.on_conflict_do_nothing())


async def deliver(tools: Tools, key: str, record: Recorder | None = None) -> None:
    """Send the draft unless that has been done, and commit *record* with the mark that it has.

    Raises Later while the fate of an earlier attempt is open, Unknown when it will stay so.
    """
    message_id = None
    while message_id is None:
        draft = await _claim(tools, key)
        if draft is not None:
            message_id = await _send(tools, draft)
            continue
        draft = await _find(tools, key)
        if draft is None or draft.status == "sent":
            return
        message_id = await _settle(tools, draft)
    await _finish(tools, draft, message_id, record)


async def _claim(tools: Tools, key: str) -> Draft | None:
    """Of all who want to send the draft, one gets it."""
    claim = (
        update(OutboundMessage)
        .where(OutboundMessage.key == key, OutboundMessage.status == "ready")
        .values(status="sending", sending_since=func.now())
        .returning(*_COLUMNS)
    )
    async with transaction(tools.engine) as connection:
        return (await connection.execute(claim)).one_or_none()


async def _find(tools: Tools, key: str) -> Draft | None:
    wanted = select(*_COLUMNS, (func.now() - OutboundMessage.sending_since).label("age")).where(
        OutboundMessage.key == key
    )
    async with transaction(tools.engine) as connection:
        return (await connection.execute(wanted)).one_or_none()


async def _send(tools: Tools, draft: Draft) -> str:
    text = _text(draft)
    try:
        with tracing.span("send", kind="producer", messaging_system=text.channel, messaging_operation_name="send"):
            message_id = await send(tools, text, draft.key)
    except OutboundError as error:
        log.event(SMS_SEND_FAILED if text.channel == "sms" else WHATSAPP_SEND_FAILED, error=str(error))
        tools.connections.failed(draft.provider, error)
        if not (isinstance(error, Unavailable) and error.perhaps_done):
            await _give_back(tools, draft)
        raise
    tools.connections.works(draft.provider)
    return message_id


async def _settle(tools: Tools, draft: Draft) -> str | None:
    """What an attempt that is under way, or was cut off, has come to: an id, or None when it came to nothing."""
    if draft.provider_id is not None:
        return str(draft.provider_id)
    if draft.status == "unknown":
        raise Unknown(f"nobody knows whether {draft.provider} took the message {draft.key}: it is not sent again")
    if draft.provider == "meta":
        if draft.age < META_TELLS_WITHIN:
            raise Later(_LOOK_AGAIN_S, "waiting for Meta to say whether it took the message")
        await _give_up(tools, draft)
        return None
    if found := await _unclaimed(tools, await find_sent(tools, _text(draft), draft.sending_since)):
        return found
    if draft.age < TWILIO_LISTS_WITHIN:
        raise Later(_LOOK_AGAIN_S, "waiting for Twilio to list the message")
    await _give_back(tools, draft)
    return None


async def _unclaimed(tools: Tools, message_ids: list[str]) -> str | None:
    """Return the id that no other draft has as its own: the same words may well be sent twice on purpose."""
    claimed = select(OutboundMessage.provider_id).where(OutboundMessage.provider_id.in_(message_ids))
    async with transaction(tools.engine) as connection:
        taken = set((await connection.execute(claimed)).scalars())
    return next((message_id for message_id in message_ids if message_id not in taken), None)


async def _give_back(tools: Tools, draft: Draft) -> None:
    """Certainly not taken: the draft is free again, unless somebody else has claimed it since."""
    async with transaction(tools.engine) as connection:
        await connection.execute(_still(draft).values(status="ready", sending_since=None))


async def _give_up(tools: Tools, draft: Draft) -> None:
    """Unless its status has come since the draft was read."""
    given_up = _still(draft).where(OutboundMessage.provider_id.is_(None)).values(status="unknown")
    async with transaction(tools.engine) as connection:
        if (await connection.execute(given_up.returning(OutboundMessage.key))).one_or_none() is None:
            return
        await _mark_answered(connection, draft)
    log.event(WHATSAPP_SEND_FAILED, error=f"{draft.provider} never said whether it took the message; not sent again")


async def _finish(tools: Tools, draft: Draft, message_id: str, record: Recorder | None) -> None:
    """Commit the mark and what goes with it; whoever finds it there already has nothing left to do."""
    mark = (
        update(OutboundMessage)
        .where(OutboundMessage.key == draft.key, OutboundMessage.status != "sent")
        .values(status="sent", provider_id=message_id, body=tools.settings.for_record(draft.body))
        .returning(OutboundMessage.key)
    )
    text = _text(draft)
    async with transaction(tools.engine) as connection:
        if (await connection.execute(mark)).one_or_none() is None:
            return
        await _mark_answered(connection, draft)
        await charge_message(tools, connection, text)
        if record is not None:
            await record(connection, message_id, text)
    if text.channel == "sms":
        log.event(SMS_SENT, sent_id=message_id)
    else:
        log.event(WHATSAPP_SENT, sent_id=message_id, channel=text.channel)


async def _mark_answered(connection: AsyncConnection, draft: Draft) -> None:
    await connection.execute(update(Message).where(Message.id.in_(draft.answers)).values(wants_answer=False))


def _still(draft: Draft) -> Any:
    """The update of the draft in the attempt that it was read in."""
    since = draft.sending_since
    return update(OutboundMessage).where(
        OutboundMessage.key == draft.key, OutboundMessage.status == "sending", OutboundMessage.sending_since == since
    )


def _text(draft: Draft) -> Text:
    return Text(draft.provider, draft.sender, draft.recipient, draft.body, draft.template)
