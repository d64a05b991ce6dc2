"""Books an appointment for the caller."""

import datetime as dt

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.tools.appointments import in_calendar
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core.booking import book, check_offered
from prosaas_core.tables import Business


class Arguments(BaseModel):
    date: dt.date = Field(description="The day, YYYY-MM-DD")
    time: dt.time = Field(description="The hour, HH:MM")
    note: str = Field("", max_length=500, description="What it is for")
    for_whom: str = Field("", max_length=100, description="Who comes, if not the caller: a child, a colleague")


def describe(arguments: Arguments) -> str:
    return f"{arguments.date} {arguments.time:%H:%M}"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    async def work(session: AsyncSession, business: Business, customer_id: int) -> Answer:
        at = context.at(arguments.date, arguments.time)
        check_offered(business, at, now=context.now())
        booked = await book(
            session,
            business,
            customer_id=customer_id,
            starts_at=at,
            note=context.for_record(arguments.note),
            for_whom=context.for_record(arguments.for_whom),
            call_sid=context.call_sid,
            now=context.now(),
        )
        return Answer(
            context.speak(he=f"הפגישה נקבעה: {context.spoken(at)}.", en=f"Booked: {context.spoken(at)}."),
            context.speak(he=f"נקבעה פגישה ל-{context.local(at)}", en=f"booked {context.local(at)}"),
            wrote=booked.id,
        )

    return await in_calendar(context, work)


TOOL = Tool(
    name="book_appointment",
    description="Book an appointment for the caller, after they agreed to the day and the hour.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
