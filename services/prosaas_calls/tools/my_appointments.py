"""Which appointments the caller has."""

from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.tools.appointments import in_calendar, listed
from prosaas_calls.tools.base import Answer, NoArguments, Tool, ToolContext
from prosaas_core.booking import upcoming
from prosaas_core.tables import Business
from prosaas_core.words import counted


def describe(arguments: NoArguments) -> str:
    return "those ahead"


async def run(context: ToolContext, arguments: NoArguments) -> Answer:
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
    arguments=NoArguments,
    describe=describe,
    run=run,
)
