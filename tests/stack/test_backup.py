"""`make backup` and `make restore`: what was in one stack is in a fresh one, and a live database is not overwritten."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
CALL = "INSERT INTO calls (call_sid, business_id, summary) VALUES ('{}', 456, 'שלום')"
CALLS = "SELECT string_agg(call_sid || '=' || coalesce(summary, ''), ',' ORDER BY call_sid) FROM calls"


class Stack:
    """A project that has only its database, and the operator's commands on it."""

    def __init__(self, backups: Path) -> None:
        self.project = f"prosaas-backup-{uuid.uuid4().hex[:8]}"
        self.environ = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": "docker-compose.yml",
            "COMPOSE_PROFILES": "",
            "BACKUP_DIR": str(backups),
        }

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=ROOT, env={**self.environ, **more}, capture_output=True, text=True, check=False, timeout=180
        )

    def migrate(self) -> None:
        done = self.run("docker", "compose", "run", "--rm", "migrate")
        assert done.returncode == 0, done.stderr

    def sql(self, statement: str) -> str:
        psql = ("psql", "--username=prosaas", "-v", "ON_ERROR_STOP=1", "--no-align", "--tuples-only", "-c", statement)
        done = self.run("docker", "compose", "exec", "-T", "postgres", *psql)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def down(self) -> None:
        self.run("docker", "compose", "down", "--volumes", "--timeout", "1")


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[Callable[[], Stack]]:
    stacks: list[Stack] = []

    def make() -> Stack:
        stacks.append(Stack(tmp_path))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.down()


def test_a_backup_of_one_stack_is_the_database_of_another(new_stack: Callable[[], Stack], tmp_path: Path) -> None:
    old, fresh = new_stack(), new_stack()
    old.migrate()
    old.sql(CALL.format("CA1"))
    saved = old.run("scripts/backup.sh", str(tmp_path / "one.dump"))
    assert saved.returncode == 0, saved.stderr
    assert (tmp_path / "one.dump").stat().st_mode & 0o077 == 0

    restored = fresh.run("scripts/restore.sh", str(tmp_path / "one.dump"))
    assert restored.returncode == 0, restored.stderr
    assert "restored: 1 calls" in restored.stdout
    assert fresh.sql(CALLS) == "CA1=שלום"

    fresh.sql(CALL.format("CA2"))
    refused = fresh.run("scripts/restore.sh", str(tmp_path / "one.dump"))
    assert refused.returncode == 1
    assert "FORCE=1" in refused.stderr
    assert fresh.sql(CALLS) == "CA1=שלום,CA2=שלום"

    forced = fresh.run("scripts/restore.sh", str(tmp_path / "one.dump"), FORCE="1")
    assert forced.returncode == 0, forced.stderr
    assert fresh.sql(CALLS) == "CA1=שלום"
    assert len(list(tmp_path.glob("before-restore-*.dump"))) == 1


def test_what_is_no_backup_changes_nothing(new_stack: Callable[[], Stack], tmp_path: Path) -> None:
    stack = new_stack()
    stack.migrate()
    (tmp_path / "broken.dump").write_bytes(b"PGDMP and then nonsense")
    broken = stack.run("scripts/restore.sh", str(tmp_path / "broken.dump"))
    assert broken.returncode == 1
    assert "not a backup" in broken.stderr
    assert stack.run("scripts/restore.sh", str(tmp_path / "absent.dump")).returncode == 2
    assert stack.run("scripts/restore.sh").returncode == 2
    assert stack.sql("SELECT count(*) FROM businesses") == "1"


def test_without_a_database_there_is_nothing_to_back_up(new_stack: Callable[[], Stack], tmp_path: Path) -> None:
    refused = new_stack().run("scripts/backup.sh", str(tmp_path / "none.dump"))
    assert refused.returncode == 1
    assert "make up-prod" in refused.stderr
    assert list(tmp_path.iterdir()) == []
