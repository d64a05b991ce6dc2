"""Moves the caller's appointment to another time."""

import datetime as dt

from pydantic import BaseModel, Field

from prosaas_calls.tools.appointments import meant
from prosaas_calls.tools.base import Answer, Tool, ToolContext, known
from prosaas_calls.tools.refusals import explain, nothing_booked
from prosaas_core.booking import BookingError, reschedule


class Arguments(BaseModel):
    date: dt.date = Field(description="The new day, YYYY-MM-DD")
    time: dt.time = Field(description="The new hour, HH:MM")
    current_date: dt.date | None = Field(None, description="The day it is on now, if the caller has several")


def describe(arguments: Arguments) -> str:
    return f"{arguments.date} {arguments.time:%H:%M}"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    parties = known(context)
    if parties is None:
        return context.no_calendar()
    business, customer_id = parties
    try:
        async with context.store.transaction() as session:
            appointment = await meant(session, context, business, customer_id, arguments.current_date)
            if appointment is None:
                return nothing_booked(context)
            before = context.local(appointment.starts_at)
            starts_at = context.at(arguments.date, arguments.time)
            moved = await reschedule(session, business, appointment.id, starts_at, now=context.now())
    except BookingError as error:
        return explain(context, error)
    after = context.local(moved.starts_at)
    return Answer(
        context.speak(he=f"התור הועבר מ-{before} ל-{after}.", en=f"Moved from {before} to {after}."),
        context.speak(he=f"הועבר ל-{after}", en=f"moved to {after}"),
    )


TOOL = Tool(
    name="reschedule_appointment",
    description="Move the caller's appointment to another time, after they agreed to it.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
