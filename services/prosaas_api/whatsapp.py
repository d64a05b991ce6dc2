"""WhatsApp's webhooks, through Twilio and from Meta: kept and acknowledged at once, answered by the worker."""

import hmac
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response

from prosaas_api import bodies, inbox, signatures, twiml
from prosaas_api.problems import Problem
from prosaas_api.state import AppState
from prosaas_api.voice import signed_form
from prosaas_core.inbound import Incoming
from prosaas_logging import get_logger
from prosaas_logging.catalogue import SIGNATURE_REJECTED, WHATSAPP_STATUS

MAX_META_BODY = 3 * 1024 * 1024

log = get_logger(__name__)
router = APIRouter(include_in_schema=False)


@router.post("/whatsapp/twilio")
async def from_twilio(request: Request, state: AppState) -> Response:
    """A message, or the fate of one of ours."""
    form = await signed_form(request, state)
    message_id = form.get("MessageSid", "")
    if not message_id:
        raise bodies.rejected("twilio", 422, "MessageSid is missing")
    if delivery := form.get("MessageStatus"):
        await inbox.delivered(state, message_id, delivery, form.get("ErrorCode"))
    else:
        await inbox.receive(state, [_twilio_message(message_id, form)])
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
    log.event(WHATSAPP_STATUS, status="webhook verified")
    return Response(asked.get("hub.challenge", ""), media_type="text/plain")


@router.post("/whatsapp/meta")
async def from_meta(request: Request, state: AppState) -> Response:
    """A batch of messages, deliveries and account news; all of its messages are kept, or none and Meta comes again."""
    body = await bodies.read(request, "meta", MAX_META_BODY)
    signatures.check_meta(request, body, state.settings)
    try:
        changes = list(_changes(bodies.json_object(body, "meta")))
        messages = [message for change in changes for message in _meta_messages(change)]
        deliveries = [found for change in changes for found in change.get("value", {}).get("statuses", [])]
        news = [change["value"].get("event", change["field"]) for change in changes if change["field"] != "messages"]
        fates = [(found["id"], found["status"], _error_code(found)) for found in deliveries]
    except (KeyError, TypeError, AttributeError, IndexError):
        raise bodies.rejected("meta", 422, "not the form of a WhatsApp webhook") from None
    await inbox.receive(state, messages)
    for message_id, delivery, error in fates:
        await inbox.delivered(state, message_id, delivery, error)
    for event in news:
        log.event(WHATSAPP_STATUS, status=str(event))
    return Response(status_code=200)


def _twilio_message(message_id: str, form: bodies.Form) -> Incoming:
    sender = form.get("From", "").removeprefix("whatsapp:")
    return Incoming(
        provider="twilio",
        message_id=message_id,
        to=form.get("To", "").removeprefix("whatsapp:"),
        sender=form.get("WaId") or sender,
        phone=sender if sender.startswith("+") else None,
        name=form.get("ProfileName", ""),
        text=form.get("Body", "") or _attachment(form.get("MediaContentType0")),
    )


def _changes(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in body["entry"]:
        yield from entry["changes"]


def _meta_messages(change: dict[str, Any]) -> Iterator[Incoming]:
    value = change["value"]
    names = {contact["wa_id"]: contact.get("profile", {}).get("name", "") for contact in value.get("contacts", [])}
    for message in value.get("messages", []):
        sender = str(message["from"])
        yield Incoming(
            provider="meta",
            message_id=str(message["id"]),
            to=str(value["metadata"]["phone_number_id"]),
            sender=sender,
            phone=f"+{sender}" if sender.isdecimal() else None,
            name=str(names.get(sender, "")),
            text=str(message["text"]["body"]) if message["type"] == "text" else _attachment(message["type"]),
        )


def _attachment(kind: str | None) -> str:
    return f"[{kind}]" if kind else ""


def _error_code(found: dict[str, Any]) -> str | None:
    errors = found.get("errors") or []
    return str(errors[0].get("code")) if errors else None
