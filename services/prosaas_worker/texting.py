"""Text messages through Twilio (SMS, WhatsApp) and Meta's Cloud API: sending one, and settling a lost answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypedDict
from urllib.parse import quote

import httpx

from prosaas_core.outward.http import Unavailable, bearer
from prosaas_worker.job import Tools

Provider = Literal["twilio", "meta"]

META_VERSION = "v23.0"
# The longest body that each takes; what is longer is refused whole.
LONGEST: dict[Provider, int] = {"twilio": 1600, "meta": 4096}
# Twilio stamps whole seconds by its own clock.
_CLOCK_SLACK = timedelta(seconds=30)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?…])\s|\n")


class Template(TypedDict):
    """A message that Meta has approved: it may open a conversation, as free words may not."""

    name: str
    language: str
    parameters: list[str]


@dataclass(frozen=True, slots=True)
class Text:
    """One message as its provider addresses it: Twilio by numbers, Meta by the sender's phone number id."""

    provider: Provider
    sender: str
    recipient: str
    body: str
    template: Template | None = None

    @property
    def channel(self) -> str:
        """How it travels, for the log."""
        return "sms" if self.provider == "twilio" and not self.sender.startswith("whatsapp:") else self.provider


def fit(body: str, provider: Provider) -> str:
    """Return *body* cut to what its provider takes: after a sentence or a word, where that keeps half of it."""
    longest = LONGEST[provider]
    if len(body) <= longest:
        return body
    kept = body[: longest - 2]
    breaks = (*_SENTENCE_ENDS.finditer(kept),), (*re.finditer(r"\s", kept),)
    for ends in breaks:
        if ends and ends[-1].start() >= longest // 2:
            return kept[: ends[-1].start()].rstrip() + " …"
    return kept + " …"


async def send(tools: Tools, text: Text, key: str) -> str:
    """Hand *text* to its provider and return the id that it gave the message.

    Meta hands *key* back with the message's statuses. An answer without an id is one that was lost.
    """
    settings = tools.settings
    if text.provider == "meta":
        response = await tools.outbound.request(
            "POST",
            f"{settings.whatsapp_base_url}/{META_VERSION}/{quote(text.sender, safe='')}/messages",
            idempotent=False,
            json={
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                **_recipient(text.recipient),
                **_content(text),
                "biz_opaque_callback_data": key,
            },
            headers={"Authorization": bearer(settings.whatsapp_access_token)},
        )
        return _read(response, lambda answer: answer["messages"][0]["id"])
    response = await tools.outbound.request(
        "POST",
        _twilio_messages(tools),
        idempotent=False,
        form={"From": text.sender, "To": text.recipient, "Body": text.body},
        auth=(settings.twilio_account_sid, settings.twilio_auth_token),
    )
    return _read(response, lambda answer: answer["sid"])


async def find_sent(tools: Tools, text: Text, since: datetime) -> list[str]:
    """Return the ids under which Twilio took *text* after *since*; Meta has no way to ask."""
    settings = tools.settings
    response = await tools.outbound.request(
        "GET",
        _twilio_messages(tools),
        idempotent=True,
        params={"From": text.sender, "To": text.recipient, "PageSize": "100"},
        auth=(settings.twilio_account_sid, settings.twilio_auth_token),
    )
    try:
        messages = [message for message in response.json()["messages"] if isinstance(message, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unavailable(response.url.netloc.decode("ascii"), "answered without a list of messages") from None
    return [
        str(message["sid"])
        for message in messages
        if message.get("sid")
        # Twilio takes white space off the ends.
        and str(message.get("body")).strip() == text.body.strip()
        and _taken_after(message, since - _CLOCK_SLACK)
    ]


def _recipient(recipient: str) -> dict[str, str]:
    """A number goes into `to`; in that field, the id of somebody without one is accepted and silently lost."""
    return {"to" if recipient.removeprefix("+").isdigit() else "recipient": recipient}


def _content(text: Text) -> dict[str, object]:
    if text.template is None:
        return {"type": "text", "text": {"body": text.body}}
    parameters = [{"type": "text", "text": value} for value in text.template["parameters"]]
    return {
        "type": "template",
        "template": {
            "name": text.template["name"],
            "language": {"code": text.template["language"]},
            "components": [{"type": "body", "parameters": parameters}],
        },
    }


def _read(response: httpx.Response, pick: Callable[[Any], object]) -> str:
    try:
        message_id = pick(response.json())
    except (ValueError, LookupError, TypeError, RecursionError):
        message_id = None
    if not isinstance(message_id, str) or not message_id:
        host = response.url.netloc.decode("ascii")
        raise Unavailable(host, "answered without the message's id", perhaps_done=True)
    return message_id


def _taken_after(message: dict[str, Any], moment: datetime) -> bool:
    try:
        return parsedate_to_datetime(str(message.get("date_created"))) >= moment
    except (TypeError, ValueError, OverflowError):
        return False


def _twilio_messages(tools: Tools) -> str:
    settings = tools.settings
    account = quote(settings.twilio_account_sid, safe="")
    return f"{settings.twilio_base_url}/2010-04-01/Accounts/{account}/Messages.json"
