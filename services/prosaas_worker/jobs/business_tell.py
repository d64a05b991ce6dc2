"""business.tell: a business hears of what a caller left for it, or of one who was sent away: by text and by webhook."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Executable, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prosaas_core.database import transaction
from prosaas_core.facts.endings import ending_of
from prosaas_core.outward.http import Refused, bearer
from prosaas_core.phones import caller_id, elsewhere
from prosaas_core.tables import Business, Call, CallMessage
from prosaas_core.words import prefixed
from prosaas_logging import get_logger
from prosaas_worker.delivery import deliver, write
from prosaas_worker.job import Hopeless, Job, Tools
from prosaas_worker.texting import Text
from prosaas_worker.words import LEFT_MESSAGE, SENT_AWAY, URGENT, in_language

log = get_logger(__name__)

_WHOM = (Business.id.label("business_id"), Business.phone, Business.transfer_number, Business.language)


async def run(job: Job, tools: Tools) -> None:
    """To the number that calls are transferred to, and to the operator's system, where there is one.

    Neither waits for the other. Whichever fails is tried again: a text is sent once, what is posted again has its id.
    """
    message_id = int(job.payload["message_id"]) if "message_id" in job.payload else None
    asked = _sent_away(str(job.payload["call_sid"])) if message_id is None else _left(message_id)
    async with transaction(tools.engine) as connection:
        found = (await connection.execute(asked)).one_or_none()
    # A text to the number that calls come to would be one to ourselves.
    to = "" if found is None else elsewhere(found.transfer_number, found.phone)
    if found is None or not (to or tools.settings.business_webhook_url):
        log.debug("nobody to tell", job=job.key)
        return
    words, about = (_sent_away_in_words, _missed) if message_id is None else (_left_in_words, _message)
    ways = []
    if to:
        ways.append(_text(job, tools, Text("twilio", found.phone, to, words(found)), message_id))
    if tools.settings.business_webhook_url:
        ways.append(_post(tools, {"id": job.key, **about(found)}, message_id))
    failures = [each for each in await asyncio.gather(*ways, return_exceptions=True) if each is not None]
    # What was refused for good holds the job: the other way, which may be open later, is tried to its end before.
    for failure in sorted(failures, key=lambda each: isinstance(each, Refused | Hopeless)):
        raise failure


async def _text(job: Job, tools: Tools, text: Text, message_id: int | None) -> None:
    await write(tools, job.key, text)
    await deliver(tools, job.key, None if message_id is None else partial(_texted, message_id))


async def _post(tools: Tools, about: Mapping[str, Any], message_id: int | None) -> None:
    settings = tools.settings
    token = settings.business_webhook_token
    headers = {"Authorization": bearer(token)} if token else {}
    await tools.outbound.request(
        "POST", settings.business_webhook_url, idempotent=True, json=about, headers=headers, secret_path=True
    )
    if message_id is not None:
        async with transaction(tools.engine) as connection:
            await _told(connection, message_id)


async def _texted(message_id: int, connection: AsyncConnection, _provider_id: str, _text: Text) -> None:
    await _told(connection, message_id)


async def _told(connection: AsyncConnection, message_id: int) -> None:
    """The message has been handed over."""
    told = update(CallMessage).where(CallMessage.id == message_id, CallMessage.told_at.is_(None))
    await connection.execute(told.values(told_at=func.now()))


def _left(message_id: int) -> Executable:
    columns = (
        CallMessage.call_sid, CallMessage.name, CallMessage.number, CallMessage.body, CallMessage.urgent,
        CallMessage.created_at,
    )  # fmt: skip
    return (
        select(*columns, *_WHOM)
        .join(Business, Business.id == CallMessage.business_id)
        .where(CallMessage.id == message_id)
    )


def _message(found: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "business_id": found.business_id,
        "call_sid": found.call_sid,
        "name": found.name,
        "number": found.number,
        "text": found.body,
        "urgent": found.urgent,
        "at": found.created_at.isoformat(),
    }


def _left_in_words(found: Any) -> str:
    who = " ".join(part for part in (found.name, found.number) if part) or "?"
    urgent = in_language(URGENT, found.language) if found.urgent else ""
    return urgent + in_language(LEFT_MESSAGE, found.language).format(
        who=who, from_whom=prefixed("מ", who), text=found.body
    )


def _sent_away(call_sid: str) -> Executable:
    return (
        select(Call.call_sid, Call.from_number, Call.end_reason, Call.started_at, *_WHOM)
        .join(Business, Business.id == Call.business_id)
        .where(Call.call_sid == call_sid)
    )


def _missed(found: Any) -> dict[str, Any]:
    return {
        "type": "missed_call",
        "business_id": found.business_id,
        "call_sid": found.call_sid,
        "number": caller_id(found.from_number) or "",
        "reason": found.end_reason,
        "at": found.started_at.isoformat(),
    }


def _sent_away_in_words(found: Any) -> str:
    ending = ending_of(found.end_reason or "")
    why = found.end_reason if ending is None else ending.en if found.language == "en" else ending.he
    who = caller_id(found.from_number) or "?"
    return in_language(SENT_AWAY, found.language).format(who=who, from_whom=prefixed("מ", who), why=why)
