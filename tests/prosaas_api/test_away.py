"""The database has many ways of not serving: in each, callers are answered, webhooks come again, and /readyz tells."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import pytest

from api_world import Client
from postgres_world import KEPT, PostgresServer
from prosaas_api import intake
from prosaas_core import demo

pytestmark = pytest.mark.postgres

CALL = {"CallSid": "CA" + "1" * 32, "From": "+972501234567", "To": demo.PHONE}
MESSAGE = {"MessageSid": "SM" + "1" * 32, "From": "whatsapp:+972501234567", "To": f"whatsapp:{demo.PHONE}", "Body": "?"}

Way = Callable[[PostgresServer, str, str], AbstractAsyncContextManager[None]]


async def run(server: PostgresServer, database: str, *statements: str) -> None:
    connection = await asyncpg.connect(server.url(database))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def role(postgres_server: PostgresServer, database_url: str) -> AsyncIterator[str]:
    """A role that may do with the test's database what the api does, and no more."""
    name, database = f"role_{uuid.uuid4().hex[:8]}", database_url.rpartition("/")[2]
    rights = [f"GRANT ALL ON ALL {what} IN SCHEMA public TO {name}" for what in ("TABLES", "SEQUENCES", "FUNCTIONS")]
    await run(postgres_server, database, f"CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD 'right'", *rights)
    yield name
    await run(postgres_server, database, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture
def environ(environ: dict[str, str], role: str) -> dict[str, str]:
    """The api's environment, in which it is that role."""
    address = environ["DATABASE_URL"].partition("@")[2]
    return environ | {"DATABASE_URL": f"postgresql://{role}:right@{address}"}


async def reconfigured(server: PostgresServer, change: str, now: str) -> None:
    """Have the server read its configuration anew: it tells its connections of it before it takes another one."""
    await run(server, "postgres", f"ALTER SYSTEM {change}", "SELECT pg_reload_conf()")
    async with asyncio.timeout(10):
        while True:
            connection = await asyncpg.connect(server.url("postgres"))
            try:
                if await connection.fetchval("SHOW default_transaction_read_only") == now:
                    return
            finally:
                await connection.close()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def read_only(server: PostgresServer, database: str, role: str) -> AsyncIterator[None]:
    """What a demoted primary says, and a managed server whose disk is full; connections live on."""
    if os.environ.get(KEPT):
        pytest.skip("the kept server is other tests' too")
    await reconfigured(server, "SET default_transaction_read_only = on", "on")
    yield
    await reconfigured(server, "RESET default_transaction_read_only", "off")


@asynccontextmanager
async def password_changed(server: PostgresServer, database: str, role: str) -> AsyncIterator[None]:
    """A rotation at the server, after which it took its connections away."""
    cut = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role}'"
    await run(server, "postgres", f"ALTER ROLE {role} PASSWORD 'another'", cut)
    yield
    await run(server, "postgres", f"ALTER ROLE {role} PASSWORD 'right'")


@asynccontextmanager
async def database_gone(server: PostgresServer, database: str, role: str) -> AsyncIterator[None]:
    cut = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
    # Nobody comes back between the cut and the new name.
    closed = f"ALTER DATABASE {database} ALLOW_CONNECTIONS false"
    await run(server, "postgres", closed, cut, f"ALTER DATABASE {database} RENAME TO {database}_gone")
    yield
    opened = f"ALTER DATABASE {database} ALLOW_CONNECTIONS true"
    await run(server, "postgres", f"ALTER DATABASE {database}_gone RENAME TO {database}", opened)


@asynccontextmanager
async def rights_gone(server: PostgresServer, database: str, role: str) -> AsyncIterator[None]:
    await run(server, database, f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
    yield
    await run(server, database, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")


WAYS = (read_only, password_changed, database_gone, rights_gone)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
async def away(
    request: pytest.FixtureRequest, client: Client, postgres_server: PostgresServer, database_url: str, role: str
) -> AsyncIterator[Client]:
    """The api after it has served; its database stops serving, and serves again when the test ends."""
    assert (await client.http.get("/readyz")).status_code == 200
    assert (await client.twilio("/whatsapp/twilio", MESSAGE | {"MessageSid": "SM" + "0" * 32})).status_code == 200
    way: Way = request.param
    async with way(postgres_server, database_url.rpartition("/")[2], role):
        yield client
    assert (await client.http.get("/readyz")).status_code == 200
    assert (await client.twilio("/whatsapp/twilio", MESSAGE)).status_code == 200


async def test_a_caller_is_answered(away: Client) -> None:
    for _ in range(2):
        answer = await away.twilio("/twilio/voice", CALL)
        assert answer.status_code == 200
        assert "<Stream" in answer.text


async def test_a_webhook_is_refused_so_that_its_sender_knows(
    away: Client, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that answers and refuses is our own error, which has its stack in the log."""
    ours = request.node.callspec.params["away"] is rights_gone
    if not ours:
        monkeypatch.setattr(intake, "TOLD_ONCE_S", 0.1)
    for path, form in (("/whatsapp/twilio", MESSAGE), ("/twilio/status", CALL | {"CallStatus": "completed"})):
        answer = await away.twilio(path, form)
        assert answer.status_code == (500 if ours else 503)
        assert ours or int(answer.headers["retry-after"]) > 0


async def test_readiness_tells_the_truth(away: Client) -> None:
    for _ in range(2):
        assert (await away.http.get("/readyz")).status_code == 503
