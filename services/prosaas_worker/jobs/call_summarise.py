"""call.summarise: a few sentences about a finished call, for the business that received it."""

from sqlalchemy import select

from prosaas_core.database import transaction
from prosaas_core.queries import claim_effect, save_summary
from prosaas_core.tables import Business, Call, Json
from prosaas_worker.job import Hopeless, Job, Tools
from prosaas_worker.openai_text import answer

_INSTRUCTIONS = {
    "he": "סכם בשניים או שלושה משפטים את שיחת הטלפון שלפניך עבור בעל העסק: מה הלקוח ביקש, מה סוכם ומה נשאר לטפל בו. "
    "כתוב עברית, בלי כותרת ובלי להמציא פרטים.",
    "en": "Summarise the phone call below for the owner of the business in two or three sentences: what the customer "
    "wanted, what was agreed and what remains to be done. Write English, no heading, invent nothing.",
}
_NOBODY_SPOKE = {"he": "השיחה הסתיימה בלי שנאמר בה דבר.", "en": "The call ended without anything being said."}
_SPEAKERS = {"customer": "Customer", "ai": "Agent"}


async def run(job: Job, tools: Tools) -> None:
    """Summarise the call once; a call without words gets a fixed sentence and costs nothing."""
    call_sid = job.payload["call_sid"]
    async with transaction(tools.engine) as connection:
        found = (
            await connection.execute(
                select(Call.transcript, Business.language)
                .outerjoin(Business, Business.id == Call.business_id)
                .where(Call.call_sid == call_sid)
            )
        ).one_or_none()
    if found is None:
        raise Hopeless(f"no call {call_sid}")
    language = found.language if found.language in _INSTRUCTIONS else "he"
    summary = _NOBODY_SPOKE[language]
    if words := _as_text(found.transcript):
        summary = await answer(tools, instructions=_INSTRUCTIONS[language], turns=[{"role": "user", "content": words}])
    async with transaction(tools.engine) as connection:
        if await claim_effect(connection, job.key, job.name):
            await save_summary(connection, call_sid, summary)


def _as_text(transcript: list[Json]) -> str:
    return "\n".join(
        f"{_SPEAKERS.get(turn['who'], 'Agent')}: {turn['text']}" for turn in transcript if turn.get("text", "").strip()
    )
