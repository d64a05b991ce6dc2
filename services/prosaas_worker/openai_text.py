"""One question to a text model through the OpenAI Responses API."""

from typing import Any, Literal, TypedDict

import httpx

from prosaas_core import tracing
from prosaas_core.database import transaction
from prosaas_core.facts.usage import usage_of
from prosaas_core.outward.http import Unavailable, bearer
from prosaas_core.storable import storable_text
from prosaas_worker.job import Tools
from prosaas_worker.spending import charge_answer

# A model that thinks spends most of it before its first word; no message of ours needs more.
MAX_OUTPUT_TOKENS = 2000


class Turn(TypedDict):
    """One turn of a conversation, as the Responses API takes it."""

    role: Literal["user", "assistant"]
    content: str


async def answer(
    tools: Tools, *, instructions: str, turns: list[Turn], business_id: int | None, call_sid: str | None = None
) -> str:
    """Return the model's words, charged to the business; an answer without any is paid for and worth another try."""
    asked = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai"}
    model = tools.settings.openai_text_model
    with tracing.span(f"chat {model}", kind="client", gen_ai_request_model=model, **asked) as told:
        response = await _ask(tools, instructions, turns)
        text, block = _read(response)
        usage, _ = usage_of(block)
        told |= {"gen_ai_usage_input_tokens": usage.tokens_in, "gen_ai_usage_output_tokens": usage.tokens_out}
    async with transaction(tools.engine) as connection:
        await charge_answer(tools, connection, block, business_id=business_id, call_sid=call_sid)
    if not text:
        raise Unavailable(response.url.netloc.decode("ascii"), "answered without text")
    return text


async def _ask(tools: Tools, instructions: str, turns: list[Turn]) -> httpx.Response:
    settings = tools.settings
    return await tools.outbound.request(
        "POST",
        f"{settings.openai_base_url}/responses",
        idempotent=True,
        json={
            "model": settings.openai_text_model,
            "instructions": instructions,
            "input": turns,
            "max_output_tokens": MAX_OUTPUT_TOKENS,
            "store": False,
        },
        headers={"Authorization": bearer(settings.openai_api_key)},
    )


def _read(response: httpx.Response) -> tuple[str, object]:
    """The words, and the usage block as it came."""
    try:
        body = response.json()
        return _output_text(body), body.get("usage")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "", None


def _output_text(body: dict[str, Any]) -> str:
    """Join the text parts of the messages in a response, leaving reasoning and the like out."""
    said = "".join(
        part.get("text", "")
        for item in body.get("output", ())
        if item.get("type") == "message"
        for part in item.get("content", ())
        if part.get("type") == "output_text"
    )
    return storable_text(said).strip()
