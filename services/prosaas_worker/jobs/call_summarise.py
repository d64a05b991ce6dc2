"""call.summarise: a few sentences about a finished call, for the business that received it."""

from sqlalchemy import select

from prosaas_core.database import transaction
from prosaas_core.queries import claim_effect, save_summary
from prosaas_core.tables import Business, Call, Json
from prosaas_worker.job import Hopeless, Job, Tools
from prosaas_worker.openai_text import answer
from prosaas_worker.words import NOBODY_SPOKE, SUMMARISE, in_language

_SPEAKERS = {"customer": "Customer", "ai": "Agent"}


async def run(job: Job, tools: Tools) -> None:
    """Summarise the call once; a call without words gets a fixed sentence and costs nothing."""
    call_sid = job.payload["call_sid"]
    async with transaction(tools.engine) as connection:
        found = (
            await connection.execute(
                select(Call.transcript, Call.business_id, Business.language)
                .outerjoin(Business, Business.id == Call.business_id)
                .where(Call.call_sid == call_sid)
            )
        ).one_or_none()
    if found is None:
        raise Hopeless(f"no call {call_sid}")
    if words := _as_text(found.transcript):
        instructions = in_language(SUMMARISE, found.language)
        summary = await answer(
            tools,
            instructions=instructions,
            turns=[{"role": "user", "content": words}],
            business_id=found.business_id,
            call_sid=call_sid,
        )
    else:
        summary = in_language(NOBODY_SPOKE, found.language)
    async with transaction(tools.engine) as connection:
        if await claim_effect(connection, job.key, job.name):
            await save_summary(connection, call_sid, summary, turns=len(found.transcript))


def _as_text(transcript: list[Json]) -> str:
    return "\n".join(
        f"{_SPEAKERS.get(turn['who'], 'Agent')}: {turn['text']}" for turn in transcript if turn.get("text", "").strip()
    )
