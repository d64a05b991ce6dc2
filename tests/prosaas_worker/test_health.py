"""What the worker says of itself over HTTP, and that it says it soon while the database is away."""

import asyncio
import re
from dataclasses import dataclass

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import text

from postgres_world.standing_still import standing_still
from prosaas_core.database import make_engine
from prosaas_core.jobs import enqueue
from prosaas_logging import capture_events
from prosaas_worker.health import COUNT_S, READY_S, make_app
from prosaas_worker.surroundings import Surroundings
from worker_world import SERVICES

# SQLAlchemy's patience with a connection that it closes.
CLOSES_S = 2

pytestmark = pytest.mark.postgres


@dataclass
class State:
    """What a queue says of itself."""

    ready: bool = True
    draining: bool = False
    stuck: bool = False


@pytest.fixture
def state():
    return State()


@pytest.fixture
async def client(state, engine, settings):
    async with TestClient(TestServer(make_app(state, engine, Surroundings(settings)))) as client:
        yield client


@pytest.fixture
async def silent(settings):
    """An engine for a server that takes connections and never says a word."""
    closing = asyncio.Event()

    async def hold(reader, writer):
        await closing.wait()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        engine = make_engine(settings.model_copy(update={"database_url": f"postgresql://x:y@127.0.0.1:{port}/x"}))
        yield engine
        closing.set()
        await engine.dispose()


async def said(client, path):
    async with client.get(path) as response:
        return response.status, (await response.json())["status"]


async def test_it_is_ready_while_it_takes_jobs_and_the_database_answers(client):
    assert await said(client, "/readyz") == (200, "ready")
    async with client.get("/metrics") as response:
        assert "prosaas_database_up 1.0" in await response.text()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_probe_is_a_line_at_debug_that_names_what_was_asked(path, client):
    with capture_events("DEBUG") as events:
        await said(client, path)
    pings = [(event.level, event.fields["path"]) for event in events if event.event == "HEALTH_PING"]
    assert pings == [("DEBUG", path)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ready": False}, "waiting for the database"),
        ({"ready": False, "draining": True}, "draining"),
    ],
)
async def test_it_is_not_ready_for_a_reason_that_it_tells_and_alive_all_the_same(wrong, words, client, state):
    vars(state).update(wrong)
    assert await said(client, "/readyz") == (503, words)
    assert await said(client, "/healthz") == (200, "ok")


async def test_it_is_not_alive_while_its_queue_is_stuck(client, state):
    state.stuck = True
    assert await said(client, "/healthz") == (503, "the queue is stuck")


async def test_a_database_that_is_silent_makes_it_not_ready_soon(state, silent, settings, monkeypatch):
    for patience in ("READY_S", "COUNT_S"):
        monkeypatch.setattr(f"prosaas_worker.health.{patience}", 0.1)
    async with TestClient(TestServer(make_app(state, silent, Surroundings(settings)))) as client, asyncio.timeout(3):
        assert await said(client, "/readyz") == (503, "waiting for the database")
        assert await said(client, "/healthz") == (200, "ok")
        with capture_events("DEBUG") as events:
            async with client.get("/metrics") as response:
                assert response.status == 200
        assert [event.fields["error"] for event in events if event.text.startswith("queue depth unknown")]
        async with client.get("/metrics") as response:
            assert response.status == 200
            exposition = await response.text()
            assert "prosaas_worker_ready 1.0" in exposition
            assert "prosaas_database_up 0.0" in exposition


async def test_a_database_that_stands_still_makes_it_not_ready_without_a_farewell(client, monkeypatch):
    """The healthcheck waits for no longer than that takes."""

    monkeypatch.setattr("prosaas_worker.health.READY_S", 0.01)
    with standing_still() as transaction:
        monkeypatch.setattr("prosaas_worker.health.transaction", transaction)
        async with asyncio.timeout(5):
            assert await said(client, "/readyz") == (503, "waiting for the database")


async def test_a_database_too_slow_for_the_healthcheck_is_not_told_to_be_away_to_who_waits_for_longer(
    client, monkeypatch
):
    monkeypatch.setattr("prosaas_worker.health.READY_S", 0)
    assert await said(client, "/readyz") == (503, "waiting for the database")
    async with client.get("/metrics") as response:
        assert "prosaas_database_up 1.0" in await response.text()


async def test_the_queues_depth_is_counted_anew_each_time(client, engine):
    async def depth():
        async with client.get("/metrics") as response:
            exposition = await response.text()
        return [line for line in exposition.splitlines() if line.startswith("prosaas_queue") and "test.job" in line]

    for number in range(2):
        async with engine.begin() as connection:
            await enqueue(connection, "test.job", {}, key=f"test:{number}")
    (counted,) = await depth()
    assert counted == 'prosaas_queue_jobs{job="test.job",status="queued"} 2.0'
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM pgqueuer"))
    assert await depth() == []


async def test_a_database_that_takes_nothing_from_it_makes_it_not_ready(state, engine, tools):
    async with engine.begin() as connection:
        await connection.execute(text("REVOKE UPDATE ON job_effects FROM prosaas_worker"))
    async with TestClient(TestServer(make_app(state, tools.engine, Surroundings(tools.settings)))) as client:
        assert await said(client, "/readyz") == (503, "waiting for the database")


async def test_what_surrounds_it_is_looked_at_when_somebody_collects(state, engine, settings, tmp_path):
    surroundings = Surroundings(settings.model_copy(update={"spool_dir": tmp_path}))
    async with TestClient(TestServer(make_app(state, engine, surroundings))) as client:
        for number in range(3):
            (tmp_path / f"CA{number}.json").touch()
        async with client.get("/metrics") as response:
            assert "prosaas_spool_calls 3.0" in await response.text()


def test_the_healthcheck_waits_for_long_enough_to_hear_that_the_database_is_silent():
    (waits_s,) = re.findall(r"timeout=(\d+)", (SERVICES / "healthcheck.py").read_text("utf-8"))
    assert int(waits_s) > READY_S


def test_prometheus_waits_for_long_enough_to_hear_that_the_database_is_silent():
    prometheus = (SERVICES.parent / "deploy/monitoring/prometheus.yml").read_text("utf-8")
    (waits_s,) = re.findall(r"scrape_timeout: (\d+)s", prometheus)
    assert int(waits_s) > COUNT_S + CLOSES_S
