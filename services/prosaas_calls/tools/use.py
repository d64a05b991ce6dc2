"""Runs one tool for the model: in its own time, within a limit, and with an answer whatever happens."""

import asyncio
from typing import Any

from pydantic import ValidationError

from prosaas_calls.tools import toolbox
from prosaas_calls.tools.base import Answer, Tool, ToolContext
from prosaas_core import tracing
from prosaas_core.storable import storable_text
from prosaas_logging import get_logger
from prosaas_logging.catalogue import TOOL_CALL, TOOL_FAILED, TOOL_REFUSED, TOOL_RESULT

log = get_logger(__name__)


async def use(context: ToolContext, name: str, arguments: str, *, limit: float) -> Answer:
    """The tool's answer, or one that lets the model apologise."""
    try:
        tool: Tool[Any] = toolbox()[name]
    except KeyError:
        log.event(TOOL_FAILED, tool=name, error="no such tool", exc_info=True)
        return Answer("There is no such tool.", "")
    try:
        # A call that was cut off may come without a word of what it was to do: only who asks nothing may say nothing.
        parsed = tool.arguments.model_validate_json(arguments or ("" if tool.arguments.model_fields else "{}"))
        # Models put a NUL where a letter should be, which no column takes; without it nothing may be left.
        words = {field: storable_text(value) for field, value in parsed if isinstance(value, str)}
        parsed = tool.arguments.model_validate({**dict(parsed), **words})
    except ValidationError as error:
        problems = "; ".join(": ".join((*map(str, e["loc"]), e["msg"])) for e in error.errors())
        log.event(TOOL_FAILED, tool=name, error=problems, exc_info=True)
        return Answer(f"The arguments are not usable: {problems}. Ask the caller again.", "")
    log.event(TOOL_CALL, tool=name, summary=tool.describe(parsed))
    try:
        with tracing.span(f"execute_tool {name}", gen_ai_operation_name="execute_tool", gen_ai_tool_name=name):
            async with asyncio.timeout(limit):
                answer = await tool.run(context, parsed)
    except TimeoutError:
        log.event(TOOL_FAILED, tool=name, error=f"no answer within {limit:g}s", exc_info=True)
        return _sorry(context)
    except Exception as error:
        log.event(TOOL_FAILED, tool=name, error=f"{type(error).__name__}: {error}", exc_info=True)
        return _sorry(context)
    log.event(TOOL_REFUSED if answer.refused else TOOL_RESULT, tool=name, summary=answer.summary)
    return answer


def _sorry(context: ToolContext) -> Answer:
    text = context.speak(
        he="זה לא הצליח כרגע. יש להתנצל ולהציע לנסות שוב או לרשום הודעה.",
        en="That did not work now. Apologise, and offer to try again or to take a message.",
    )
    return Answer(text, "")
