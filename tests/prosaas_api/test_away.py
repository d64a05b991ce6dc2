"""The database has many ways of not serving: in each, callers are answered, webhooks come again, and /readyz tells."""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from api_world import Client
from postgres_world import KEPT, PostgresServer
from prosaas_core import demo

pytestmark = pytest.mark.postgres

CALL = {"CallSid": "CA" + "1" * 32, "From": "+972501234567", "To": demo.PHONE}
MESSAGE = {"MessageSid": "SM1", "From": "whatsapp:+972501234567", "To": f"whatsapp:{demo.PHONE}", "Body": "hello"}

Way = Callable[[PostgresServer, str, str], AbstractContextManager[None]]


@pytest.fixture
def role(postgres_server: PostgresServer, database_url: str) -> Iterator[str]:
    """A role that may do with the test's database what the api does, and no more."""
    name = f"role_{uuid.uuid4().hex[:8]}"
    database = PostgresServer(database_url.rpartition("/")[0])
    run = _runner(database, database_url.rpartition("/")[2])
    run(f"CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD 'right'")
    for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        run(f"GRANT ALL ON ALL {what} IN SCHEMA public TO {name}")
    yield name
    run(f"DROP OWNED BY {name}")
    run(f"DROP ROLE {name}")


@pytest.fixture
def environ(environ: dict[str, str], role: str) -> dict[str, str]:
    """The api's environment, in which it is that role."""
    address = environ["DATABASE_URL"].partition("@")[2]
    return environ | {"DATABASE_URL": f"postgresql://{role}:right@{address}"}


@contextmanager
def read_only(server: PostgresServer, database: str, role: str) -> Iterator[None]:
    """What a demoted primary says, and a managed server whose disk is full; connections live on."""
    if os.environ.get(KEPT):
        pytest.skip("the kept server is other tests' too")
    run = _runner(server, "postgres")
    run("ALTER SYSTEM SET default_transaction_read_only = on")
    run("SELECT pg_reload_conf()")
    yield
    run("ALTER SYSTEM RESET default_transaction_read_only")
    run("SELECT pg_reload_conf()")


@contextmanager
def password_changed(server: PostgresServer, database: str, role: str) -> Iterator[None]:
    run = _runner(server, "postgres")
    run(f"ALTER ROLE {role} PASSWORD 'another'")
    run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
    yield
    run(f"ALTER ROLE {role} PASSWORD 'right'")


@contextmanager
def database_gone(server: PostgresServer, database: str, role: str) -> Iterator[None]:
    run = _runner(server, "postgres")
    run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'")
    run(f"ALTER DATABASE {database} RENAME TO {database}_gone")
    yield
    run(f"ALTER DATABASE {database}_gone RENAME TO {database}")


@contextmanager
def rights_gone(server: PostgresServer, database: str, role: str) -> Iterator[None]:
    run = _runner(server, database)
    run(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
    yield
    run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")


WAYS = (read_only, password_changed, database_gone, rights_gone)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
async def away(
    request: pytest.FixtureRequest, client: Client, postgres_server: PostgresServer, database_url: str, role: str
) -> AsyncIterator[Client]:
    """The api after it has served; its database stops serving, and serves again when the test ends."""
    assert (await client.http.get("/readyz")).status_code == 200
    assert (await client.twilio("/whatsapp/twilio", MESSAGE | {"MessageSid": "SM0"})).status_code == 200
    way: Way = request.param
    with way(postgres_server, database_url.rpartition("/")[2], role):
        yield client
    assert (await client.http.get("/readyz")).status_code == 200
    assert (await client.twilio("/whatsapp/twilio", MESSAGE)).status_code == 200


async def test_a_caller_is_answered(away: Client) -> None:
    for _ in range(2):
        answer = await away.twilio("/twilio/voice", CALL)
        assert answer.status_code == 200
        assert "<Stream" in answer.text


async def test_a_webhook_is_refused_so_that_it_comes_again(away: Client) -> None:
    for path, form in (("/whatsapp/twilio", MESSAGE), ("/twilio/status", CALL | {"CallStatus": "completed"})):
        assert (await away.twilio(path, form)).status_code >= 500


async def test_readiness_tells_the_truth(away: Client) -> None:
    for _ in range(2):
        assert (await away.http.get("/readyz")).status_code == 503


def _runner(server: PostgresServer, database: str) -> Callable[[str], None]:
    import asyncio

    import asyncpg

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(server.url(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def in_thread(statement: str) -> None:
        from threading import Thread

        thread = Thread(target=lambda: asyncio.run(run(statement)))
        thread.start()
        thread.join()

    return in_thread
