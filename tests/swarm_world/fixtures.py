"""The stack on three machines: started by the operator's own command, and everything taken away after."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from bundle_world.checkout import Checkout, Done
from stack_world.stack import docker, prepare, remove
from swarm_world.engines import Node, Registry, load, taken_for_gone, three_nodes

_OURS = ("api", "calls", "worker", "simulator", "gateway")


@dataclass(frozen=True)
class Swarm:
    """One stack on three nodes, the first of which is the manager."""

    checkout: Checkout
    project: str
    nodes: list[Node]
    registry: Registry

    @property
    def manager(self) -> Node:
        return self.nodes[0]

    def make(self, *words: str, check: bool = True, timeout: float = 240, on: Node | None = None) -> Done:
        """An operator's command on the manager, or on another one."""
        host = (on or self.manager).host
        return self.checkout.run("make", *words, check=check, timeout=timeout, DOCKER_HOST=host)

    def tasks(self, service: str) -> list[dict[str, str]]:
        """The service's running tasks: Name, Node, ID."""
        form = ["ps", "--no-trunc", "--filter=desired-state=running", "--format={{json .}}"]
        rows = self.manager.docker("service", *form, f"{self.project}_{service}").splitlines()
        return [task for task in map(json.loads, rows) if task["CurrentState"].startswith("Running")]

    def node_of(self, task: dict[str, str]) -> Node:
        return next(node for node in self.nodes if node.name == task["Node"])

    def execute(self, task: dict[str, str], *command: str) -> str:
        """Run it inside the task, on whichever node that is."""
        return self.node_of(task).docker("exec", f"{task['Name']}.{task['ID']}", *command)

    def calls_on(self, node: Node) -> list[str]:
        """The calls that the replicas of prosaas-calls on that node have now."""
        look = "import urllib.request as u;print(u.urlopen('http://127.0.0.1:5051/calls').read().decode())"
        return [
            call["call_sid"]
            for task in self.tasks("prosaas-calls")
            if task["Node"] == node.name
            for call in json.loads(self.execute(task, "python", "-IS", "-c", look))
        ]

    def asked(self, statement: str) -> str:
        """What the database answers, in psql's barest form."""
        (task,) = self.tasks("postgres")
        return self.execute(task, "psql", "-qAtX", "-U", "prosaas", "-d", "prosaas", "-c", statement).strip()

    @property
    def door(self) -> str:
        """The gateway on the manager's node."""
        return f"{self.manager.address}:{self.checkout.setting('API_PORT')}"

    @property
    def simulator(self) -> str:
        """The simulated caller's own address, published for the tests on its node."""
        (task,) = self.tasks("simulator")
        return f"http://{self.node_of(task).address}:9000"

    @property
    def troubles(self) -> str:
        """What an operator on the manager would see of the last minutes, and which engine took another for gone."""
        said = [f"{node.name}: {line}" for node in self.nodes for line in taken_for_gone(node)]
        return "\n".join([self.make("errors", "SINCE=10m", check=False).text, *said])

    def call(self, *options: str) -> dict[str, Any]:
        """One simulated call to its end, and what its caller experienced."""
        (task,) = self.tasks("simulator")
        words = ("python", "-m", "simulator", "call", "--json", "--speed", "8", *options)
        result: dict[str, Any] = json.loads(self.execute(task, *words).splitlines()[-1])
        return result


@pytest.fixture(scope="session")
def swarm() -> Iterator[Swarm]:
    """Three engines, images in a registry, and `make up-swarm` on the manager."""
    checkout, project = prepare(API_REPLICAS="3", CALLS_REPLICAS="3", WORKER_REPLICAS="3")
    try:
        with three_nodes(checkout.path, project) as (nodes, registry):
            made = Swarm(checkout, project, nodes, registry)
            _images(made)
            manager = made.manager
            manager.docker(
                "node", "update", "--label-add=prosaas.gateway=1", "--label-add=prosaas.database=1", manager.name
            )
            _publish_simulator(checkout)
            made.make("up-swarm", "BUILD=0", timeout=280)
            yield made
    finally:
        remove(checkout)


def _publish_simulator(checkout: Checkout) -> None:
    """For the tests' callers, in the files themselves: each deploy leaves it as it is."""
    overlay = checkout.path / "docker-compose.swarm.yml"
    before, after = "  simulator:\n    deploy: *rollout\n", "  simulator:\n    deploy: *single\n"
    text = overlay.read_text()
    assert before in text
    overlay.write_text(text.replace(before, f"{after}    ports: [{{target: 9000, published: '9000', mode: host}}]\n"))


def tools(swarm: Swarm) -> list[str]:
    """The image of the operator's commands, as this checkout has it."""
    folder = swarm.checkout.run("sh", "-c", f"printf %s '{swarm.checkout.path}' | cksum | cut -d ' ' -f 1").out.strip()
    return [f"prosaas/ops:folder-{folder}"]


def _images(swarm: Swarm) -> None:
    """What a pipeline would do elsewhere: this version, built and pushed. The manager has the tools as well."""
    checkout, version = swarm.checkout, swarm.project
    files = "docker-compose.yml:docker-compose.prod.yml"
    checkout.compose("build", "--quiet", COMPOSE_FILE=files, COMPOSE_PROFILES="demo", timeout=280)
    # What the manager alone needs comes to it while the others are packed for the registry.
    with ThreadPoolExecutor(1) as beside:
        loaded = beside.submit(load, swarm.manager, *tools(swarm), checkout.setting("POSTGRES_IMAGE"))
        for name in _OURS:
            pushed = f"{swarm.registry.outside}/prosaas-{name}:{version}"
            docker("tag", f"prosaas/{name}:{version}", pushed)
            docker("push", "--quiet", pushed)
            docker("image", "rm", pushed)
        loaded.result()
    checkout.configure(REGISTRY=swarm.registry.inside)
