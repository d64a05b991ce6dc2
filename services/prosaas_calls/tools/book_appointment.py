"""Books an appointment for the caller."""

import datetime as dt

from pydantic import BaseModel, Field

from prosaas_calls.tools.base import Answer, Tool, ToolContext, known
from prosaas_calls.tools.refusals import explain
from prosaas_core.booking import BookingError, book


class Arguments(BaseModel):
    date: dt.date = Field(description="The day, YYYY-MM-DD")
    time: dt.time = Field(description="The hour, HH:MM")
    note: str = Field("", max_length=500, description="What the appointment is for, in the caller's words")


def describe(arguments: Arguments) -> str:
    return f"{arguments.date} {arguments.time:%H:%M}"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    parties = known(context)
    if parties is None:
        return context.no_calendar()
    business, customer_id = parties
    try:
        async with context.store.transaction() as session:
            appointment = await book(
                session,
                business,
                customer_id=customer_id,
                starts_at=context.at(arguments.date, arguments.time),
                note=arguments.note,
                call_sid=context.call_sid,
                now=context.now(),
            )
    except BookingError as error:
        return explain(context, error)
    when = context.local(appointment.starts_at)
    return Answer(
        context.speak(he=f"התור נקבע: {when}.", en=f"Booked: {when}."),
        context.speak(he=f"נקבע {when}", en=f"booked {when}"),
    )


TOOL = Tool(
    name="book_appointment",
    description="Book an appointment for the caller, after they agreed to the day and the hour.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
