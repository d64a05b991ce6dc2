"""The simulator as one web application: the stand-ins at the real services' paths, the control interface under /_/."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from simulator.audio.speech import warm_up
from simulator.control import Control
from simulator.faults import FaultBoard
from simulator.live import Registry
from simulator.model import events
from simulator.model.realtime import RealtimeSession
from simulator.scenario import SHIPPED, Library
from simulator.settings import Settings
from simulator.stand_ins.accounts import AccountStandIns
from simulator.stand_ins.rest import RestStandIns

DEFAULT_SCENARIO = "demo"


def make_app(settings: Settings) -> web.Application:
    """Return the application; each one is a world of its own."""
    folders = [SHIPPED] + ([settings.scenarios] if settings.scenarios else [])
    warm_up()
    library, registry, faults = Library(*folders), Registry(), FaultBoard()
    rest = RestStandIns(registry, faults, settings)
    app = web.Application(client_max_size=16 * 1024 * 1024)

    async def http_client(_app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            app[HTTP] = session
            yield

    async def realtime(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(faults.faults.realtime.connect_delay_ms / 1000)
        if faults.refuses_realtime():
            return web.Response(status=faults.faults.realtime.refuse_status)
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return web.json_response({"error": {"code": "invalid_api_key"}}, status=401)
        ws = web.WebSocketResponse(compress=False, max_msg_size=16 * 1024 * 1024)
        await ws.prepare(request)
        if "OpenAI-Beta" in request.headers:
            await ws.send_json(
                events.error("The Realtime Beta API is no longer supported.", code="beta_api_shape_disabled")
            )
            await ws.close(code=4000)
            return ws
        session = RealtimeSession(
            ws,
            request.query.get("model", "gpt-realtime"),
            registry=registry,
            faults=faults,
            fallback=lambda: library.load(DEFAULT_SCENARIO),
        )
        await session.run()
        return ws

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    control = Control(registry, faults, rest, library=library, settings=settings, http=lambda: app[HTTP])
    app.cleanup_ctx.append(http_client)
    accounts = AccountStandIns(rest, settings)
    app.add_routes([web.get("/healthz", health), web.get("/v1/realtime", realtime)])
    app.add_routes([*rest.routes(), *accounts.routes(), *control.routes()])
    app[CONTROL] = control
    return app


HTTP = web.AppKey("http", aiohttp.ClientSession)
CONTROL = web.AppKey("control", Control)
