"""What going live asks of OpenAI and Twilio: is this key good, which numbers are there, lead them here.

With the standard library: it is asked once in a stack's life, and the tools start faster without a client.
"""

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from prosaas_ops.conduct.files import problem
from prosaas_ops.options import Problem
from prosaas_ops.texts import live as words

_TIMEOUT_S = 10.0
_LONGEST_ANSWER = 1 << 20
_READ = "docs/going-live.md"


class Answer(NamedTuple):
    """A status and, where the body was a JSON object, what was in it."""

    status: int
    body: dict[str, Any]

    @property
    def said(self) -> str:
        """The other side's own words."""
        error = self.body.get("error")
        told = error.get("message") if isinstance(error, dict) else self.body.get("message") or self.body.get("detail")
        return f"{self.status}{f', {str(told)[:200]}' if told else ''}"


class _Stay(urllib.request.HTTPRedirectHandler):
    """A key is for the address that was asked, and for no other that it names."""

    def redirect_request(self, *_: Any) -> None:
        return None


def trusting(bundle: str) -> ssl.SSLContext:
    """The machine's own authorities, and those of a proxy that inspects TLS."""
    context = ssl.create_default_context()
    if bundle and Path(bundle).is_file():
        context.load_verify_locations(bundle)
    return context


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: object = None,
    context: ssl.SSLContext | None = None,
    direct: bool = False,
) -> Answer:
    """One request, its answer bounded; OSError where there is none. `direct` goes past every proxy."""
    sent, data = dict(headers or {}), None
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    elif body is not None:
        data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
    handlers: list[urllib.request.BaseHandler] = [_Stay(), urllib.request.HTTPSHandler(context=context)]
    if direct:
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=data, headers=sent, method=method)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=_TIMEOUT_S) as answer:
            status, text = int(answer.status), answer.read(_LONGEST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read(_LONGEST_ANSWER)
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    return Answer(status, found if isinstance(found, dict) else {})


def _asked(name: str, method: str, url: str, **options: Any) -> Answer:
    try:
        return ask(method, url, **options)
    except OSError as error:
        host = urllib.parse.urlsplit(url).netloc
        raise problem(
            words.NO_ANSWER(name=name, host=host, why=getattr(error, "reason", error)), str(words.GO_OUT), _READ
        ) from None


class OpenAI:
    """The model, as the key's owner may use it."""

    def __init__(self, base: str, context: ssl.SSLContext) -> None:
        self._base, self._context = base, context

    def check(self, key: str, model: str) -> None:
        """Problem where the key is refused, or may not use the model."""
        url = f"{self._base}/models/{urllib.parse.quote(model, safe='')}"
        answer = _asked("OpenAI", "GET", url, headers={"Authorization": f"Bearer {key}"}, context=self._context)
        if answer.status in (401, 403):
            raise problem(words.OPENAI_REFUSES(said=answer.said), str(words.OPENAI_KEYS), _READ)
        if answer.status == 404:
            raise problem(words.NO_MODEL(model=model, said=answer.said), str(words.OTHER_MODEL), _READ)
        if answer.status != 200:
            raise problem(words.OPENAI_UNSURE(said=answer.said), str(words.SOON), _READ)


class Twilio:
    """One account, its phone numbers and WhatsApp senders."""

    def __init__(self, base: str, account: str, token: str, context: ssl.SSLContext) -> None:
        self._base, self._account, self._context = base, account, context
        self._headers = {"Authorization": "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()}
        # Senders have a host of their own, at Twilio itself.
        self._messaging = base.replace("://api.twilio.com", "://messaging.twilio.com")

    def check(self) -> str:
        """What the account's owner should know of it; Problem where it cannot be used."""
        answer = self._ask("GET", f"{self._base}/2010-04-01/Accounts/{self._account}.json")
        if answer.status in (401, 403):
            raise problem(words.TWILIO_REFUSES(said=answer.said), str(words.SAME_ACCOUNT), _READ)
        if answer.status == 404:
            raise problem(words.TWILIO_UNKNOWN(said=answer.said), str(words.SID_IS), _READ)
        if answer.status != 200:
            raise problem(words.TWILIO_UNSURE(said=answer.said), str(words.LATER), _READ)
        if (state := answer.body.get("status", "active")) != "active":
            raise problem(words.TWILIO_STATE(state=state), str(words.TWILIO_SAYS), _READ)
        return str(words.TRIAL) if answer.body.get("type") == "Trial" else ""

    def numbers(self) -> list[dict[str, Any]]:
        """The phone numbers that can be called."""
        url = f"{self._base}/2010-04-01/Accounts/{self._account}/IncomingPhoneNumbers.json?PageSize=200"
        found = self._fine(self._ask("GET", url)).get("incoming_phone_numbers", [])
        return [number for number in found if (number.get("capabilities") or {}).get("voice", True)]

    def lead_number(self, number: Mapping[str, Any], public: str) -> None:
        """Its calls and what becomes of them are told to us."""
        url = f"{self._base}/2010-04-01/Accounts/{self._account}/IncomingPhoneNumbers/{number['sid']}.json"
        self._fine(self._ask("POST", url, form=number_settings(public)))

    def senders(self) -> list[dict[str, Any]]:
        """The WhatsApp senders; none where the account has no access to them."""
        answer = self._ask("GET", f"{self._messaging}/v2/Channels/Senders?Channel=whatsapp&PageSize=100")
        return list(answer.body.get("senders", [])) if answer.status == 200 else []

    def lead_sender(self, sender: Mapping[str, Any], public: str) -> None:
        """Its messages are told to us."""
        webhook = {"callback_url": f"{public}/whatsapp/twilio", "callback_method": "POST"}
        url = f"{self._messaging}/v2/Channels/Senders/{sender['sid']}"
        self._fine(self._ask("POST", url, body={"webhook": webhook}))

    def _ask(self, method: str, url: str, **options: Any) -> Answer:
        return _asked("Twilio", method, url, headers=self._headers, context=self._context, **options)

    @staticmethod
    def _fine(answer: Answer) -> dict[str, Any]:
        if not 200 <= answer.status < 300:
            raise Problem(words.TWILIO_TOOK_NOT(said=answer.said))
        return answer.body


def number_settings(public: str) -> dict[str, str]:
    """A phone number's settings that lead it here. An application would outweigh the address, so there is none."""
    return {
        "VoiceApplicationSid": "",
        "VoiceUrl": f"{public}/twilio/voice",
        "VoiceMethod": "POST",
        "StatusCallback": f"{public}/twilio/status",
        "StatusCallbackMethod": "POST",
    }


def leads_here(number: Mapping[str, Any], public: str) -> bool:
    """Whether the number's settings are those already."""
    said = {name.replace("_", ""): value or "" for name, value in number.items()}
    return all(said.get(name.lower(), "") == value for name, value in number_settings(public).items())
