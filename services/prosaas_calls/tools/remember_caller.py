"""Notes who the caller is: a name, and a number for one who hides theirs."""

from dataclasses import replace

from pydantic import BaseModel, Field
from sqlalchemy import update

from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core import queries
from prosaas_core.phones import international
from prosaas_core.tables import Customer


class Arguments(BaseModel):
    name: str = Field("", max_length=100, description="The caller's name, as they spelled it and you read it back")
    number: str = Field("", max_length=30, description="Their number, only if they hide the one they call from")


def describe(arguments: Arguments) -> str:
    return "name and number" if arguments.name and arguments.number else "number" if arguments.number else "name"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    profile = context.profile
    if profile.business is None:
        return context.no_calendar()
    number = international(arguments.number, profile.business.phone) if arguments.number else ""
    if number is None or (profile.customer_id is None and not number):
        text = context.speak(
            he="זה לא מספר טלפון שלם. יש לבקש אותו שוב, ספרה אחר ספרה.",
            en="That is no whole telephone number. Ask for it again, digit by digit.",
        )
        return Answer(text, context.speak(he="מספר לא שלם", en="incomplete number"), refused=True)
    async with context.store.transaction() as session:
        customer_id = profile.customer_id
        if customer_id is None:
            assert number
            customer_id = await queries.customer_id_for_phone(session, profile.business.id, number)
            profile = replace(profile, customer_id=customer_id, claimed=True)
        if arguments.name:
            # Who only says who they are gives a name to a customer without one, and renames nobody.
            named = update(Customer).where(Customer.id == customer_id).values(name=arguments.name)
            await session.execute(named.where(Customer.name == "") if profile.claimed else named)
            profile = replace(profile, customer_name=arguments.name)
    context.introduce(profile)
    return Answer(
        context.speak(he="נרשם. המשך בשיחה.", en="Noted. Go on with the conversation."),
        context.speak(he="נרשם מי מתקשר", en="caller noted"),
    )


TOOL = Tool(
    name="remember_caller",
    description="Note the caller's name, and their number if they hide it, after you read both back.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
