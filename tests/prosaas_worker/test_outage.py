"""Postgres goes away under webhook load: what was acknowledged is answered afterwards, each message once."""

import asyncio
import os
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from twilio.request_validator import RequestValidator

from conftest import docker, setting
from ports import free_port
from prosaas_core.migrate import migrate
from prosaas_core.settings import load_settings
from worker_world import StandIn, service, until

pytestmark = pytest.mark.docker

# The drill in full is thirty seconds: DRILL_OUTAGE_SECONDS=30. Every path that it takes is taken in five.
OUTAGE_S = float(os.environ.get("DRILL_OUTAGE_SECONDS", "5"))
EVERY_S = 0.05
PUBLIC_URL = "https://prosaas.example"
TOKEN = "twilio-token"


class Database:
    """A server that keeps its data and its port when it is stopped."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"postgresql://postgres:not-a-secret@127.0.0.1:{port}/postgres"
        self.container = docker(
            *("run", "--detach", "--label", "prosaas.tests=postgres", "--publish", f"127.0.0.1:{port}:5432"),
            *("--env", "POSTGRES_PASSWORD=not-a-secret", setting("POSTGRES_IMAGE", "postgres:17-trixie")),
        )

    async def stop(self) -> None:
        await asyncio.to_thread(docker, "stop", self.container)

    async def start(self) -> None:
        await asyncio.to_thread(docker, "start", self.container)


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    docker("rm", "--force", "--volumes", database.container)


@pytest.fixture
async def api(database: Database, outside: StandIn, tmp_path: Path) -> AsyncIterator[str]:
    """The api and a worker, as they run in production but for their container; the address of the api."""
    await migrate(load_settings({"DATABASE_URL": database.url, "OPENAI_API_KEY": "sk-test"}))
    connection = await asyncpg.connect(database.url)
    await connection.execute("INSERT INTO businesses (name, phone) VALUES ('דנה', '+97235550100')")
    await connection.close()
    api_port, worker_port = free_port(), free_port()
    environ = {
        "DATABASE_URL": database.url,
        "PUBLIC_URL": PUBLIC_URL,
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": f"{outside.url}/v1",
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_BASE_URL": outside.url,
        "JOB_LEASE_SECONDS": "2",
        "SPOOL_DIR": str(tmp_path),
        "LOG_BLACKBOX": str(tmp_path),
        "LOG_SWITCH_FILE": str(tmp_path / "switch.json"),
    }
    async with (
        service("prosaas_api", {**environ, "PORT": str(api_port)}, tmp_path / "api.log"),
        service("prosaas_worker", {**environ, "PORT": str(worker_port)}, tmp_path / "worker.log"),
        aiohttp.ClientSession() as client,
    ):

        async def ready() -> bool:
            with suppress(aiohttp.ClientError):
                for port in (api_port, worker_port):
                    async with client.get(f"http://127.0.0.1:{port}/readyz") as response:
                        if response.status != 200:
                            return False
                return True
            return False

        await until(ready)
        yield f"http://127.0.0.1:{api_port}"


async def deliver(client: aiohttp.ClientSession, api: str, message_id: str) -> int:
    """One webhook, as Twilio would send it; the status of the answer, 0 where there was none."""
    form = {
        "MessageSid": message_id,
        # Each from somebody else: a conversation's messages get one answer together.
        "From": f"whatsapp:+9725{int(message_id[2:], 16) % 10**8:08}",
        "To": "whatsapp:+97235550100",
        "Body": message_id,
    }
    signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}/whatsapp/twilio", form)
    try:
        async with client.post(
            f"{api}/whatsapp/twilio", data=form, headers={"X-Twilio-Signature": signature}
        ) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


async def test_every_acknowledged_message_is_answered_once(api: str, database: Database, outside: StandIn) -> None:
    statuses: dict[str, int] = {}
    waits: list[float] = []
    loading = True

    async def load(client: aiohttp.ClientSession) -> None:
        async def one(message_id: str) -> None:
            asked = time.monotonic()
            statuses[message_id] = await deliver(client, api, message_id)
            waits.append(time.monotonic() - asked)

        async with asyncio.TaskGroup() as group:
            while loading:
                group.create_task(one(f"SM{uuid.uuid4().hex}"))
                await asyncio.sleep(EVERY_S)

    def acknowledged() -> set[str]:
        return {message_id for message_id, status in statuses.items() if 200 <= status < 300}

    async def answered_all() -> bool:
        return acknowledged() <= {message["body"].removeprefix("re: ") for message in outside.sent}

    async def acknowledged_more() -> bool:
        return len(acknowledged()) >= before + 20

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as client:
        before = 0
        running = asyncio.create_task(load(client))
        await until(acknowledged_more)
        await database.stop()
        await asyncio.sleep(OUTAGE_S)
        before = len(acknowledged())
        await database.start()
        await until(acknowledged_more)
        loading = False
        await running

    # Some outlast it; whoever waits for longer than Twilio does is told.
    assert set(statuses.values()) <= {200, 503, 0}
    assert max(waits) > OUTAGE_S / 2, "the outage was not felt"
    await until(answered_all)
    twice = [body for body, times in Counter(message["body"] for message in outside.sent).items() if times > 1]
    assert twice == []
