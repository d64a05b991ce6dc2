"""WhatsApp's webhooks, through Twilio and from Meta: kept and acknowledged at once, answered by the worker."""

import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from prosaas_api import bodies, inbox, signatures, twiml
from prosaas_api.forms import checked
from prosaas_api.problems import Problem
from prosaas_api.request_scope import annotate
from prosaas_api.state import AppState
from prosaas_api.voice import signed_form
from prosaas_core.messages import incoming
from prosaas_core.messages.fates import Fate
from prosaas_core.messages.incoming import MAX_ID, Incoming
from prosaas_logging import get_logger
from prosaas_logging.catalogue import BODY_REJECTED, SIGNATURE_REJECTED, WHATSAPP_STATUS

log = get_logger(__name__)
router = APIRouter(include_in_schema=False)


@router.post("/whatsapp/twilio")
async def from_twilio(request: Request, state: AppState) -> Response:
    """A message, or the fate of one of ours."""
    form = checked(await signed_form(request, state), "MessageSid")
    annotate(message_id=form["MessageSid"])
    if status := form.get("MessageStatus"):
        await inbox.delivered(state, "twilio", [Fate(form["MessageSid"], status, form.get("ErrorCode"))])
    elif form.get("From"):
        await inbox.receive(state, [incoming.from_twilio(form)])
    else:
        raise bodies.rejected("twilio", 422, "From is missing or not of its form")
    return Response(twiml.nothing(), media_type="text/xml")


@router.get("/whatsapp/meta")
async def verify_meta(request: Request, state: AppState) -> Response:
    """Meta's question whether this is the right address; the answer is its challenge."""
    asked, expected = request.query_params, state.settings.whatsapp_verify_token
    given = asked.get("hub.verify_token", "")
    if (
        asked.get("hub.mode") != "subscribe"
        or not expected
        or not hmac.compare_digest(given.encode(), expected.encode())
    ):
        log.event(SIGNATURE_REJECTED, source="meta", reason="the verify token does not match WHATSAPP_VERIFY_TOKEN")
        raise Problem(403, "the verify token does not match")
    log.event(WHATSAPP_STATUS, status="verified", channel="meta")
    return Response(asked.get("hub.challenge", ""), media_type="text/plain")


@router.post("/whatsapp/meta")
async def from_meta(request: Request, state: AppState) -> Response:
    """A batch of messages, deliveries and account news. What cannot be understood costs its neighbours nothing."""
    body = await request.body()
    signatures.check_meta(request, body, state.settings)
    entries = bodies.json_object(body, "meta").get("entry")
    if not isinstance(entries, list):
        raise bodies.rejected("meta", 422, "not the form of a WhatsApp webhook")
    changes = [change for entry in entries for change in _objects(entry, "changes")]
    messages = [message for change in changes for message in _messages(change)]
    fates = [fate for change in changes for fate in _fates(change)]
    async with state.batches:
        await inbox.receive(state, [message for message in messages if message is not None])
        await inbox.delivered(state, "meta", [fate for fate in fates if fate is not None])
    if None in messages or None in fates:
        log.event(BODY_REJECTED, source="meta", reason="a part of a batch is not of its form")
    for change in changes:
        if (field := _word(change.get("field"))) not in ("", "messages"):
            state.connections.account_news(field, _object(change, "value"))
    return Response(status_code=200)


def _messages(change: Mapping[str, Any]) -> Iterator[Incoming | None]:
    value = _object(change, "value")
    to = _word(_object(value, "metadata").get("phone_number_id"))
    if not value:
        yield None
    for message in _objects(value, "messages"):
        yield incoming.from_meta(message, value.get("contacts", ()), to=to) if to else None


def _fates(change: Mapping[str, Any]) -> Iterator[Fate | None]:
    for told in _objects(_object(change, "value"), "statuses"):
        message_id, status = _word(told.get("id")), _word(told.get("status"))
        error = next((str(error.get("code"))[:MAX_ID] for error in _objects(told, "errors")), None)
        key = _word(told.get("biz_opaque_callback_data"))
        yield Fate(message_id, status, error, key) if message_id and status else None


def _object(of: object, name: str) -> Mapping[str, Any]:
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _objects(of: object, name: str) -> list[dict[str, Any]]:
    """What is in a list; an odd member counts as an empty one, so that it is noticed."""
    found = of.get(name, []) if isinstance(of, dict) else [None]
    return [member if isinstance(member, dict) else {} for member in (found if isinstance(found, list) else [None])]


def _word(value: object) -> str:
    """An id or a name: short and printable; nothing else is one."""
    return value if isinstance(value, str) and len(value) <= MAX_ID and value.isprintable() else ""
