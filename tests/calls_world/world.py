"""The calls service in this process, between a simulated caller and a simulated model."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import quoteattr

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from calls_world.waiting import SAFETY_SECONDS
from prosaas_calls.call.services import Services
from prosaas_calls.desk import Desk
from prosaas_calls.limits import Limits
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.model.realtime import RealtimeConnection
from prosaas_calls.model.spare import Spare
from prosaas_calls.pages import Pages
from prosaas_calls.profile import Profile
from prosaas_calls.server import CallServer
from prosaas_calls.service import realtime_url
from prosaas_calls.tools import declarations
from prosaas_core.database import DatabaseUnavailable
from prosaas_core.demo import WORKING_DAY
from prosaas_core.facts.prices import shipped
from prosaas_core.kept.journal import SUFFIX, Journals, claimed, read
from prosaas_core.outward.twilio_calls import ANSWERED_BY, TRANSFERRED, TwilioCalls
from prosaas_core.records import CallRecord
from prosaas_core.settings import Settings, load_settings
from prosaas_core.stream_token import StreamClaims, issue
from prosaas_core.tables import Business
from simulator.app import CONTROL, make_app
from simulator.control import CallOrder
from simulator.live import Note
from simulator.settings import Settings as SimulatorSettings

ACCOUNT = "AC" + "0" * 32
TOKEN = "twilio-token"
CALLER = "+972501234567"
BUSINESS = "+97235550100"
SPEED = 12.0
ENVIRON = {
    "DEMO": "1",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
}


def business(**changes: Any) -> Business:
    """A business as the database would have it."""
    columns = {
        "id": 456,
        "name": "מספרת דנה",
        "phone": BUSINESS,
        "greeting": "שלום, הגעתם למספרת דנה.",
        "instructions": "",
        "language": "he",
        "voice": "",
        "timezone": "Asia/Jerusalem",
        "slot_minutes": 30,
        "opening_hours": dict.fromkeys(("sun", "mon", "tue", "wed", "thu"), WORKING_DAY),
        "transfer_number": "+97235550199",
    }
    return Business(**{**columns, **changes})


class FakeStore:
    """A database that knows one business and one customer, or that is away."""

    def __init__(self) -> None:
        self.known = Profile(business(), 7, "דוד")
        self.records: list[CallRecord] = []
        self.away = False
        # By call, the seat that it was led to.
        self.led: dict[str, str] = {}

    async def take_over(self, claims: StreamClaims, *, seat: str, stream_sid: str) -> bool:
        taken = not self.away and self.led.get(claims.call_sid) == claims.seat
        if taken:
            self.led[claims.call_sid] = seat
        return taken

    async def profile(self, claims: StreamClaims) -> Profile:
        return Profile() if self.away else self.known

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        raise DatabaseUnavailable("no tables here")
        yield

    async def save(self, record: CallRecord) -> None:
        if self.away:
            raise DatabaseUnavailable("no database")
        self.records.append(record)


@dataclass
class CallsWorld:
    """Everything running, and shorthand for what tests do with it."""

    simulator: TestServer
    service: URL
    operators: URL
    desk: Desk
    store: Any
    settings: Settings
    http: ClientSession
    spare: Spare
    notes: list[Note] = field(default_factory=list)

    def nobody_to_ring(self) -> None:
        """The business has no number for a person."""
        self.store.known = Profile(business(transfer_number=None), 7, "דוד")

    async def call(self, overrides: Mapping[str, Any] | None = None, **order: Any) -> dict[str, Any]:
        """Place one call and return what the caller lived through."""
        calls_url = str(self.service.with_scheme("ws")).rstrip("/")
        wanted = {"scenario": "demo", "speed": SPEED, "overrides": overrides or {}, "calls_url": calls_url, **order}
        result: dict[str, Any] = await self.simulator.app[CONTROL].place(CallOrder(**wanted), self.notes.append)
        return result

    async def faults(self, **faults: Any) -> None:
        """Make the stand-ins misbehave."""
        async with self.http.post(self.simulator.make_url("/_/faults"), json=faults) as response:
            assert response.status < 300, await response.text()

    async def requests(self, service: str) -> list[dict[str, Any]]:
        """What a REST stand-in received."""
        async with self.http.get(self.simulator.make_url("/_/requests"), params={"service": service}) as response:
            received: list[dict[str, Any]] = await response.json()
            return received

    def stream_url(self) -> URL:
        """Where Twilio would dial."""
        return self.service.with_path("/media-stream")

    def token(self, call_sid: str, **claims: Any) -> str:
        """A token as the api issues it."""
        return issue(
            self.settings.call_token_secret,
            call_sid=call_sid,
            **{"business_id": 456, "from_number": CALLER, "to_number": BUSINESS, **claims},
        )

    def noted(self, what: str) -> list[Note]:
        """What the caller noted of one kind."""
        return [note for note in self.notes if note["what"] == what]


@asynccontextmanager
async def outside(environ: Mapping[str, str]) -> AsyncIterator[tuple[TestServer, Settings]]:
    """The simulator, the door in place of the api, and the settings of a service that stands between them."""
    door = _Door()
    door_server = TestServer(door.app())
    async with door_server:
        simulated = SimulatorSettings(
            api_url=_base(door_server), public_url="https://phone.example", account_sid=ACCOUNT, twilio_token=TOKEN
        )
        simulator = TestServer(make_app(simulated))
        async with simulator:
            door.settings = load_settings({**ENVIRON, "DEMO_URL": _base(simulator), **environ})
            yield simulator, door.settings


@asynccontextmanager
async def calls_world(
    *,
    store: Any = None,
    spool: Path | None = None,
    environ: Mapping[str, str] | None = None,
    spare: bool = False,
    **limits: Any,
) -> AsyncIterator[CallsWorld]:
    """A service in this process, with a fake database unless it is given a real one."""
    # As the service at its start: the first caller would wait for it.
    declarations()
    with TemporaryDirectory() as aside:
        folder = spool or Path(aside)
        async with (
            outside({"SPOOL_DIR": str(folder), **(environ or {})}) as (simulator, settings),
            ClientSession() as http,
        ):
            bounds = replace(Limits.from_settings(settings), **limits)
            twilio, metrics = TwilioCalls(settings), CallMetrics()
            connect = partial(
                RealtimeConnection.open,
                realtime_url(settings),
                "test-key",
                timeout_s=bounds.model_connect,
                ping_s=bounds.model_ping,
            )
            beside = Spare(connect)
            sparing = asyncio.create_task(beside.run()) if spare else None
            kept: Any = store or FakeStore()
            journals = Journals(folder)
            desk = Desk(Services(settings, bounds, kept, twilio, metrics, beside.take, journals, shipped()))
            pages = Pages(desk, metrics)
            server = CallServer(desk, pages, bounds)
            async with pages.listening("127.0.0.1", 0) as operators, server.listening("127.0.0.1", 0) as port:
                service, inner = (URL(f"http://127.0.0.1:{each}") for each in (port, operators))
                yield CallsWorld(simulator, service, inner, desk, kept, settings, http, beside)
            if sparing is not None:
                sparing.cancel()
            await twilio.close()
            await asyncio.to_thread(journals.close, SAFETY_SECONDS)


class _Door:
    """Answers Twilio as the api does: a stream with a token, and a sentence for when it fails."""

    settings: Settings

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/twilio/voice", self._voice),
                web.post("/twilio/status", self._status),
                web.post(TRANSFERRED, self._transferred),
                web.post(ANSWERED_BY, self._answered_by),
            ]
        )
        return app

    async def _transferred(self, request: web.Request) -> web.Response:
        form = await request.post()
        outcome = str(form.get("DialCallStatus", request.query.get("outcome")))
        return await self._voice(request, outcome, str(form.get("DialCallSid", request.query.get("dialled"))))

    async def _answered_by(self, request: web.Request) -> web.Response:
        twilio = TwilioCalls(self.settings)
        await twilio.take_back(request.query["call"], str((await request.post())["CallSid"]))
        await twilio.close()
        return web.Response(status=204)

    async def _voice(self, request: web.Request, returned: str = "", dialled: str = "") -> web.Response:
        form = await request.post()
        token = issue(
            self.settings.call_token_secret,
            call_sid=str(form["CallSid"]),
            business_id=456,
            from_number=str(form["From"]),
            to_number=str(form["To"]),
            returned=returned,
            dialled=dialled,
        )
        body = (
            "<Response><Connect>"
            '<Stream url="wss://phone.example/media-stream">'
            f'<Parameter name="token" value={quoteattr(token)}/></Stream>'
            "</Connect><Say>fallback</Say></Response>"
        )
        return web.Response(text=body, content_type="application/xml")

    async def _status(self, request: web.Request) -> web.Response:
        return web.Response(status=204)


def _base(server: TestServer) -> str:
    return str(server.make_url("")).rstrip("/")


def spooled(folder: Path, call_sid: str) -> CallRecord:
    """The record that the call's journal comes to, once its process has let go of it."""
    (path,) = folder.glob(f"{call_sid}.*{SUFFIX}")
    with claimed(path) as data:
        assert data is not None
        return read(data)[0]
