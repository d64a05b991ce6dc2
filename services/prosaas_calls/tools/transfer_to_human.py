"""Hands the caller over to a person."""

from pydantic import BaseModel, Field

from prosaas_calls.ending import EndReason
from prosaas_calls.tools.base import Answer, Tool, ToolContext


class Arguments(BaseModel):
    reason: str = Field("", max_length=200, description="Why the caller needs a person, in a few words")


def describe(arguments: Arguments) -> str:
    return arguments.reason or "no reason given"


async def run(context: ToolContext, arguments: Arguments) -> Answer:
    if not context.profile.reachable:
        text = context.speak(
            he="אין כרגע נציג זמין. יש להציע לרשום הודעה.", en="Nobody is free. Offer to take a message."
        )
        return Answer(text, context.speak(he="אין נציג", en="nobody available"), refused=True)
    return Answer(
        context.speak(
            he="יש לומר ללקוח שהשיחה מועברת עכשיו לנציג.", en="Tell the caller that you are connecting them now."
        ),
        context.speak(he="השיחה מועברת לנציג", en="connecting"),
        then=EndReason.TRANSFERRED,
    )


TOOL = Tool(
    name="transfer_to_human",
    description="Connect the caller to a person, when they ask for one or you cannot help.",
    arguments=Arguments,
    describe=describe,
    run=run,
)
