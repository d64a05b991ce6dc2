"""Cancels the caller's appointment."""

import datetime as dt

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.tools.appointments import in_calendar, named
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core.booking import cancel
from prosaas_core.tables import Business


class Arguments(BaseModel):
    date: dt.date = Field(description="The day of the appointment to cancel, as it was read out: YYYY-MM-DD")
    time: dt.time = Field(description="The hour of the appointment to cancel, as it was read out: HH:MM")


def describe(arguments: Arguments) -> str:
    return f"{arguments.date} {arguments.time:%H:%M}"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    async def work(session: AsyncSession, business: Business, customer_id: int) -> Answer:
        at = context.at(arguments.date, arguments.time)
        appointment = await named(session, context, business, customer_id, at)
        cancelled = await cancel(session, business, appointment.id, now=context.now())
        when = context.spoken(cancelled.starts_at)
        return Answer(
            context.speak(he=f"הפגישה בוטלה: {when}.", en=f"Cancelled: {when}."),
            context.speak(he=f"בוטלה הפגישה של {context.local(at)}", en=f"cancelled {context.local(at)}"),
            wrote=cancelled.id,
        )

    return await in_calendar(context, work, own=True)


TOOL = Tool(
    name="cancel_appointment",
    description="Cancel one appointment of the caller's, after you read out its day and hour and they said yes.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
