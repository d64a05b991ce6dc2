"""business.tell: a text message to the business about what a caller left for it, or about one who was sent away."""

from functools import partial
from typing import Any

from sqlalchemy import Executable, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.database import transaction
from prosaas_core.facts.endings import ending_of
from prosaas_core.phones import caller_id, elsewhere
from prosaas_core.tables import Business, Call, CallMessage
from prosaas_core.words import prefixed
from prosaas_logging import get_logger
from prosaas_worker.delivery import deliver, write
from prosaas_worker.job import Job, Tools
from prosaas_worker.texting import Text
from prosaas_worker.words import LEFT_MESSAGE, SENT_AWAY, URGENT, in_language

log = get_logger(__name__)

_WHOM = (Business.phone, Business.transfer_number, Business.language)


async def run(job: Job, tools: Tools) -> None:
    """To the number that calls are transferred to; a business without one of its own finds it in the database."""
    left = job.payload.get("message_id")
    asked = _left(int(left)) if left is not None else _sent_away(str(job.payload["call_sid"]))
    async with transaction(tools.engine) as connection:
        found = (await connection.execute(asked)).one_or_none()
    if found is None or not (to := elsewhere(found.transfer_number, found.phone)):
        log.debug("nobody to tell", job=job.key)
        return
    body = _left_in_words(found) if left is not None else _sent_away_in_words(found)
    await write(tools, job.key, Text("twilio", found.phone, to, body))
    await deliver(tools, job.key, None if left is None else partial(_told, int(left)))


async def _told(message_id: int, connection: AsyncConnection, _provider_id: str, _text: Text) -> None:
    """The message has been handed over."""
    await connection.execute(update(CallMessage).where(CallMessage.id == message_id).values(told_at=func.now()))


def _left(message_id: int) -> Executable:
    return (
        select(CallMessage.name, CallMessage.number, CallMessage.body, CallMessage.urgent, *_WHOM)
        .join(Business, Business.id == CallMessage.business_id)
        .where(CallMessage.id == message_id)
    )


def _left_in_words(found: Any) -> str:
    who = " ".join(part for part in (found.name, found.number) if part) or "?"
    urgent = in_language(URGENT, found.language) if found.urgent else ""
    return urgent + in_language(LEFT_MESSAGE, found.language).format(
        who=who, from_whom=prefixed("מ", who), text=found.body
    )


def _sent_away(call_sid: str) -> Executable:
    return (
        select(Call.from_number, Call.end_reason, *_WHOM)
        .join(Business, Business.id == Call.business_id)
        .where(Call.call_sid == call_sid)
    )


def _sent_away_in_words(found: Any) -> str:
    ending = ending_of(found.end_reason or "")
    why = found.end_reason if ending is None else ending.en if found.language == "en" else ending.he
    who = caller_id(found.from_number) or "?"
    return in_language(SENT_AWAY, found.language).format(who=who, from_whom=prefixed("מ", who), why=why)
