"""The questions that more than one service asks of the database."""

from datetime import timedelta
from typing import TypeAlias

from sqlalchemy import false, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from prosaas_core.database import LOCK_NOT_AVAILABLE
from prosaas_core.facts.endings import HANDED_OVER, EndReason
from prosaas_core.jobs import BUSINESS_TELL, enqueue
from prosaas_core.messages.fates import ENDED, STREAMED
from prosaas_core.phones import caller_id, same_number
from prosaas_core.tables import Business, Call, Conversation, Customer, JobEffect, Message, MessageFate

_LONGEST_CALL = timedelta(hours=4)
_LOCK_TIMEOUT_MS = 500

Executor: TypeAlias = AsyncConnection | AsyncSession


async def business_id_by_phone(conn: Executor, phone: str) -> int | None:
    """The business that is called at this number."""
    return await conn.scalar(select(Business.id).where(Business.phone == phone))


async def customer_id_for_phone(conn: Executor, business_id: int, phone: str) -> int:
    """The id of the customer who calls from this number, made at the first call."""
    new = insert(Customer).values(business_id=business_id, channel="phone", external_id=phone, phone=phone)
    upsert = new.on_conflict_do_update(
        index_elements=[Customer.business_id, Customer.channel, Customer.external_id],
        set_={"phone": func.coalesce(Customer.phone, new.excluded.phone)},
    ).returning(Customer.id)
    return (await conn.execute(upsert)).scalar_one()


async def add_message(
    conn: Executor, conversation_id: int, message_id: str, direction: str, body: str, *, status: str = "received"
) -> bool:
    """Keep the message; False when one of this id is there already. What became of ours may be known before."""
    error = None
    if direction == "out":
        status, error = await fate_of(conn, message_id, status)
    statement = (
        insert(Message)
        .values(
            id=message_id, conversation_id=conversation_id, direction=direction, body=body, status=status, error=error
        )
        .on_conflict_do_nothing()
        .returning(Message.id)
    )
    return await conn.scalar(statement) is not None


async def fate_of(conn: Executor, provider_id: str, status: str = "sent") -> tuple[str, str | None]:
    """What the provider has said of a message of ours, else `status`; and why it failed.

    The row is locked: a status that arrives meanwhile waits for this transaction, and then finds the message.
    """
    new = insert(MessageFate).values(provider_id=provider_id, status=status)
    locked = new.on_conflict_do_update(
        index_elements=[MessageFate.provider_id], set_={"status": MessageFate.status}
    ).returning(MessageFate.status, MessageFate.error)
    told, error = (await conn.execute(locked)).one()
    return told, error


async def close_stale_conversations(conn: Executor, idle: timedelta) -> list[int]:
    """Close the conversations in which nothing happened for `idle`; their ids."""
    statement = (
        update(Conversation)
        .where(Conversation.status == "open", Conversation.last_activity_at < func.now() - idle)
        .values(status="closed")
        .returning(Conversation.id)
    )
    return list((await conn.execute(statement)).scalars())


async def business_and_language(conn: Executor, phone: str) -> tuple[int, str] | None:
    """Whose number it is, and what they speak."""
    row = (await conn.execute(select(Business.id, Business.language).where(Business.phone == phone))).one_or_none()
    return None if row is None else (row.id, row.language)


async def is_over(conn: Executor, call_sid: str) -> bool:
    """Whether the carrier has told that a call ended."""
    return await conn.scalar(select(Call.carrier_status).where(Call.call_sid == call_sid)) in ENDED


async def forwarded_back(conn: Executor, business_id: int, *, call_sid: str, caller: str, forwarded_from: str) -> bool:
    """Whether a call comes from the number that the business has us transfer to, while the same caller has another.

    Callers who hide their number are not the same.
    """
    number = await conn.scalar(select(Business.transfer_number).where(Business.id == business_id))
    if caller_id(caller) is None or not same_number(forwarded_from, number or ""):
        return False
    statement = select(Call.call_sid).where(
        Call.business_id == business_id,
        Call.from_number == caller,
        Call.call_sid != call_sid,
        # The calls service says completed when its part is over; the carrier when the caller is gone.
        func.coalesce(Call.carrier_status, "").not_in(ENDED),
        or_(Call.end_reason.is_(None), Call.end_reason.in_(HANDED_OVER)),
        Call.started_at > func.now() - _LONGEST_CALL,
    )
    return await conn.scalar(statement.limit(1)) is not None


async def note_ending(conn: Executor, call_sid: str, reason: EndReason | None, *, seat: str = "") -> None:
    """How a call ended that the calls service has no part in, or that it goes on, and at which seat.

    A record, if one comes, says more of an end.

    A caller waits for this: other news of the call is waited for shortly, a record that takes longer to be stored is
    not. What this transaction does next waits for no lock any longer either.
    """
    unseen = update(Call).where(Call.call_sid == call_sid, Call.recorded_at.is_(None))
    try:
        async with conn.begin_nested():
            await conn.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
            await conn.execute(unseen.values(end_reason=reason and reason.value))
            if seat:
                await conn.execute(update(Call).where(Call.call_sid == call_sid).values(seat=seat))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise


async def note_stream(conn: Executor, call_sid: str, stream_sid: str) -> None:
    """Note which stream prosaas-calls had of it, as Twilio tells it; the record, when it comes, takes this place."""
    unseen = update(Call).where(Call.call_sid == call_sid, Call.recorded_at.is_(None))
    await conn.execute(unseen.values(metrics=Call.metrics.concat({STREAMED: stream_sid})))


async def send_away(conn: AsyncConnection, call_sid: str) -> None:
    """Note that a caller who came back from a transfer found no room, and have the business told of them."""
    full = update(Call).where(Call.call_sid == call_sid).values(end_reason=EndReason.OVER_CAPACITY.value)
    if await conn.scalar(full.returning(Call.business_id)) is not None:
        await tell_of(conn, call_sid)


async def tell_of(conn: AsyncConnection, call_sid: str, *, part: str = "") -> None:
    """Have the business told of a caller who was sent away, once for each part of the call."""
    about = {"call_sid": call_sid, "cause": {"call_sid": call_sid}}
    await enqueue(conn, BUSINESS_TELL, about, key=f"{BUSINESS_TELL}:{call_sid}{part}")


async def save_summary(conn: Executor, call_sid: str, summary: str, *, turns: int) -> None:
    """Keep the summary of a recorded call, unless the turns that it was made of are gone: who spoke was forgotten."""
    there = update(Call).where(Call.call_sid == call_sid, func.jsonb_array_length(Call.transcript) >= turns)
    await conn.execute(there.values(summary=summary, summarised_at=func.now()))


async def claim_effect(conn: Executor, key: str, job: str) -> bool:
    """Mark a job's effect as done in this transaction; False when it had been done before."""
    statement = insert(JobEffect).values(key=key, job=job).on_conflict_do_nothing().returning(JobEffect.key)
    return await conn.scalar(statement) is not None


async def serves(conn: Executor) -> None:
    """Return where the database can serve us; raises where it is away, read-only, or has taken our rights away."""
    await conn.execute(update(JobEffect).where(false()).values(job=JobEffect.job))
