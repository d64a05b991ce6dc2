"""Takes back a transfer or a goodbye that the caller does not want after all."""

from prosaas_calls.tools.base import Answer, NoArguments, Tool, ToolContext


def describe(arguments: NoArguments) -> str:
    return "not leaving yet"


async def run(context: ToolContext, arguments: NoArguments) -> Answer:
    """Any tool that is called after it takes a departure back; this one is for when there is nothing else to do."""
    return Answer(
        context.speak(he="השיחה ממשיכה. יש לענות ללקוח.", en="The call goes on. Answer the caller."),
        context.speak(he="השיחה ממשיכה", en="the call goes on"),
    )


TOOL = Tool(
    name="stay_on_the_line",
    description=(
        "Go on with the call, when you have announced a transfer or said goodbye and the caller objects or asks "
        "something more. Not for a thank-you or a goodbye of theirs."
    ),
    arguments=NoArguments,
    describe=describe,
    run=run,
)
