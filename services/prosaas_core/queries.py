"""The questions that more than one service asks of the database."""

from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from prosaas_core.tables import Business, Call, Conversation, Customer, JobEffect, Message

# Twilio's last words about a call.
ENDED = ("completed", "busy", "failed", "no-answer", "canceled")

_LONGEST_CALL = timedelta(hours=4)

Executor: TypeAlias = AsyncConnection | AsyncSession


async def business_by_phone(session: AsyncSession, phone: str) -> Business | None:
    """The business that is called at this number."""
    return await session.scalar(select(Business).where(Business.phone == phone))


async def business_id_by_phone(conn: Executor, phone: str) -> int | None:
    """The id alone, for those who need no more."""
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
    """Keep the message; False when one of this id is there already."""
    statement = (
        insert(Message)
        .values(id=message_id, conversation_id=conversation_id, direction=direction, body=body, status=status)
        .on_conflict_do_nothing()
        .returning(Message.id)
    )
    return await conn.scalar(statement) is not None


async def close_stale_conversations(conn: Executor, idle: timedelta) -> list[int]:
    """Close the conversations in which nothing happened for `idle`; their ids."""
    statement = (
        update(Conversation)
        .where(Conversation.status == "open", Conversation.last_activity_at < func.now() - idle)
        .values(status="closed")
        .returning(Conversation.id)
    )
    return list((await conn.execute(statement)).scalars())


async def note_call(
    conn: Executor,
    call_sid: str,
    *,
    business_id: int | None,
    status: str,
    from_number: str,
    to_number: str,
    direction: str = "inbound",
    duration_s: float | None = None,
) -> None:
    """Note what Twilio says of a call: the first that we hear of it, or how it ended. An ended call stays ended."""
    new = insert(Call).values(
        call_sid=call_sid,
        business_id=business_id,
        status=status,
        direction=direction,
        from_number=from_number,
        to_number=to_number,
        duration_s=duration_s,
    )
    await conn.execute(
        new.on_conflict_do_update(
            index_elements=[Call.call_sid],
            set_={"status": new.excluded.status, "duration_s": func.coalesce(Call.duration_s, new.excluded.duration_s)},
            where=Call.status.not_in(ENDED),
        )
    )


async def has_another_call(conn: Executor, business_id: int, call_sid: str, caller: str) -> bool:
    """Whether the same caller has a call to the business that Twilio has not called ended yet."""
    statement = select(Call.call_sid).where(
        Call.business_id == business_id,
        Call.from_number == caller,
        Call.call_sid != call_sid,
        Call.status.not_in(ENDED),
        Call.started_at > func.now() - _LONGEST_CALL,
    )
    return await conn.scalar(statement.limit(1)) is not None


async def save_summary(conn: Executor, call_sid: str, summary: str) -> None:
    """Keep the summary of a recorded call."""
    await conn.execute(update(Call).where(Call.call_sid == call_sid).values(summary=summary, summarised_at=func.now()))


async def claim_effect(conn: Executor, key: str, job: str) -> bool:
    """Mark a job's effect as done in this transaction; False when it had been done before."""
    statement = insert(JobEffect).values(key=key, job=job).on_conflict_do_nothing().returning(JobEffect.key)
    return await conn.scalar(statement) is not None


async def database_time(conn: Executor) -> datetime:
    """A round trip that shows that the database answers."""
    return (await conn.execute(select(func.now()))).scalar_one()
