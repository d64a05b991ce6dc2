"""Moves the caller's appointment to another time."""

import datetime as dt

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.tools.appointments import in_calendar, named
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core.booking import check_offered, reschedule
from prosaas_core.tables import Business


class Arguments(BaseModel):
    current_date: dt.date = Field(description="The day it is on now, as it was read out: YYYY-MM-DD")
    current_time: dt.time = Field(description="The hour it is at now, as it was read out: HH:MM")
    date: dt.date = Field(description="The new day, YYYY-MM-DD")
    time: dt.time = Field(description="The new hour, HH:MM")


def describe(arguments: Arguments) -> str:
    return f"{arguments.date} {arguments.time:%H:%M}"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    async def work(session: AsyncSession, business: Business, customer_id: int) -> Answer:
        before = context.at(arguments.current_date, arguments.current_time)
        after = context.at(arguments.date, arguments.time)
        check_offered(business, after, now=context.now())
        appointment = await named(session, context, business, customer_id, before)
        await reschedule(session, business, appointment.id, after, now=context.now())
        old, new = context.spoken(before), context.spoken(after)
        return Answer(
            context.speak(
                he=f"הפגישה הועברה. קודם: {old}. עכשיו: {new}.", en=f"Moved. It was: {old}. It is now: {new}."
            ),
            context.speak(he=f"הפגישה הועברה ל-{context.local(after)}", en=f"moved to {context.local(after)}"),
            wrote=appointment.id,
        )

    return await in_calendar(context, work, own=True)


TOOL = Tool(
    name="reschedule_appointment",
    description="Move one appointment of the caller's, after you read out its day and hour and the new ones.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
