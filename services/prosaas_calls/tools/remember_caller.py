"""Notes who the caller is: a name, and a number for one who hides theirs."""

from dataclasses import replace

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, exists, update
from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_calls.profile import Profile
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core import queries
from prosaas_core.phones import international
from prosaas_core.tables import Appointment, Call, Customer

# Misheard numbers are corrected; who goes on and on is trying numbers out.
_MOST_NUMBERS = 5


class Arguments(BaseModel):
    name: str = Field("", max_length=100, description="The caller's name, as they spelled it and you read it back")
    number: str = Field(
        "",
        max_length=30,
        description="Their number, only if they hide the one they call from; once more if they correct it",
    )


def describe(arguments: Arguments) -> str:
    return "name and number" if arguments.name and arguments.number else "number" if arguments.number else "name"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    profile = context.profile
    if profile.business is None:
        return context.no_calendar()
    number = international(arguments.number, profile.business.phone) if arguments.number else ""
    if number is None or (profile.customer_id is None and not number):
        return _not_whole(context)
    # Who shows their number is known by it, and by no other.
    shown = profile.customer_id is not None and not profile.claimed
    if number and not shown and profile.numbers_said >= _MOST_NUMBERS:
        return _too_many(context)
    async with context.store.transaction() as session:
        if number and not shown:
            customer_id = await queries.customer_id_for_phone(session, profile.business.id, number)
            await _move(session, context.call_sid, profile, customer_id)
            said = profile.numbers_said + (customer_id != profile.customer_id)
            profile = replace(profile, customer_id=customer_id, numbers_said=said)
        if name := context.for_record(arguments.name) or (profile.customer_name if profile.claimed else ""):
            named = update(Customer).where(Customer.id == profile.customer_id).values(name=name)
            # Who only says who they are gives a name to a new customer, and renames nobody.
            new = (Customer.name == "", _new(context.call_sid)) if profile.claimed else ()
            await session.execute(named.where(*new))
            profile = replace(profile, customer_name=name)
    context.introduce(profile)
    if shown and number not in ("", context.caller):
        return _of_another_phone(context)
    return Answer(
        context.speak(he="נרשם. המשך בשיחה.", en="Noted. Go on with the conversation."),
        context.speak(he="נרשם מי מתקשר", en="caller noted"),
    )


async def _move(session: AsyncSession, call_sid: str, profile: Profile, customer_id: int) -> None:
    """What this call has booked under a misheard number goes to the right one, and the caller's name with it."""
    misheard = profile.customer_id
    if misheard in (None, customer_id):
        return
    booked_here = update(Appointment).where(Appointment.call_sid == call_sid, Appointment.customer_id == misheard)
    await session.execute(booked_here.values(customer_id=customer_id))
    ours = update(Customer).where(Customer.id == misheard, Customer.name == profile.customer_name, _new(call_sid))
    await session.execute(ours.values(name=""))


def _new(call_sid: str) -> ColumnElement[bool]:
    """Of whom there is nothing but this call's word."""
    booked = exists().where(Appointment.customer_id == Customer.id, Appointment.call_sid.is_distinct_from(call_sid))
    return ~booked & ~exists().where(Call.customer_id == Customer.id)


def _not_whole(context: ToolContext) -> Answer:
    text = context.speak(
        he="זה לא מספר טלפון שלם. יש לבקש אותו שוב, ספרה אחר ספרה.",
        en="That is no whole telephone number. Ask for it again, digit by digit.",
    )
    return Answer(text, context.speak(he="מספר לא שלם", en="incomplete number"), refused=True)


def _too_many(context: ToolContext) -> Answer:
    text = context.speak(
        he="המספר לא נרשם: כבר נאמרו יותר מדי מספרים בשיחה הזאת. יש לומר זאת ולהציע לרשום הודעה.",
        en="That number is not noted: too many were said in this call. Say so, and offer to take a message.",
    )
    return Answer(text, context.speak(he="יותר מדי מספרים", en="too many numbers"), refused=True)


def _of_another_phone(context: ToolContext) -> Answer:
    text = context.speak(
        he="המספר לא נרשם: פגישות ותזכורות שייכות למספר שממנו מתקשרים. יש לומר זאת. לחזרה למספר אחר אפשר לרשום הודעה.",
        en="That number is not noted: bookings and reminders go with the number they call from. Say so; to have them "
        "called back at another, take a message.",
    )
    return Answer(text, context.speak(he="המספר לא נרשם", en="number not noted"), refused=True)


TOOL = Tool(
    name="remember_caller",
    description="Note the caller's name, and their number if they hide it, after you read both back.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
