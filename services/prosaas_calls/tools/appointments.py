"""What the tools of the calendar share: whose calendar it is, and which appointment the caller means."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.tools.base import Answer, ToolContext, known
from prosaas_calls.tools.refusals import explain
from prosaas_core.booking import BookingError, NotFound, upcoming
from prosaas_core.tables import Appointment, Business

Work = Callable[[AsyncSession, Business, int], Awaitable[Answer]]


async def in_calendar(context: ToolContext, work: Work, *, own: bool = False) -> Answer:
    """What the work on the caller's calendar answers, in a transaction of its own; a refusal is an answer as well.

    What touches the caller's `own` appointments is refused to one who only says who they are: anybody can.
    """
    parties = known(context)
    if parties is None:
        return context.no_calendar()
    if own and context.profile.claimed:
        text = context.speak(
            he="אפשר רק בשיחה מהטלפון שממנו נקבעה הפגישה. יש להציע לרשום הודעה.",
            en="That is possible only from the phone that booked. Offer to take a message.",
        )
        return Answer(text, context.speak(he="המספר לא אומת", en="number not verified"), refused=True)
    try:
        async with context.store.transaction() as session:
            return await work(session, *parties)
    except BookingError as error:
        return explain(context, error)


async def named(
    session: AsyncSession, context: ToolContext, business: Business, customer_id: int, at: datetime
) -> Appointment:
    """The caller's appointment of that very day and hour. NotFound, with what they do have, when there is none:

    what is given up or moved is what the caller heard and agreed to, never what happens to come next.
    """
    booked = await upcoming(session, business, customer_id, now=context.now())
    for appointment in booked:
        if appointment.starts_at == at:
            return appointment
    raise NotFound(listed(context, booked))


def listed(context: ToolContext, booked: Sequence[Appointment]) -> str:
    """The caller's coming appointments, in words."""
    if not booked:
        return context.speak(he="אין ללקוח פגישה עתידית", en="The caller has no coming appointment")
    times = "; ".join(context.spoken(each.starts_at) for each in booked)
    return context.speak(he=f"הפגישות של הלקוח: {times}", en=f"The caller's appointments: {times}")
