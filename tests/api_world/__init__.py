"""What stands around the api in tests: signers for Twilio and Meta, and a calls service that says what it is told."""

import asyncio
import hashlib
import hmac
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from starlette.types import ASGIApp
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
    hold: bool = False

    async def readyz(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.hold:
            await asyncio.sleep(30)
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


@dataclass
class Server:
    """The api as a process of its own, with what it has said so far."""

    process: asyncio.subprocess.Process
    url: str
    said: list[str] = field(default_factory=list)

    async def listen_to(self, word: str) -> bool:
        """Read on until a line has the word in it; False when the process ends before."""
        assert self.process.stdout is not None
        while line := (await self.process.stdout.readline()).decode():
            self.said.append(line)
            if word in line:
                return True
        return False


async def asgi(
    app: ASGIApp,
    path: str,
    receive: Callable[[], Awaitable[Any]],
    taken: Callable[[Any], Awaitable[Any]] | None = None,
    /,
    **headers: str,
) -> list[Any]:
    """One request without a client around it. What is sent is `taken` one by one."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if taken is not None:
            await taken(message)

    named = [(name.lower().replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    conn = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": named}
    await app({**conn, "raw_path": path.encode(), "root_path": "", "scheme": "http"}, receive, send)
    return sent


@asynccontextmanager
async def serving(environ: Mapping[str, str], port: int, **more: str) -> AsyncIterator[Server]:
    """Run `python -m prosaas_api` until the block ends."""
    services = str(Path(__file__).parents[2] / "services")
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": services, "PORT": str(port), "LOG_BLACKBOX": "stdout"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "prosaas_api"),
        env={**kept, **environ, **more},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        yield server
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def reachable(server: Server) -> httpx.AsyncClient:
    """A client of the server, once it answers."""
    client = httpx.AsyncClient(base_url=server.url, timeout=10)
    while server.process.returncode is None:
        try:
            await client.get("/healthz")
            return client
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    raise AssertionError("the api ended before it answered")
