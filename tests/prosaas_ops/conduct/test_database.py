"""When a backup is made and where it goes, as .env says it."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_ops.conduct import database, encrypted
from prosaas_ops.conduct.database import schedule
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / ".state").mkdir()
    return World(tmp_path)


@pytest.mark.parametrize("when", ["15 3 * * *", "*/10 0-6 1,15 * mon-fri", ""])
def test_a_time_of_cron_is_left_to_this_machine(world: World, when: str) -> None:
    schedule(world, when)
    assert (world.state / "schedule").read_text() == when


@pytest.mark.parametrize("when", ["daily", "15 3 * *", "15 3 * * * rm -rf", "* * * * *\n* * * * * x", "$(id) 3 * * *"])
def test_what_is_no_time_never_reaches_cron(world: World, when: str) -> None:
    with pytest.raises(Problem, match="is no time of cron"):
        schedule(world, when)
    assert not (world.state / "schedule").exists()


def test_where_it_cannot_be_encrypted_no_certificate_and_no_call_is_left_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _recipient: str) -> None:
        raise Problem("no space left")

    said = SimpleNamespace(code=0, returncode=0, stdout=b"a private key")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: said)
    monkeypatch.setattr(encrypted, "for_recipient", full)
    one = SimpleNamespace(id="1", service="gateway", state="running")
    played: Any = SimpleNamespace(project="p", docker=lambda *_, **__: said, containers=lambda *_: [one])
    with pytest.raises(Problem, match="no space"):
        database._volumes(played, tmp_path / "one.dump.age", "age1x")
    assert list(tmp_path.iterdir()) == []


def test_only_what_we_named_is_counted_and_the_backup_just_made_stays(world: World) -> None:
    """Somebody's own prosaas-before-upgrade.dump sorts behind every date."""
    folder = world.root / "backups"
    folder.mkdir()
    own = folder / "prosaas-before-upgrade.dump"
    dated = [folder / f"prosaas-2026010{day}T000000Z.dump" for day in (1, 2, 3)]
    for path in (own, *dated):
        path.write_text("dump")
    (world.root / ".env").write_text("BACKUP_KEEP=1\n")
    database._keep(world, dated[0])
    assert sorted(folder.iterdir()) == sorted([own, dated[0], dated[2]])
