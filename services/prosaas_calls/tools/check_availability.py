"""Which appointment times are free on a day."""

import datetime as dt

from pydantic import BaseModel, Field

from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_calls.tools.refusals import explain
from prosaas_core.booking import BookingError, check_day, free_slots
from prosaas_core.words import counted, day_in_words

_SPOKEN = 6


class Arguments(BaseModel):
    date: dt.date = Field(description="The day, YYYY-MM-DD")
    time: dt.time | None = Field(None, description="The hour that the caller would like, HH:MM, if they named one")


def describe(arguments: Arguments) -> str:
    return f"{arguments.date}" + (f" {arguments.time:%H:%M}" if arguments.time else "")


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    business = context.profile.business
    if business is None:
        return context.no_calendar()
    try:
        check_day(business, arguments.date, now=context.now())
        async with context.store.transaction() as session:
            free = await free_slots(session, business, arguments.date, now=context.now())
    except BookingError as error:
        return explain(context, error)
    day = day_in_words(arguments.date, context.profile.language)
    if not free:
        words = context.speak(he="אין זמנים פנויים", en="no free times")
        return Answer(
            context.speak(he=f"{day}: הכול תפוס. יש להציע יום אחר.", en=f"{day}: full. Offer another day."), words
        )
    if arguments.time is not None:
        wanted = context.at(arguments.date, arguments.time)
        free.sort(key=lambda slot: (abs(slot - wanted), slot))
    offered = ", ".join(f"{slot:%H:%M}" for slot in free[:_SPOKEN])
    summary = context.speak(
        he=counted(len(free), "זמן פנוי אחד", "{} זמנים פנויים"), en=counted(len(free), "1 free time", "{} free times")
    )
    return Answer(f"{day}, {summary}: {offered}", summary)


TOOL = Tool(
    name="check_availability",
    description="The free appointment times on a day, the nearest to the wanted hour first.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
