"""What stands around the api in tests: signers for Twilio and Meta, and a calls service that says what it is told."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web
from twilio.request_validator import RequestValidator

PUBLIC_URL = "https://prosaas.example/base"
AUTH_TOKEN = "twilio-token"
APP_SECRET = "meta-secret"
ADMIN_KEY = "admin-key"


@dataclass
class CallsService:
    """What /readyz of the calls service answers, and how often it was asked."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=lambda: {"status": "ready"})
    asked: int = 0

    async def readyz(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response(self.body, status=self.status)


@dataclass
class Client:
    """Speaks to the api as Twilio, as Meta, or as a program with an API key."""

    http: httpx.AsyncClient

    async def twilio(
        self, path: str, form: dict[str, str], *, token: str = AUTH_TOKEN, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, form)
        return await self.http.post(path, data=form, headers={"X-Twilio-Signature": signature, **(headers or {})})

    async def meta(self, body: Any, *, secret: str = APP_SECRET) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        return await self.http.post("/whatsapp/meta", content=content, headers={"X-Hub-Signature-256": signature})

    async def rest(self, method: str, path: str, *, key: str = ADMIN_KEY, **options: Any) -> httpx.Response:
        return await self.http.request(method, path, headers={"Authorization": f"Bearer {key}"}, **options)
