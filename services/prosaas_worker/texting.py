"""Text messages through Twilio (SMS, WhatsApp) and Meta's Cloud API: sending one, and settling a lost answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import quote

from prosaas_core.outbound import bearer
from prosaas_worker.job import Tools

Provider = Literal["twilio", "meta"]

META_VERSION = "v23.0"
# Twilio stamps whole seconds by its own clock.
_CLOCK_SLACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Text:
    """One message as its provider addresses it: Twilio by numbers, Meta by the sender's phone number id."""

    provider: Provider
    sender: str
    recipient: str
    body: str

    @property
    def channel(self) -> str:
        """How it travels, for the log."""
        return "sms" if self.provider == "twilio" and not self.sender.startswith("whatsapp:") else self.provider


async def send(tools: Tools, text: Text) -> str:
    """Hand *text* to its provider and return the id that it gave the message."""
    settings = tools.settings
    if text.provider == "meta":
        response = await tools.outbound.request(
            "POST",
            f"{settings.whatsapp_base_url}/{META_VERSION}/{quote(text.sender)}/messages",
            idempotent=False,
            json={
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": text.recipient,
                "type": "text",
                "text": {"body": text.body},
            },
            headers={"Authorization": bearer(settings.whatsapp_access_token)},
        )
        return str(response.json()["messages"][0]["id"])
    response = await tools.outbound.request(
        "POST",
        _twilio_messages(tools),
        idempotent=False,
        form={"From": text.sender, "To": text.recipient, "Body": text.body},
        auth=(settings.twilio_account_sid, settings.twilio_auth_token),
    )
    return str(response.json()["sid"])


async def find_sent(tools: Tools, text: Text, since: datetime) -> list[str]:
    """Return the ids under which *text*'s provider took it after *since*; Meta has no way to ask, so none there."""
    if text.provider == "meta":
        return []
    settings = tools.settings
    response = await tools.outbound.request(
        "GET",
        _twilio_messages(tools),
        idempotent=True,
        params={"From": text.sender, "To": text.recipient, "PageSize": "20"},
        auth=(settings.twilio_account_sid, settings.twilio_auth_token),
    )
    return [
        str(message["sid"])
        for message in response.json().get("messages", ())
        if message.get("body") == text.body and _taken_after(message, since - _CLOCK_SLACK)
    ]


def _taken_after(message: dict[str, Any], moment: datetime) -> bool:
    try:
        return parsedate_to_datetime(str(message.get("date_created"))) >= moment
    except (TypeError, ValueError):
        return False


def _twilio_messages(tools: Tools) -> str:
    settings = tools.settings
    return f"{settings.twilio_base_url}/2010-04-01/Accounts/{quote(settings.twilio_account_sid)}/Messages.json"
