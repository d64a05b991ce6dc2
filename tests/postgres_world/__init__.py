"""A PostgreSQL server in a container, for tests and measurements: nothing in it outlives who asked for it."""

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from prosaas_core.postgres.roles import address_of, key_of

ROOT = Path(__file__).parents[2]
PASSWORD = "not-a-secret"
ROLES_KEY = key_of(PASSWORD)
# A server that somebody keeps running for many runs in a row; each run still makes databases of its own in it.
KEPT = "TEST_POSTGRES_URL"

Write = Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[object]]
Fill = Callable[[Write], None]


@dataclass(frozen=True)
class PostgresServer:
    """Where a database can be made."""

    base: str

    def url(self, database: str) -> str:
        return f"{self.base}/{database}"

    def execute(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())


def as_role(url: str, role: str) -> str:
    """The address by which a service goes in."""
    return address_of(url, role, ROLES_KEY)


def setting(name: str, default: str) -> str:
    """A setting of this machine: from the shell, else from .env."""
    lines = (ROOT / ".env").read_text().splitlines() if (ROOT / ".env").exists() else []
    chosen = [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]
    return os.environ.get(name) or (chosen[-1] if chosen else "") or default


def docker(*arguments: str) -> str:
    """Run the Docker client and return what it prints; its complaint is the test's."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@contextmanager
def postgres(*options: str) -> Iterator[PostgresServer]:
    """A server that answers; *options* are the engine's. The one of TEST_POSTGRES_URL, if there is one."""
    if kept := os.environ.get(KEPT):
        yield PostgresServer(kept)
        return
    image = setting("POSTGRES_IMAGE", "postgres:17-trixie")
    container = docker(
        *("run", "--detach", "--rm", "--label", "prosaas.tests=postgres", "--publish", "127.0.0.1::5432"),
        *("--tmpfs", "/var/lib/postgresql/data", "--env", f"POSTGRES_PASSWORD={PASSWORD}", "--shm-size", "256m"),
        # Every test connects anew, some of them ten times, and the password is none.
        *("--env", "POSTGRES_INITDB_ARGS=--set=scram_iterations=1"),
        *(*options, image, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"),
    )
    try:
        port = docker("port", container, "5432").rpartition(":")[2]
        server = PostgresServer(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}")
        _wait(server)
        yield server
    finally:
        docker("rm", "--force", "--volumes", container)


def _wait(server: PostgresServer) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.execute("SELECT 1")
            return
        except (OSError, asyncpg.PostgresError):
            assert time.monotonic() < deadline, "PostgreSQL did not start within a minute"
            time.sleep(0.1)


def fill_database(url: str, write: Write) -> None:
    """Write to the database over a connection of its own."""

    async def connected() -> None:
        connection = await asyncpg.connect(url)
        try:
            await write(connection)
        finally:
            await connection.close()

    asyncio.run(connected())
