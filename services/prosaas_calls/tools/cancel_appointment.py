"""Cancels the caller's appointment."""

import datetime as dt

from pydantic import BaseModel, Field

from prosaas_calls.tools.appointments import meant
from prosaas_calls.tools.base import Answer, Tool, ToolContext, known
from prosaas_calls.tools.refusals import explain, nothing_booked
from prosaas_core.booking import BookingError, cancel


class Arguments(BaseModel):
    date: dt.date | None = Field(None, description="The day of the appointment, YYYY-MM-DD, if the caller has several")


def describe(arguments: Arguments) -> str:
    return str(arguments.date) if arguments.date else "-"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    parties = known(context)
    if parties is None:
        return context.no_calendar()
    business, customer_id = parties
    try:
        async with context.store.transaction() as session:
            appointment = await meant(session, context, business, customer_id, arguments.date)
            if appointment is None:
                return nothing_booked(context)
            cancelled = await cancel(session, business, appointment.id, now=context.now())
    except BookingError as error:
        return explain(context, error)
    when = context.local(cancelled.starts_at)
    return Answer(
        context.speak(he=f"התור ב-{when} בוטל.", en=f"The appointment on {when} is cancelled."),
        context.speak(he=f"בוטל {when}", en=f"cancelled {when}"),
    )


TOOL = Tool(
    name="cancel_appointment",
    description="Cancel the caller's appointment, after they said yes to it.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
