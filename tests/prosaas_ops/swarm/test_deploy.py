"""A deploy on a Swarm, step by step: what is published, what leads back, and what the other commands mean there."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.act import up
from prosaas_ops.conduct.world import Done, World
from prosaas_ops.options import Options, Problem
from prosaas_ops.stack.engine import Container
from prosaas_ops.swarm import deploy, kept, rollout
from prosaas_ops.swarm.rendered import Rendered

MODEL = {"services": {"worker": {"image": "prosaas/worker:shop"}, "postgres": {"image": "postgres:17-trixie"}}}


class Machine(World):
    """A checkout whose Docker client only notes what it was asked; images that were built have the ids below."""

    def __init__(self, root: Path, **settings: str) -> None:
        super().__init__(root)
        self.env._settings = {"COMPOSE_PROJECT_NAME": "shop", "PROSAAS_VERSION": "v7", **settings}
        self.asked: list[str] = []
        self.digests = "other/x@sha256:1 registry.example.com/prosaas-worker@sha256:2"
        self.built = {"prosaas/worker:shop-next": "sha256:0123456789abcdef"}

    def _run(self, command: Any, check: bool, feed: str | None, environment: Any) -> Done:
        words = " ".join(command[1:])
        self.asked.append(words)
        if words.startswith("image inspect"):
            if "RepoDigests" in words:
                return Done(0, f"{self.digests}\n", "")
            found = self.built.get(command[-1])
            return Done(0 if found else 1, f"{found}\n", "")
        return Done(0, "", "")


@pytest.fixture(autouse=True)
def _one_node(monkeypatch: pytest.MonkeyPatch, manager: Any) -> None:
    manager.node("n1", "one")
    monkeypatch.setattr(deploy, "engine_of", lambda _world: manager)


def test_what_was_built_is_pushed_and_run_by_its_digest(tmp_path: Path) -> None:
    """A tag may mean another image tomorrow; going back must not."""
    world = Machine(tmp_path, REGISTRY="registry.example.com/")
    images = deploy.published(world, MODEL, build=True)
    assert images == {"prosaas/worker:shop": "registry.example.com/prosaas-worker@sha256:2"}
    assert any(words.startswith("compose") and " build " in words for words in world.asked)
    assert "push --quiet registry.example.com/prosaas-worker:v7" in world.asked


def test_a_restart_at_another_level_lasts_until_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "converge", lambda *_: None)
    asked: list[str] = []
    (tmp_path / ".state").mkdir()
    for level, recorded in (("DEBUG", ""), ("", ""), ("", "WARNING")):
        world = Machine(tmp_path, CALLS_LOG_LEVEL=recorded)
        act = up._of_a_swarm(world, "restart-calls")
        assert act is not None
        act(world, Options("restart-calls", up.OPTIONS, {"LOG_LEVEL": level}))
        asked += world.asked
    changed = [words for words in asked if words.startswith("service update")]
    assert [words.split()[-2] for words in changed] == [
        "--env-add=CALLS_LOG_LEVEL=DEBUG", "--env-rm=CALLS_LOG_LEVEL", "--env-add=CALLS_LOG_LEVEL=WARNING",
    ]  # fmt: skip


def test_what_a_pipeline_pushed_is_neither_built_nor_pushed_again(tmp_path: Path) -> None:
    world = Machine(tmp_path, REGISTRY="registry.example.com")
    images = deploy.published(world, MODEL, build=False)
    assert images == {"prosaas/worker:shop": "registry.example.com/prosaas-worker@sha256:2"}
    assert not [words for words in world.asked if "build" in words or words.startswith(("push", "tag"))]


@pytest.mark.parametrize("registry", ["docker.io/acme", "index.docker.io/acme", "acme"])
def test_the_engine_calls_what_is_on_docker_hub_by_its_short_name(tmp_path: Path, registry: str) -> None:
    world = Machine(tmp_path, REGISTRY=registry)
    world.digests = "other/prosaas-worker@sha256:1 acme/prosaas-worker@sha256:2"
    images = deploy.published(world, MODEL, build=False)
    assert images == {"prosaas/worker:shop": f"{registry}/prosaas-worker@sha256:2"}


def test_an_image_without_a_digest_is_refused_with_what_to_do(tmp_path: Path) -> None:
    world = Machine(tmp_path, REGISTRY="registry.example.com")
    world.digests = ""
    with pytest.raises(Problem, match="prosaas-worker:v7 has no digest on this engine"):
        deploy.published(world, MODEL, build=False)


def test_without_a_registry_an_image_is_named_by_its_content(tmp_path: Path) -> None:
    """A new build under the same name would change nothing for Swarm."""
    world = Machine(tmp_path)
    assert deploy.published(world, MODEL, build=True) == {"prosaas/worker:shop": "prosaas/worker:0123456789ab"}
    world.built.clear()
    with pytest.raises(Problem, match="prosaas/worker was never built here"):
        deploy.published(world, MODEL, build=False)


def released(manager: Any, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(kept, "releases", lambda _engine: [{"services": {name: {}}} for name in names])


def test_what_fails_leads_back_to_what_ran_and_a_first_start_to_nothing(
    tmp_path: Path, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled: list[Any] = []
    monkeypatch.setattr(deploy.Deploy, "_roll_out", lambda _self, stack: rolled.append(stack))
    released(manager, monkeypatch, "new", "old")
    plan = deploy.Deploy(Machine(tmp_path), None).plan(build=False)
    assert [step.name for step in plan.steps if step.prepares] == ["nodes", "images", "each node", "contents"]
    assert plan.back is not None
    for step in plan.back(plan.memory):
        step.do()
    assert rolled == [{"services": {"new": {}}}]
    released(manager, monkeypatch)
    assert deploy.Deploy(Machine(tmp_path), None).plan(build=False).back is None


def test_a_rollback_is_to_a_release_that_is_kept(tmp_path: Path, manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    released(manager, monkeypatch, "new", "old")
    assert deploy.Deploy(Machine(tmp_path), None).rollback(1).steps[0].name == "rollout"
    with pytest.raises(Problem, match="there are 1 earlier releases"):
        deploy.Deploy(Machine(tmp_path), None).rollback(2)
    with pytest.raises(Problem, match=r"N=4: a release from 1 \(the one before\) to 1$"):
        deploy.Deploy(Machine(tmp_path), None).rollback(4)
    released(manager, monkeypatch)
    with pytest.raises(Problem, match="there are 0 earlier releases to go back to, not 7"):
        deploy.Deploy(Machine(tmp_path), None).rollback(7)


def test_releases_are_kept_by_the_swarm_and_old_contents_go(
    tmp_path: Path, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three can be gone back to; a secret that none of them names is taken away."""

    def row(name: str, label: dict[str, str], data: str = "") -> dict[str, Any]:
        packed = base64.b64encode(data.encode()).decode()
        return {"Spec": {"Name": name, "Labels": {"prosaas.contents": "shop", **label}, "Data": packed}}

    stacks = [json.dumps({"services": {}, "secrets": {f"s{number}": {}}, "configs": {}}) for number in range(5)]
    rows = [row(f"r{number}", {"prosaas.release": str(number)}, stacks[number]) for number in range(5)]
    manager.answers |= {"/configs": rows, "/secrets": [row(f"s{number}", {}) for number in range(5)]}
    assert [list(stack["secrets"]) for stack in kept.releases(manager)] == [["s4"], ["s3"], ["s2"], ["s1"], ["s0"]]
    world = Machine(tmp_path)
    monkeypatch.setattr(kept, "KEPT_RELEASES", 3)
    kept.keep(world, manager, {"services": {}, "secrets": {}, "configs": {}})
    assert "config rm r0" in world.asked
    assert not [words for words in world.asked if words in ("config rm r4", "secret rm s4")]


class Leaving(Machine):
    """Its network is removed at the third time of asking, when the Swarm knows no task in it any more."""

    refusals: tuple[str, ...] = (
        "Removing network x\nFailed to remove network x: Error response from daemon: network x is in use by task 91xz\n"
        "Failed to remove some resources from stack: shop",
    ) * 2
    times = 0

    def _run(self, command: Any, check: bool, feed: str | None, environment: Any) -> Done:
        super()._run(command, False, feed, environment)
        done = Done(0, "", "")
        if command[1:3] == ["stack", "rm"]:
            done = Done(1, "", self.refusals[self.times]) if self.times < len(self.refusals) else done
            self.times += 1
        ours = command[1:3] == ["network", "ls"] and "--filter=label=com.docker.stack.namespace=shop" in command
        if ours and self.times <= len(self.refusals):
            done = Done(0, "x\n", "")
        return self._judged(command, check, done)


def test_a_network_that_a_task_has_not_left_yet_is_removed_when_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker stack rm` does not wait for the tasks that it ends."""
    monkeypatch.setattr(deploy, "_LOOK_S", 0.001)
    world = Leaving(tmp_path)
    (step,) = deploy.down(world).steps
    step.do()
    assert [words for words in world.asked if words.startswith("stack")] == ["stack rm shop"] * 3


def test_what_a_swarm_refuses_is_told_at_once_and_tried_again_once_all_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A moment's trouble is no reason to call a stack that has ended one that does not."""
    monkeypatch.setattr(deploy, "_LOOK_S", 0.001)
    world = Leaving(tmp_path)
    world.refusals = ("Removing network x\npermission denied",)
    with pytest.raises(Problem, match=r"stack rm failed:\npermission denied"):
        deploy.down(world).steps[0].do()
    world = Leaving(tmp_path)
    world.refusals = (*Leaving.refusals, "rpc error: code = Unavailable")
    deploy.down(world).steps[0].do()
    assert world.times == 4


def test_a_network_that_never_goes_is_told_with_what_the_engine_says_of_it(tmp_path: Path) -> None:
    world = Leaving(tmp_path)
    world.overrides["DRAIN_SECONDS"] = "-61"
    with pytest.raises(Problem, match=r"docker stack ps shop\n(?s:.)*in use by task 91xz"):
        deploy.down(world).steps[0].do()


def test_what_can_be_gone_back_to_outlives_a_stack_that_is_taken_down(tmp_path: Path, manager: Any) -> None:
    """`docker stack rm` takes whatever has the label of a stack, secrets and configs too."""
    world = Machine(tmp_path)
    manager.answers |= {"/configs": [], "/secrets": []}
    rollout.carry(world, Rendered({}, {"s": "secret"}, {"c": "config"}))
    kept.keep(world, manager, {"services": {}, "secrets": {}, "configs": {}})
    made = [words for words in world.asked if " create " in words]
    assert len(made) == 3
    assert all("prosaas.contents=shop" in words and "com.docker.stack" not in words for words in made)


@pytest.mark.parametrize("command", ["up-prod", "rotate-secret", "backup", "restore"])
def test_what_acts_on_one_machine_is_refused_with_what_to_do(
    command: str, tmp_path: Path, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make up-prod` beside a stack on a Swarm would answer half of the calls with an empty database."""
    world = Machine(tmp_path, COMPOSE_FILE=f"docker-compose.yml:{deploy.OVERLAY}")
    manager.service("worker")
    with pytest.raises(Problem, match=f"make {command} is for one machine"):
        up._of_a_swarm(world, command)


@pytest.mark.parametrize("command", ["rotate-secret", "backup", "restore", "restore-drill"])
def test_the_data_of_a_swarm_that_is_down_is_not_looked_for_on_this_machine(
    command: str, tmp_path: Path, manager: Any
) -> None:
    """A restore would fill an empty volume here, and leave its server where the Swarm's own is to run."""
    world = Machine(tmp_path, COMPOSE_FILE=f"docker-compose.yml:{deploy.OVERLAY}")
    with pytest.raises(Problem, match=r"(?s)is for one machine.*make up-swarm"):
        up._of_a_swarm(world, command)


def test_the_folder_knows_what_it_was_started_as(tmp_path: Path) -> None:
    assert deploy.is_swarm(Machine(tmp_path, COMPOSE_FILE=f"docker-compose.yml:{deploy.OVERLAY}"))
    assert not deploy.is_swarm(Machine(tmp_path, COMPOSE_FILE="docker-compose.yml:docker-compose.prod.yml"))


def test_an_engine_that_left_the_swarm_has_no_stack_on_it(tmp_path: Path, manager: Any) -> None:
    """`make up-prod` is then what one wants."""
    world = Machine(tmp_path, COMPOSE_FILE=f"docker-compose.yml:{deploy.OVERLAY}")
    manager.service("worker")
    manager.answers["/info"] = {"Swarm": {"LocalNodeState": "inactive"}}
    assert not deploy.runs(world)
    assert up._of_a_swarm(world, "up-prod") is None


def test_a_stack_that_still_runs_here_keeps_its_database_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers on one volume would destroy it; and .env still says what `make down` must take down."""
    world = Machine(tmp_path)
    monkeypatch.setattr(world, "containers", lambda *_: [Container("c", "postgres", "p", "running", "", "")])
    with pytest.raises(Problem, match="runs on this machine without a Swarm"):
        up._up_swarm(world, Options("up-swarm", up.OPTIONS, {}))
    assert world.asked == []
    assert not world.env.path.exists()
