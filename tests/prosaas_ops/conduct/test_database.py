"""When a backup is made and where it goes, as .env says it."""

from pathlib import Path

import pytest

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
