"""A database that refuses us is one line with the remedy, at once; awkward passwords are no reason to."""

import asyncio
import ssl
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from postgres_world import PostgresServer
from prosaas_core.postgres import refusal
from prosaas_core.postgres.address import arguments

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.postgres

Role = Callable[[str], tuple[str, str]]


def migrated(url: str) -> subprocess.CompletedProcess[str]:
    """The process that comes before the services, as an operator sees it; it may not wait for what does not come."""
    command = [sys.executable, "-m", "prosaas_core.migrate"]
    environ = {"PYTHONPATH": "services", "LOG_LANG": "en", "DATABASE_URL": url, "OPENAI_API_KEY": "none"}
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False, timeout=40)


@pytest.fixture
def role(postgres_server: PostgresServer, database_url: str) -> Iterator[Role]:
    """Make a role with a password; gives its name and the address of the test's database for it."""
    name = f"role_{uuid.uuid4().hex[:8]}"

    def make(password: str) -> tuple[str, str]:
        postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password.replace(chr(39), chr(39) * 2)}'")
        address = database_url.partition("@")[2]
        return name, f"postgresql://{name}:{quote(password, safe='')}@{address}"

    yield make
    postgres_server.execute(f"DROP OWNED BY {name}")
    postgres_server.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize("password", ["p@ss/w#rd:1%", "a b?c&d=e+f", "סיסמה'\"$(x)`;\\", "%41%", "[::1]"])
def test_an_awkward_password_logs_in(password: str, role: Role) -> None:
    async def log_in(url: str) -> str:
        connection = await asyncpg.connect(**arguments(url))
        try:
            return str(await connection.fetchval("SELECT current_user"))
        finally:
            await connection.close()

    name, url = role(password)
    assert asyncio.run(log_in(url)) == name


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda url: url.replace(":not-a-secret@", ":hunter2@"), "refuses the password"),
        (lambda url: url + "_gone", "no such database"),
        (lambda url: url + "?no_such_setting=1", "does not know an option"),
        (lambda url: url.replace(":not-a-secret@", ":hunter2/s3cr3t@"), "percent-encode"),
        (lambda url: url + "?default_transaction_read_only=on", "read-only"),
        (lambda url: url + "?sslmode=require", "has no TLS"),
        (lambda url: url + "?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "put the file into env/"),
    ],
)
def test_what_no_waiting_heals_is_one_line_at_once(
    change: Callable[[str], str], remedy: str, database_url: str
) -> None:
    done = migrated(change(database_url))
    lines = [line for line in done.stdout.splitlines() if line.startswith("[CRITICAL]")]
    assert len(lines) == 1, done.stdout
    assert remedy in lines[0]
    assert done.returncode in (1, 2)
    assert not [word for word in ("Traceback", "hunter2", "s3cr3t") if word in done.stdout + done.stderr]
    assert done.stdout.count("\n") == 1, done.stdout


def test_a_user_who_may_not_create_tables_is_told_which_right_is_missing(
    role: Role, postgres_server: PostgresServer
) -> None:
    _, url = role("x")
    empty = f"empty_{uuid.uuid4().hex[:8]}"
    postgres_server.execute(f"CREATE DATABASE {empty}")
    try:
        done = migrated(url.rpartition("/")[0] + f"/{empty}")
    finally:
        postgres_server.execute(f"DROP DATABASE {empty} WITH (FORCE)")
    assert (done.returncode, "GRANT CREATE" in done.stdout, "Traceback" in done.stdout) == (1, True, False)


def test_a_fault_of_ours_has_no_remedy_to_offer() -> None:
    assert refusal.of(KeyError("ours")) is None
    assert refusal.of(ConnectionRefusedError()) is None


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (asyncpg.InvalidPasswordError("said"), "write the right one into DATABASE_URL"),
        (asyncpg.InvalidAuthorizationSpecificationError("said"), "whether it must use TLS"),
        (asyncpg.InvalidCatalogNameError("said"), "create it"),
        (asyncpg.InsufficientPrivilegeError("said"), "GRANT CREATE"),
        (asyncpg.ReadOnlySQLTransactionError("said"), "give the address of the primary"),
        (asyncpg.TargetServerAttributeNotMatched("said"), "give the address of the primary"),
        (asyncpg.UndefinedObjectError("said"), "take it out"),
        (asyncpg.ProtocolViolationError("said"), "give the direct address"),
        (asyncpg.FeatureNotSupportedError("said"), "PostgreSQL 17 is needed"),
        (ssl.SSLCertVerificationError("said"), "put your provider's CA into env/"),
        (ConnectionError("PostgreSQL server said: rejected SSL upgrade"), "add ?sslmode=disable"),
    ],
)
def test_each_refusal_has_its_remedy_and_what_the_server_said_however_it_is_wrapped(
    error: Exception, remedy: str
) -> None:
    caused = RuntimeError("of ours")
    caused.__cause__ = error
    for wrapped in (error, caused, DBAPIError("SELECT", None, caused)):
        line = refusal.of(wrapped)
        assert line is not None
        assert remedy in line
        assert line.endswith(f"({error})")


def test_a_migrations_own_refusal_says_on_one_line_what_to_do() -> None:
    error = asyncpg.RaiseError("two businesses have one number\nCONTEXT: nobody wants it")
    assert refusal.of(error) is None
    error.hint = "Change\none of them."
    assert refusal.of(error) == "two businesses have one number. Change one of them."
