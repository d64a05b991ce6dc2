"""Ends the call once the conversation is over."""

from prosaas_calls.ending import EndReason
from prosaas_calls.tools.base import Answer, NoArguments, Tool, ToolContext


def describe(arguments: NoArguments) -> str:
    return "with a goodbye"


async def run(context: ToolContext, arguments: NoArguments) -> Answer:
    return Answer(
        context.speak(he="יש להיפרד מהלקוח במשפט קצר.", en="Say goodbye in one short sentence."),
        context.speak(he="השיחה תסתיים אחרי הפרידה", en="hanging up after the goodbye"),
        then=EndReason.AGENT_ENDED,
    )


TOOL = Tool(
    name="end_call",
    description="Hang up, after the caller said goodbye or has nothing more to ask.",
    arguments=NoArguments,
    describe=describe,
    run=run,
)
