"""Whom the agent never had on the line: a simulated caller, the api as a process, and the worker's look afterwards."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api_world import AUTH_TOKEN, reachable, serving
from ports import free_port
from postgres_world import as_role
from prosaas_core.database import make_engine
from prosaas_core.facts.prices import shipped
from prosaas_core.jobs import BUSINESS_TELL
from prosaas_core.outward.http import Outbound
from prosaas_core.settings import load_settings
from prosaas_worker.job import Job, Tools
from prosaas_worker.jobs import business_tell, sessions_sweep
from simulator import caller
from simulator.app import CONTROL, make_app
from simulator.control import CallOrder
from simulator.settings import Settings as SimulatorSettings
from worker_world import SAFETY_S, until

pytestmark = pytest.mark.postgres

ACCOUNT = "AC" + "0" * 32
PUBLIC_URL = "https://phone.example"


@pytest.fixture
async def simulator(environ: dict[str, str], engine: AsyncEngine) -> AsyncIterator[TestServer]:
    """Twilio, in front of an api of its own that has a database and a calls service."""
    async with serving(environ, free_port(), PUBLIC_URL=PUBLIC_URL) as api:
        await (await reachable(api)).aclose()
        settings = SimulatorSettings(
            api_url=api.url, public_url=PUBLIC_URL, account_sid=ACCOUNT, twilio_token=AUTH_TOKEN
        )
        twilio = TestServer(make_app(settings))
        async with twilio:
            yield twilio


@pytest.fixture
async def tools(simulator: TestServer, database_url: str) -> AsyncIterator[Tools]:
    """The worker's, which sends its texts to the simulator."""
    settings = load_settings(
        {
            "DATABASE_URL": as_role(database_url, "prosaas_worker"),
            "OPENAI_API_KEY": "sk-test",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_BASE_URL": str(simulator.make_url("")).rstrip("/"),
        }
    )
    own = make_engine(settings)
    async with Outbound() as outbound:
        yield Tools(settings, own, outbound, shipped())
    await own.dispose()


@pytest.mark.parametrize("looked_for", [True, False])
async def test_a_business_hears_of_a_caller_whose_stream_could_not_be_opened(
    looked_for: bool, simulator: TestServer, tools: Tools, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hear a sentence; without the look at calls that left no record, nobody learns that they called."""
    monkeypatch.setattr(sessions_sweep, "_RECORDS_ARE_LATE", timedelta(0))
    monkeypatch.setattr(caller, "_TOLD_WITHIN_S", SAFETY_S if looked_for else 0.5)
    order = CallOrder(scenario="no_stream", speed=12.0)
    call = asyncio.create_task(simulator.app[CONTROL].place(order, lambda note: None))
    if looked_for:
        await until(lambda: sessions_sweep.note_unrecorded(tools))
        async with engine.connect() as connection:
            queued = text("SELECT id, convert_from(payload, 'UTF8')::jsonb FROM pgqueuer WHERE entrypoint = :job")
            number, payload = (await connection.execute(queued, {"job": BUSINESS_TELL})).one()
        job = Job(str(number), BUSINESS_TELL, f"{BUSINESS_TELL}:{payload['call_sid']}", payload, payload["cause"], 1)
        await business_tell.run(job, tools)
    result = await call
    assert result["verbs"] == ["Connect", "Say"]
    problems = [] if looked_for else ["the business was told nothing about this caller in 0.5 s"]
    assert result["problems"] == problems
