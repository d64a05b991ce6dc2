"""Stand-ins for the REST services that the bundle calls: OpenAI Responses, Twilio and Meta's Graph."""

import asyncio
import secrets
import time
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import orjson
from aiohttp import encode_basic_auth, web

from simulator.faults import FaultBoard
from simulator.live import Redirection, Registry
from simulator.settings import Settings
from simulator.stand_ins.summary import summary_of

_KEPT: Final = 5_000
_REPLY: Final = "שלום! קיבלנו את ההודעה, ונחזור אליכם בהקדם עם תשובה."
_ASKS_FOR_SUMMARY: Final = ("סכם", "ummar")
_CALL_STATUSES: Final = {"completed", "canceled"}


class RestStandIns:
    """Answers as the real services would, misbehaves on demand, and remembers every request."""

    def __init__(self, registry: Registry, faults: FaultBoard, settings: Settings) -> None:
        self._registry = registry
        self._faults = faults
        self._settings = settings
        self.requests: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._messages: deque[dict[str, str]] = deque(maxlen=_KEPT)

    def routes(self) -> list[web.RouteDef]:
        """Return the paths served."""
        account = "/2010-04-01/Accounts/{account:[^/]*}"
        return [
            web.post("/v1/responses", self.responses),
            web.post(account + "/Calls/{call_sid}.json", self.update_call),
            web.post(account + "/Messages.json", self.twilio_message),
            web.get(account + "/Messages.json", self.twilio_messages),
            web.post(r"/{version:v\d+(\.\d+)?}/{phone_number_id}/messages", self.meta_message),
        ]

    async def responses(self, request: web.Request) -> web.Response:
        """OpenAI Responses: one text message, long enough to be a summary or a reply."""
        body = await request.json()
        if fault := await self.received("responses", request, body):
            return fault
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return openai_error(401, "invalid_api_key", "Incorrect API key provided.")
        if "model" not in body or "input" not in body:
            return openai_error(400, "missing_required_parameter", "Missing required parameter: 'model' or 'input'.")
        return json_response(_response_resource(body))

    async def update_call(self, request: web.Request) -> web.Response:
        """Twilio's call update: it really ends or redirects the live simulated call."""
        form = await self.form(request)
        if fault := await self.received("twilio", request, form):
            return fault
        if refusal := self.refuse_credentials(request):
            return refusal
        call_sid = request.match_info["call_sid"]
        live = self._registry.by_sid(call_sid)
        if live is None:
            return twilio_error(404, 20404, f"The requested resource /Calls/{call_sid}.json was not found")
        status = form.get("Status")
        if status is not None and status not in _CALL_STATUSES:
            return twilio_error(400, 20001, f"Invalid call status: {status}")
        if not form.keys() & {"Status", "Twiml", "Url"}:
            return twilio_error(400, 21218, "Invalid ApplicationSid, Url or Twiml")
        live.redirections.put_nowait(Redirection(status, form.get("Twiml"), form.get("Url")))
        return json_response(
            {"sid": call_sid, "status": status or "in-progress", "account_sid": request.match_info["account"]}
        )

    async def twilio_message(self, request: web.Request) -> web.Response:
        """Twilio's message creation."""
        form = await self.form(request)
        if fault := await self.received("twilio", request, form):
            return fault
        if refusal := self.refuse_credentials(request):
            return refusal
        if not form.get("To") or not form.get("From") or not form.get("Body"):
            return twilio_error(400, 21604, "A 'To' phone number, a 'From' and a 'Body' are required.")
        message = {
            "sid": f"SM{secrets.token_hex(16)}",
            "status": "queued",
            "to": form["To"],
            "from": form["From"],
            "body": form["Body"],
            "date_created": format_datetime(datetime.now(UTC)),
        }
        self._messages.appendleft(message)
        self._registry.texted(form["Body"])
        return json_response(message, status=201)

    async def twilio_messages(self, request: web.Request) -> web.Response:
        """Twilio's list of messages, newest first, of one pair of numbers where asked."""
        if fault := await self.received("twilio", request, dict(request.query)):
            return fault
        if refusal := self.refuse_credentials(request):
            return refusal
        wanted = {name.lower(): number for name, number in request.query.items() if name in ("To", "From")}
        found = [message for message in self._messages if wanted.items() <= message.items()]
        return json_response({"messages": found[: int(request.query.get("PageSize", "50"))]})

    async def meta_message(self, request: web.Request) -> web.Response:
        """Meta's message creation."""
        body = await request.json()
        if fault := await self.received("meta", request, body):
            return fault
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return json_response({"error": {"message": "Invalid OAuth access token.", "code": 190}}, status=401)
        if body.get("messaging_product") != "whatsapp" or not body.get("to"):
            error = {"message": "(#100) The parameter messaging_product is required.", "code": 100}
            return json_response({"error": error}, status=400)
        contact = {"input": body["to"], "wa_id": body["to"].lstrip("+")}
        message = {"id": f"wamid.{secrets.token_hex(16)}"}
        return json_response({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]})

    async def received(self, service: str, request: web.Request, body: Any) -> web.Response | None:
        """Note the request; the answer of a fault that is in force, if one is."""
        fault = self._faults.rest(service)
        self.requests.append(
            {
                "at": time.time(),
                "service": service,
                "path": request.path,
                "body": body,
                "idempotency_key": request.headers.get("Idempotency-Key"),
                "fault": fault.status if fault else None,
            }
        )
        if fault is None:
            return None
        await asyncio.sleep(fault.delay_ms / 1000)
        if not fault.status:
            return None
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        body = {"error": {"message": f"Simulated {fault.status}.", "type": "simulated", "code": str(fault.status)}}
        return web.json_response(body, status=fault.status, headers=headers)

    async def form(self, request: web.Request) -> dict[str, str]:
        """The fields of a form."""
        return {name: str(value) for name, value in (await request.post()).items()}

    def refuse_credentials(self, request: web.Request) -> web.Response | None:
        """Twilio's answer to a wrong token, if it is one."""
        account = request.match_info.get("account", self._settings.account_sid)
        expected = encode_basic_auth(account, self._settings.twilio_token)
        wrong = request.headers.get("Authorization", "") != expected
        return twilio_error(401, 20003, "Authenticate") if wrong else None


def _response_resource(body: dict[str, Any]) -> dict[str, Any]:
    asked = body.get("instructions") or ""
    text = summary_of(body["input"]) if any(word in asked for word in _ASKS_FOR_SUMMARY) else _REPLY
    content = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_{secrets.token_hex(16)}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
    return {
        "id": f"resp_{secrets.token_hex(16)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": body["model"],
        "output": [message],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 200,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 40,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 240,
        },
    }


def json_response(body: Any, status: int = 200) -> web.Response:
    """The body as JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def openai_error(status: int, code: str, message: str) -> web.Response:
    """An error in OpenAI's shape."""
    return json_response(
        {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}, status
    )


def twilio_error(status: int, code: int, message: str) -> web.Response:
    """An error in Twilio's shape."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json_response({"code": code, "message": message, "more_info": more, "status": status}, status)
