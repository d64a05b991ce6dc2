"""Held against the real PgBouncer, in the mode that managed servers run it in and in the one that works."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from ports import free_port
from prosaas_core.migrate import RefusedError, migrate
from prosaas_core.postgres.address import arguments
from prosaas_core.postgres.pooler import shares_connections
from prosaas_core.settings import load_settings

BINARY = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")

pytestmark = pytest.mark.skipif(BINARY is None, reason="Debian's package pgbouncer is in the tests image")


@pytest.fixture
def pooled(database_url: str, tmp_path: Path) -> Iterator[Callable[[str, int], str]]:
    """Start a PgBouncer before the test's database in the given mode, with so many connections; yields its address."""
    started: list[subprocess.Popen[bytes]] = []
    found = arguments(database_url)
    tmp_path.chmod(0o755)

    def start(mode: str, size: int) -> str:
        port = free_port()
        users = tmp_path / f"users-{port}"
        users.write_text(f'"{found["user"]}" "{found["password"]}"\n')
        configuration = tmp_path / f"pgbouncer-{port}.ini"
        configuration.write_text(
            f"[databases]\n* = host={found['host'][0]} port={found['port'][0]} password={found['password']}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {users}\npool_mode = {mode}\ndefault_pool_size = {size}\n"
        )
        assert BINARY is not None
        command = [BINARY, "-u", "nobody", str(configuration)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        _wait(port)
        server = f"@{found['host'][0]}:{found['port'][0]}/"
        assert server in database_url
        return database_url.replace(server, f"@127.0.0.1:{port}/")

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "PgBouncer did not start"
            time.sleep(0.02)


@pytest.mark.postgres
async def test_the_server_itself_shares_nothing(database_url: str) -> None:
    assert not await shares_connections(arguments(database_url))


@pytest.mark.postgres
async def test_a_pooler_of_sessions_shares_nothing(pooled: Callable[[str, int], str]) -> None:
    assert not await shares_connections(arguments(pooled("session", 5)))


@pytest.mark.postgres
async def test_a_pooler_that_lends_out_is_noticed_though_others_left_it_connections(
    pooled: Callable[[str, int], str],
) -> None:
    found = arguments(pooled("transaction", 10))
    others = [await asyncpg.connect(**found, statement_cache_size=0) for _ in range(6)]
    held = [other.transaction() for other in others]
    for one in held:
        await one.start()
    for one in held:
        await one.rollback()
    assert await shares_connections(found)
    for other in others:
        other.terminate()


@pytest.mark.postgres
async def test_a_pooler_with_one_connection_is_noticed_by_waiting_in_vain(
    pooled: Callable[[str, int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prosaas_core.postgres.pooler._TIMEOUT_S", 0.5)
    assert await shares_connections(arguments(pooled("transaction", 1)))


@pytest.mark.postgres
@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_migrate_refuses_what_lends_connections_out_and_names_the_remedy(
    mode: str, pooled: Callable[[str, int], str]
) -> None:
    settings = load_settings({"DATABASE_URL": pooled(mode, 5), "OPENAI_API_KEY": "none"})
    with pytest.raises(RefusedError, match="give the direct address"):
        await migrate(settings, wait_s=5)
