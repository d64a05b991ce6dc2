"""The control interface under /_/: place calls, set faults, read what the stand-ins received."""

import asyncio
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import web

from simulator.caller import Caller
from simulator.faults import FaultBoard
from simulator.live import LiveCall, Note, Registry
from simulator.records import RecordError, build
from simulator.scenario import Library, ScenarioError
from simulator.settings import Settings
from simulator.stand_ins.rest import RestStandIns
from simulator.stand_ins.whatsapp import WhatsAppMessage, deliver

# The customer and the business that a fresh demo stack knows.
FROM: Final = "+972501234567"
TO: Final = "+97235550100"


@dataclass(frozen=True)
class CallOrder:
    """What `POST /_/calls` asks for."""

    scenario: str = "demo"
    speed: float = 1.0
    from_number: str = FROM
    to_number: str = TO
    call_sid: str | None = None
    count: int = 1
    overrides: Mapping[str, Any] = field(default_factory=dict)
    api_url: str | None = None
    calls_url: str | None = None


class Control:
    """Places calls and steers the stand-ins."""

    def __init__(
        self,
        registry: Registry,
        faults: FaultBoard,
        rest: RestStandIns,
        *,
        library: Library,
        settings: Settings,
        http: Callable[[], aiohttp.ClientSession],
    ) -> None:
        self.registry = registry
        self._faults = faults
        self._rest = rest
        self._library = library
        self._settings = settings
        self._http = http

    def routes(self) -> list[web.RouteDef]:
        """Return the paths served."""
        return [
            web.post("/_/calls", self.place_calls),
            web.get("/_/calls", self.list_calls),
            web.delete("/_/calls", self.wind_up_calls),
            web.get("/_/scenarios", self.list_scenarios),
            web.get("/_/requests", self.list_requests),
            web.delete("/_/requests", self.forget_requests),
            web.post("/_/faults", self.set_faults),
            web.delete("/_/faults", self.clear_faults),
            web.post("/_/whatsapp", self.send_whatsapp),
        ]

    async def place_calls(self, request: web.Request) -> web.StreamResponse:
        """Place one or more calls at once; stream what each caller experiences, one JSON object a line."""
        try:
            order = _order(await _body(request))
            self._library.load(order.scenario, order.overrides)
        except (RecordError, ScenarioError) as error:
            return _bad_request(error)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        notes: asyncio.Queue[Note] = asyncio.Queue()
        calls = [asyncio.create_task(self.place(order, notes.put_nowait)) for _ in range(order.count)]
        try:
            async for note in _until_done(notes, calls):
                await response.write(orjson.dumps(note) + b"\n")
        finally:
            for call in calls:
                call.cancel()
        await response.write_eof()
        return response

    async def place(self, order: CallOrder, listener: Callable[[Note], None]) -> dict[str, Any]:
        """Place one call; tell the listener what happens, the result last."""
        scenario = self._library.load(order.scenario, order.overrides)
        numbered = order.call_sid if order.count == 1 else None
        live = self.registry.open(scenario, speed=order.speed, listener=listener, call_sid=numbered)
        result = await self._run(live, order)
        if scenario.again is not None:
            again = self.registry.open(scenario.again, speed=order.speed, listener=listener)
            again.script.recall(live.script)
            following = await self._run(again, order)
            problems = result["problems"] + following["problems"]
            result = {**result, "ok": not problems, "problems": problems, "again": following}
        live.note("result", **result)
        return result

    async def _run(self, live: LiveCall, order: CallOrder) -> dict[str, Any]:
        if order.count > 1:
            listener = live.listener
            live.listener = lambda note: listener({"call_sid": live.call_sid, **note})
        settings = replace(
            self._settings,
            api_url=order.api_url or self._settings.api_url,
            calls_url=order.calls_url or self._settings.calls_url,
        )
        caller = Caller(live, settings, self._http(), from_number=order.from_number, to_number=order.to_number)
        try:
            return await caller.run()
        except Exception as error:
            traceback.print_exc()
            live.problem(f"the simulator failed: {error!r}")
            return {"call_sid": live.call_sid, "scenario": live.scenario.name, "ok": False, "problems": live.problems}
        finally:
            self.registry.close(live)

    async def list_calls(self, _request: web.Request) -> web.Response:
        """List the calls under way."""
        calls = [
            {"call_sid": live.call_sid, "scenario": live.scenario.name, "t_ms": live.now_ms()} for live in self.registry
        ]
        return _json(calls)

    async def wind_up_calls(self, _request: web.Request) -> web.Response:
        """Let every caller say one thing more, hear the answer, and hang up."""
        for live in self.registry:
            live.script.wind_up()
        return web.Response(status=204)

    async def list_scenarios(self, _request: web.Request) -> web.Response:
        """List the scenarios with what each is for."""
        return _json({name: self._library.load(name).description for name in self._library.names()})

    async def list_requests(self, request: web.Request) -> web.Response:
        """List what the REST stand-ins received, oldest first."""
        service = request.query.get("service")
        return _json([each for each in self._rest.requests if service in (None, each["service"])])

    async def forget_requests(self, _request: web.Request) -> web.Response:
        """Empty the list of requests."""
        self._rest.requests.clear()
        return web.Response(status=204)

    async def set_faults(self, request: web.Request) -> web.Response:
        """Make the stand-ins misbehave."""
        try:
            self._faults.set(await _body(request))
        except RecordError as error:
            return _bad_request(error)
        return web.Response(status=204)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Make the stand-ins behave."""
        self._faults.clear()
        return web.Response(status=204)

    async def send_whatsapp(self, request: web.Request) -> web.Response:
        """Send a customer's WhatsApp message to the api."""
        try:
            data = await _body(request)
            message = build(WhatsAppMessage, {"sender" if name == "from" else name: data[name] for name in data})
        except RecordError as error:
            return _bad_request(error)
        try:
            return _json(await deliver(message, self._settings, self._http()))
        except aiohttp.ClientError as error:
            return web.json_response({"error": f"the api did not take it: {error}"}, status=502)


def _order(data: Mapping[str, Any]) -> CallOrder:
    names = {"from": "from_number", "to": "to_number"}
    order = build(CallOrder, {names.get(name, name): value for name, value in data.items()})
    if not 0 < order.speed <= 50 or not 0 < order.count <= 500:
        raise RecordError("speed must be above 0 and at most 50, count from 1 to 500")
    return order


async def _until_done(notes: "asyncio.Queue[Note]", calls: "list[asyncio.Task[Any]]") -> Any:
    everyone = asyncio.gather(*calls)
    while not (everyone.done() and notes.empty()):
        waiting: asyncio.Future[Any] = asyncio.ensure_future(notes.get())
        await asyncio.wait([waiting, everyone], return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            yield waiting.result()
        else:
            waiting.cancel()
    everyone.result()


async def _body(request: web.Request) -> Mapping[str, Any]:
    raw = await request.read()
    try:
        data = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as error:
        raise RecordError(f"the body is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise RecordError("the body must be a JSON object")
    return data


def _json(body: Any) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")


def _bad_request(error: Exception) -> web.Response:
    return web.json_response({"error": str(error)}, status=400)
