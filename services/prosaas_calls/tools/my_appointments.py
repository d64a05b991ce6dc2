"""Which appointments the caller has."""

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.tools.appointments import in_calendar, listed
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core.booking import upcoming
from prosaas_core.tables import Business
from prosaas_core.words import counted


class Arguments(BaseModel):
    """Nothing to say."""


def describe(arguments: Arguments) -> str:
    return "those ahead"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    async def work(session: AsyncSession, business: Business, customer_id: int) -> Answer:
        booked = await upcoming(session, business, customer_id, now=context.now())
        summary = context.speak(
            he=counted(len(booked), "פגישה אחת", "{} פגישות"),
            en=counted(len(booked), "1 appointment", "{} appointments"),
        )
        return Answer(f"{listed(context, booked)}.", summary)

    return await in_calendar(context, work, own=True)


TOOL = Tool(
    name="my_appointments",
    description="The caller's coming appointments, soonest first.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
