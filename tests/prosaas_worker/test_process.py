"""The worker as a process of its own: it is killed, stopped and started, and no effect is lost or doubled."""

import asyncio
import signal
from contextlib import asynccontextmanager

import aiohttp
import pytest
from sqlalchemy import text

from ports import free_port
from postgres_world.shared_log import prepare, takes_part
from prosaas_core.jobs import CALL_SUMMARISE, WHATSAPP_REPLY, enqueue
from worker_world import SAFETY_S, service, until

pytestmark = pytest.mark.postgres


@pytest.fixture
def start(settings, outside, tmp_path):
    """Start a worker process; its log and its address come with it."""
    port = free_port()
    environ = {
        "DATABASE_URL": settings.database_url,
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": f"{outside.url}/v1",
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_BASE_URL": outside.url,
        "PORT": str(port),
        "JOB_LEASE_SECONDS": "2",
        "DRAIN_SECONDS": "1",
        "REPLY_PAUSE_SECONDS": "0",
        "SPOOL_DIR": str(tmp_path),
        "LOG_SWITCH_FILE": str(tmp_path / "switch.json"),
        "LOG_BLACKBOX": str(tmp_path / "blackbox"),
    }

    @asynccontextmanager
    async def run(name="worker", **more):
        log = tmp_path / f"{name}.log"
        async with service("prosaas_worker", {**environ, **more}, log) as process:
            process.base, process.log = f"http://127.0.0.1:{port}", log  # type: ignore[attr-defined]
            yield process

    return run


async def count(engine, statement: str) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(text(statement))


async def put_call(engine) -> None:
    async with engine.begin() as connection:
        said = '[{"who": "customer", "text": "hello", "at_ms": 0}]'
        await connection.execute(
            text("INSERT INTO calls (call_sid, business_id, transcript) VALUES ('CA1', 456, CAST(:said AS jsonb))"),
            {"said": said},
        )
        payload = {"call_sid": "CA1", "cause": {"call_sid": "CA1"}}
        await enqueue(connection, CALL_SUMMARISE, payload, key=f"{CALL_SUMMARISE}:CA1")


async def queue_is_empty(engine) -> bool:
    return await count(engine, "SELECT count(*) FROM pgqueuer") == 0


async def test_its_log_is_one_with_that_of_its_replicas(start, settings, tmp_path):
    prepare(tmp_path)
    async with start():
        await takes_part(settings.database_url, "worker", tmp_path)


async def test_a_worker_killed_in_mid_job_has_its_job_done_once_the_lease_ends(start, engine, outside):
    outside.holding = "responses"
    await put_call(engine)
    async with start("first") as worker:
        await asyncio.wait_for(outside.held.wait(), SAFETY_S)
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    assert await count(engine, "SELECT count(*) FROM pgqueuer WHERE status = 'picked'") == 1
    outside.holding = ""
    async with start("second"):
        await until(lambda: queue_is_empty(engine))
    assert outside.asked == 2
    assert await count(engine, "SELECT count(*) FROM job_effects") == 1
    assert await count(engine, "SELECT count(*) FROM calls WHERE summary = 're: Customer: hello'") == 1


async def test_a_worker_killed_between_the_sending_and_its_record_does_not_send_again(start, engine, outside, message):
    outside.holding = "messages"
    await message("SMin")
    async with engine.begin() as connection:
        payload = {"message_id": "SMin", "conversation_id": 1, "cause": {"message_id": "SMin"}}
        await enqueue(connection, WHATSAPP_REPLY, payload, key=f"{WHATSAPP_REPLY}:1")
    async with start("first") as worker:
        await asyncio.wait_for(outside.held.wait(), SAFETY_S)
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    outside.holding = ""
    async with start("second"):
        await until(lambda: queue_is_empty(engine))
    assert len(outside.sent) == 1
    assert await count(engine, "SELECT count(*) FROM messages WHERE direction = 'out'") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stopped_worker_hands_its_job_back_and_leaves_in_good_order(number, start, engine, outside):
    outside.holding = "responses"
    await put_call(engine)
    async with start() as worker:
        await asyncio.wait_for(outside.held.wait(), SAFETY_S)
        worker.send_signal(number)
        assert await asyncio.wait_for(worker.wait(), SAFETY_S) == 0
        assert "the wait is over, left=1" in worker.log.read_text()
    assert await count(engine, "SELECT count(*) FROM pgqueuer WHERE status = 'queued'") == 1


async def test_it_says_that_it_is_well_ready_and_busy(start, engine):
    async with start() as worker, aiohttp.ClientSession() as client:

        async def ready():
            try:
                async with client.get(f"{worker.base}/readyz") as response:
                    return response.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await until(ready)
        async with client.get(f"{worker.base}/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        await put_call(engine)
        await until(lambda: queue_is_empty(engine))
        async with client.get(f"{worker.base}/metrics") as response:
            exposition = await response.text()
        assert 'prosaas_jobs_total{job="call.summarise",outcome="done"} 1.0' in exposition
        assert "prosaas_worker_ready 1.0" in exposition
        log = worker.log.read_text()
    assert "[WORKER_START]" in log
    assert "[JOB_DONE]" in log
    assert log.count("call_sid=CA1") >= 1
    assert "/readyz" not in log


@pytest.mark.parametrize("level", ["INFO", "CRITICAL"])
async def test_settings_of_no_use_are_named_at_any_level_and_end_it_with_2(start, level):
    async with start(DATABASE_URL="", LOG_LEVEL=level) as worker:
        assert await asyncio.wait_for(worker.wait(), SAFETY_S) == 2
        assert "[CRITICAL] DATABASE_URL is missing" in worker.log.read_text()
