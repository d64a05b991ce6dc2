"""What stands around the worker in tests: OpenAI and Twilio over a real socket, and services as processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

from aiohttp import web

SAFETY_S = 60
SERVICES = Path(__file__).parents[2] / "services"


class StandIn:
    """Answers each question with its own words; *holding* leaves the requests of one kind without an answer."""

    def __init__(self) -> None:
        self.url = ""
        self.holding = ""
        self.held = asyncio.Event()
        self.asked = 0
        self.sent: list[dict[str, str]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/responses", self.responses)
        app.router.add_post("/2010-04-01/Accounts/AC1/Messages.json", self.send)
        app.router.add_get("/2010-04-01/Accounts/AC1/Messages.json", self.list)
        return app

    async def responses(self, request: web.Request) -> web.Response:
        self.asked += 1
        await self._hold("responses")
        question = (await request.json())["input"][-1]["content"]
        part = {"type": "output_text", "text": f"re: {question}"}
        return web.json_response({"output": [{"type": "message", "content": [part]}]})

    async def send(self, request: web.Request) -> web.Response:
        form = await request.post()
        sid = f"SM{len(self.sent):032d}"
        taken = {"sid": sid, "body": str(form["Body"]), "date_created": formatdate(usegmt=True)}
        self.sent.append(taken)
        await self._hold("messages")
        return web.json_response(taken, status=201)

    async def list(self, request: web.Request) -> web.Response:
        return web.json_response({"messages": self.sent})

    async def _hold(self, what: str) -> None:
        if self.holding == what:
            self.held.set()
            await asyncio.Event().wait()


@asynccontextmanager
async def service(module: str, environ: Mapping[str, str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a service as a process of its own; killed at the end, unless it has ended by itself."""
    inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVICES), "LOG_LANG": "en"}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, env={**inherited, **environ}, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Look until it is so; what is looked at is in a database or another process, which wake nobody up."""
    async with asyncio.timeout(SAFETY_S):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
