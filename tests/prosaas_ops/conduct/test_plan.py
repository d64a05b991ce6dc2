"""What a plan looks at before it changes anything."""

from pathlib import Path

import pytest

from prosaas_ops.conduct import plan
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem


def test_a_folder_that_is_newer_than_what_runs_is_deployed_before_a_secret_is_rotated(tmp_path: Path) -> None:
    """Services would come back as what the new files say, of images that do not know it."""
    (tmp_path / ".state").mkdir()
    (tmp_path / ".env").write_text("COMPOSE_FILE=docker-compose.yml:.state/compose.yml\n")
    world = World(tmp_path)
    compose = tmp_path / "docker-compose.yml"
    compose.write_text("services: {}\n")
    with pytest.raises(Problem, match="nothing was changed\n  fix:  make up-prod"):
        plan.same_definition(world)
    world.remember("definition", plan._definition(world))
    (tmp_path / ".state/compose.yml").write_text("services: {}\n")
    plan.same_definition(world)
    compose.write_text("services: {new: {image: x}}\n")
    with pytest.raises(Problem, match="are not those that the stack was started from"):
        plan.same_definition(world)
