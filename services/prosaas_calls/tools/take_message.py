"""Takes down what the business is to be told."""

from datetime import timedelta

from pydantic import BaseModel, Field
from sqlalchemy import func, select

from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core.jobs import BUSINESS_TELL, enqueue
from prosaas_core.phones import international
from prosaas_core.tables import Business, CallMessage

# About so many: calls that are made at once do not wait for one another.
_MOST = 5
_LONGEST_CALL = timedelta(hours=4)


class Arguments(BaseModel):
    text: str = Field(min_length=1, max_length=1000, description="What the business is to be told, in a few sentences")
    name: str = Field("", max_length=100, description="The caller's name, as they spelled it")
    number: str = Field("", max_length=30, description="Where to call back, if not the number they call from")
    urgent: bool = Field(False, description="Whether the caller says that it cannot wait")


def describe(arguments: Arguments) -> str:
    return "urgent" if arguments.urgent else "not urgent"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    business = context.profile.business
    if business is None:
        text = context.speak(
            he="אי אפשר לרשום הודעה כרגע. יש לבקש להתקשר שוב מאוחר יותר.",
            en="No message can be taken now. Ask them to call again later.",
        )
        return Answer(text, context.speak(he="אי אפשר לרשום", en="cannot be taken"), refused=True)
    message = CallMessage(
        business_id=business.id,
        call_sid=context.call_sid,
        name=context.for_record(arguments.name),
        number=_number(context, business, arguments.number) or context.caller,
        body=context.for_record(arguments.text),
        urgent=arguments.urgent,
    )
    left = select(func.count(CallMessage.id)).where(
        CallMessage.business_id == business.id,
        CallMessage.created_at > func.now() - _LONGEST_CALL,
        CallMessage.call_sid == context.call_sid,
    )
    async with context.store.transaction() as session:
        if (await session.scalar(left) or 0) >= _MOST:
            return _enough(context)
        session.add(message)
        await session.flush()
        about = {"message_id": message.id, "cause": {"call_sid": context.call_sid}}
        await enqueue(await session.connection(), BUSINESS_TELL, about, key=f"{BUSINESS_TELL}:message:{message.id}")
    return Answer(
        context.speak(he="ההודעה נרשמה ותימסר.", en="The message is taken and will be passed on."),
        context.speak(he="נרשמה הודעה", en="message taken"),
        wrote=message.id,
    )


def _number(context: ToolContext, business: Business, said: str) -> str:
    """Where to call back: a whole number, or else the words as they may be kept."""
    return international(said, business.phone) or context.for_record(said)


def _enough(context: ToolContext) -> Answer:
    text = context.speak(
        he="ההודעה לא נרשמה: כבר נרשמו כמה הודעות בשיחה הזאת. יש לומר שמה שנרשם יימסר.",
        en="That message is not taken: several were, in this call. Say that those will be passed on.",
    )
    return Answer(text, context.speak(he="יותר מדי הודעות", en="too many messages"), refused=True)


TOOL = Tool(
    name="take_message",
    description="Take a message for the business, after you read back the name and the number to call back.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
