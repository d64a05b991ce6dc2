"""Stand-ins for what going live asks of the providers: is a key good, which numbers are there, where do they lead."""

from typing import Any

from aiohttp import web

from simulator.settings import Settings
from simulator.stand_ins.rest import RestStandIns, json_response, openai_error, twilio_error

_NUMBER = "+97235550142"
# What a change of a number may say, by Twilio's two spellings.
_CHANGES = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceApplicationSid": "voice_application_sid",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
}


class AccountStandIns:
    """One account with one phone number and one WhatsApp sender, both of which lead nowhere at first."""

    def __init__(self, rest: RestStandIns, settings: Settings) -> None:
        self._rest = rest
        self._settings = settings
        self._number: dict[str, Any] = {
            "sid": "PN" + "1" * 32,
            "phone_number": _NUMBER,
            "friendly_name": "03-555-0142",
            "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
            "voice_url": "https://demo.twilio.com/welcome/voice/",
            "voice_method": "POST",
            "voice_application_sid": "",
            "status_callback": "",
            "status_callback_method": "POST",
        }
        self._sender: dict[str, Any] = {
            "sid": "XE" + "1" * 32,
            "sender_id": f"whatsapp:{_NUMBER}",
            "status": "ONLINE",
            "webhook": {"callback_url": "", "callback_method": "POST"},
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the paths served."""
        account = "/2010-04-01/Accounts/{account:[^/]*}"
        return [
            web.get("/v1/models/{model}", self.model),
            web.get(account + ".json", self.account),
            web.get(account + "/IncomingPhoneNumbers.json", self.numbers),
            web.post(account + "/IncomingPhoneNumbers/{sid}.json", self.change_number),
            web.get("/v2/Channels/Senders", self.senders),
            web.post("/v2/Channels/Senders/{sid}", self.change_sender),
        ]

    async def model(self, request: web.Request) -> web.Response:
        """OpenAI's description of a model, for a key that looks like one of theirs."""
        if fault := await self._rest.received("responses", request, {}):
            return fault
        if not request.headers.get("Authorization", "").startswith("Bearer sk-"):
            return openai_error(401, "invalid_api_key", "Incorrect API key provided.")
        name = request.match_info["model"]
        if not name.startswith("gpt-"):
            return openai_error(404, "model_not_found", f"The model '{name}' does not exist.")
        return json_response({"id": name, "object": "model", "created": 0, "owned_by": "system"})

    async def account(self, request: web.Request) -> web.Response:
        """Twilio's account."""
        if refusal := await self._refused(request, {}):
            return refusal
        return json_response({"sid": request.match_info["account"], "status": "active", "type": "Full"})

    async def numbers(self, request: web.Request) -> web.Response:
        """The account's phone numbers."""
        if refusal := await self._refused(request, dict(request.query)):
            return refusal
        return json_response({"incoming_phone_numbers": [self._number], "next_page_uri": None})

    async def change_number(self, request: web.Request) -> web.Response:
        """Where a number's calls lead."""
        form = await self._rest.form(request)
        if refusal := await self._refused(request, form):
            return refusal
        if request.match_info["sid"] != self._number["sid"]:
            return twilio_error(404, 20404, "The requested resource was not found")
        if not all(
            value.startswith("https://") for name, value in form.items() if name in ("VoiceUrl", "StatusCallback")
        ):
            return twilio_error(400, 21502, "Invalid VoiceUrl")
        self._number |= {_CHANGES[name]: value for name, value in form.items() if name in _CHANGES}
        return json_response(self._number)

    async def senders(self, request: web.Request) -> web.Response:
        """The account's WhatsApp senders."""
        if refusal := await self._refused(request, dict(request.query)):
            return refusal
        return json_response({"senders": [self._sender], "meta": {"key": "senders", "next_page_url": None}})

    async def change_sender(self, request: web.Request) -> web.Response:
        """Where a sender's messages lead."""
        body = await request.json()
        if refusal := await self._refused(request, body):
            return refusal
        if request.match_info["sid"] != self._sender["sid"]:
            return twilio_error(404, 20404, "The requested resource was not found")
        self._sender["webhook"] |= body.get("webhook", {})
        return json_response(self._sender, status=202)

    async def _refused(self, request: web.Request, body: Any) -> web.Response | None:
        if fault := await self._rest.received("twilio", request, body):
            return fault
        if request.match_info.get("account", self._settings.account_sid) != self._settings.account_sid:
            return twilio_error(404, 20404, "The requested resource was not found")
        return self._rest.refuse_credentials(request)
