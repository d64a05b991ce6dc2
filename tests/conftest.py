"""What several rooms share: what runs beside what, a PostgreSQL server, and a migrated, empty database for a test."""

import asyncio
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from stack_world.fixtures import checkout, stack

__all__ = ["checkout", "stack"]

ROOT = Path(__file__).parents[1]
PASSWORD = "not-a-secret"
TEMPLATE = "migrated"
# What runs one after the other in one worker: what watches a stack, what stops, replaces and fills its parts, and what
# runs its images without it.
LINES = {
    "watching": r"tests/stack/test_(calls|containers|images|operator_\w+)\.py|tests/docs/test_going_live\.py",
    "drills": r"tests/stack/test_(backup|levels|many_calls|secrets|start)\.py",
    "deploys": r"tests/stack/test_deploys\.py",
    "images": r"tests/deploy/test_(cloudwatch|collectors|platforms)\.py",
}


@dataclass(frozen=True)
class PostgresServer:
    """Where a test database can be made."""

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


def line_of(nodeid: str) -> str | None:
    return next((line for line, files in LINES.items() if re.match(files, nodeid)), None)


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


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whoever asks for a database or a stack needs the marker too: the fixture says it once for everybody."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if "postgres_server" in fixtures:
        item.add_marker(pytest.mark.postgres)
    if fixtures & {"stack", "checkout"}:
        item.add_marker(pytest.mark.docker)
    if "stack" in fixtures and not line_of(item.nodeid):
        raise pytest.UsageError(f"{item.nodeid} needs a stack: give its file a place in LINES of tests/conftest.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests go to the workers one by one, those of a line all to one worker, and the lines first."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return line_of(nodeid) or nodeid

    return Scheduler(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server in a container for all tests of a worker, in memory: nothing in it outlives them."""
    image = setting("POSTGRES_IMAGE", "postgres:17-trixie")
    container = docker(
        *("run", "--detach", "--rm", "--label", "prosaas.tests=postgres", "--publish", "127.0.0.1::5432"),
        *("--tmpfs", "/var/lib/postgresql/data", "--env", f"POSTGRES_PASSWORD={PASSWORD}", "--shm-size", "256m"),
        *(image, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"),
    )
    try:
        port = docker("port", container, "5432").rpartition(":")[2]
        server = PostgresServer(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}")
        asyncio.run(_make_template(server))
        yield server
    finally:
        docker("rm", "--force", "--volumes", container)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a database of this test's own, at the newest schema, with nothing in it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _make_template(server: PostgresServer) -> None:
    """Migrate once; each test's database is a copy. A key for the model keeps the demo business out."""
    from prosaas_core.migrate import migrate
    from prosaas_core.settings import load_settings

    deadline = asyncio.get_running_loop().time() + 60
    while True:
        try:
            connection = await asyncpg.connect(server.url("postgres"))
            break
        except (OSError, asyncpg.PostgresError):
            assert asyncio.get_running_loop().time() < deadline, "PostgreSQL did not start within a minute"
            await asyncio.sleep(0.1)
    await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    await connection.close()
    await migrate(load_settings({"DATABASE_URL": server.url(TEMPLATE), "OPENAI_API_KEY": "none"}))
