"""WhatsApp messages from simulated customers, as the signed webhooks of Twilio and of Meta."""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
import orjson

from simulator import signing
from simulator.settings import Settings


@dataclass(frozen=True)
class WhatsAppMessage:
    """What a customer sends; `copies` deliveries of the same message id, as happens when an answer got lost."""

    channel: Literal["twilio", "meta"] = "twilio"
    text: str = "שלום, אפשר לקבוע תור?"
    sender: str = "+972501234567"
    to: str = "+97235550100"
    name: str = "דוד"
    message_id: str | None = None
    copies: int = 1
    phone_number_id: str = "100000000000456"


async def deliver(message: WhatsAppMessage, settings: Settings, http: aiohttp.ClientSession) -> dict[str, Any]:
    """Post the webhook; return the message's id and the status of each delivery."""
    prefix = "SM" if message.channel == "twilio" else "wamid."
    message_id = message.message_id or prefix + secrets.token_hex(16)
    path = f"/whatsapp/{message.channel}"
    if message.channel == "twilio":
        form = _twilio_form(message, message_id, settings)
        body: Any = form
        headers = {"X-Twilio-Signature": signing.twilio(settings.twilio_token, settings.public_base + path, form)}
    else:
        body = orjson.dumps(_meta_body(message, message_id))
        headers = {
            "X-Hub-Signature-256": signing.meta(settings.meta_secret, body),
            "Content-Type": "application/json",
        }
    statuses = []
    for _ in range(message.copies):
        async with http.post(settings.api_url.rstrip("/") + path, data=body, headers=headers) as response:
            statuses.append(response.status)
    return {"message_id": message_id, "statuses": statuses}


def _twilio_form(message: WhatsAppMessage, message_id: str, settings: Settings) -> dict[str, str]:
    return {
        "MessageSid": message_id,
        "SmsMessageSid": message_id,
        "AccountSid": settings.account_sid,
        "From": f"whatsapp:{message.sender}",
        "To": f"whatsapp:{message.to}",
        "Body": message.text,
        "NumMedia": "0",
        "WaId": message.sender.lstrip("+"),
        "ProfileName": message.name,
        "ApiVersion": "2010-04-01",
    }


def _meta_body(message: WhatsAppMessage, message_id: str) -> dict[str, Any]:
    sender = message.sender.lstrip("+")
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": message.to.lstrip("+"), "phone_number_id": message.phone_number_id},
        "contacts": [{"profile": {"name": message.name}, "wa_id": sender}],
        "messages": [
            {
                "from": sender,
                "id": message_id,
                "timestamp": str(int(time.time())),
                "type": "text",
                "text": {"body": message.text},
            }
        ],
    }
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "200000000000002", "changes": [change]}]}
