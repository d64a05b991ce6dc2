"""A deploy has come to its end when every replica is what it should be, and not a moment before."""

from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.swarm import rollout
from prosaas_ops.swarm.rollout import converge, migrate


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """One that waits for nothing: what does not move at once never will."""
    monkeypatch.setattr(rollout, "_PATIENCE_S", 0.0)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return World(tmp_path)


def test_every_replica_healthy_on_its_node_is_the_end(world: World, manager: Any, capsys: Any) -> None:
    manager.node("n1", "one")
    manager.node("n2", "two")
    manager.service("calls", 2, UpdateStatus={"State": "completed"})
    for node in ("n1", "n2"):
        manager.task(f"t-{node}", "calls", node, "running")
    manager.task("old", "calls", "n1", "shutdown", desired="shutdown", image="zero")
    converge(world, manager, ["calls"])
    assert "calls: 2 healthy on one, two" in capsys.readouterr().out


@pytest.mark.parametrize(
    "task",
    [
        {"image": "zero"},  # an update that has not begun yet
        {"force": 1},
        {"state": "starting"},  # not healthy
        {"state": "preparing"},
    ],
)
def test_one_that_is_not_yet_what_it_should_be_is_waited_for(world: World, manager: Any, task: dict[str, Any]) -> None:
    manager.node("n1", "one")
    manager.service("calls", 2)
    manager.task("t1", "calls", "n1", "running")
    manager.task("t2", "calls", "n1", task.pop("state", "running"), **task)
    with pytest.raises(Problem, match="calls: it does not become healthy"):
        converge(world, manager, ["calls"])


def test_one_replica_less_is_not_the_end(world: World, manager: Any) -> None:
    manager.node("n1", "one")
    manager.service("calls", 2)
    manager.task("t1", "calls", "n1", "running")
    with pytest.raises(Problem, match="calls"):
        converge(world, manager, ["calls"])


@pytest.mark.parametrize("state", ["rollback_started", "rollback_completed", "paused"])
def test_what_swarm_took_back_is_told_with_the_last_words_of_the_task(world: World, manager: Any, state: str) -> None:
    manager.node("n1", "one")
    manager.service("calls", 1, UpdateStatus={"State": state})
    manager.task("t1", "calls", "n1", "running")
    manager.task("t2", "calls", "n1", "failed", desired="shutdown", status={"Err": "task: non-zero exit (2)"})
    with pytest.raises(Problem, match=rf"Swarm took it back \({state}\): one: task: non-zero exit \(2\)"):
        converge(world, manager, ["calls"])


def test_a_schema_that_is_not_migrated_is_told_as_it_is_on_one_machine(
    world: World, manager: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(World, "docker", lambda *_, **__: None)
    monkeypatch.setattr("prosaas_ops.swarm.rollout._PATIENCE_S", 5.0)
    manager.task("m", f"{world.project}_migrate", "n1", "failed", status={"Err": "task: non-zero exit (1)"})
    manager.lines["m"] = "began\nno such table\n"
    with pytest.raises(Problem, match=r"migrate did not come to its end \(task: non-zero exit \(1\)\)"):
        migrate(world, manager, {"services": {}, "secrets": {}, "configs": {}})
    assert capsys.readouterr().out == "began\nno such table\n"
