"""A machine that goes down with a stack on it and comes back: in order, and by a power cut."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bundle_world.checkout import ROOT, Checkout, make_checkout
from ports import free_port
from stack_world.stack import docker, eventually, remove
from swarm_world.engines import Node, awake, load, one_machine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
FILES = "docker-compose.yml:docker-compose.prod.yml:deploy/overlays/panel.yml"
VARIABLES: dict[str, Any] = {
    "COMPOSE_FILE": FILES,
    "COMPOSE_PROFILES": "demo",
    "DEMO": "1",
    "API_PORT": "8000",
    "POSTGRES_PASSWORD": "onlyLettersAndDigits1",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "of-the-demo",
    "ADMIN_API_KEY": "chosen-by-whoever-deploys",
}
_SECONDS = 120.0


class Machine:
    """A machine of its own with the stack on it, started without make."""

    def __init__(self, node: Node, clone: Checkout, variables: dict[str, Any]) -> None:
        self.node = node
        clone.compose("build", timeout=500, **variables)
        printed = clone.compose("config", "--images", **variables).out
        load(node, *sorted(set(printed.split())))
        clone.compose("up", "--detach", "--wait", "--no-build", timeout=300, **variables, DOCKER_HOST=node.host)

    def goes_down_and_comes_back(self, how: str) -> None:
        docker(how, self.node.name)
        docker("start", self.node.name)
        awake(self.node)

    def container(self, service: str) -> str:
        return self.node.docker("ps", "--quiet", f"--filter=label=com.docker.compose.service={service}").strip()

    def stands(self) -> str | None:
        """How the containers that are to run do, once each of them is healthy."""
        states = self.node.docker("ps", "--all", '--format={{.Label "com.docker.compose.service"}} {{.Status}}')
        rows = [row.split(" ", 1) for row in states.splitlines() if not row.startswith("migrate ")]
        healthy = len(rows) >= 6 and all(status.startswith("Up") and "(healthy)" in status for _, status in rows)
        return states if healthy else None

    def call(self) -> dict[str, Any]:
        command = ("python", "-m", "simulator", "call", "--json", "--speed", "8")
        told = self.node.docker("exec", self.container("simulator"), *command)
        result: dict[str, Any] = json.loads(told.splitlines()[-1])
        return result

    def stored(self) -> int:
        """How many calls the database has with their ending."""
        query = ("psql", "--username=prosaas", "-At", "-c", "SELECT count(*) FROM calls WHERE end_reason IS NOT NULL")
        return int(self.node.docker("exec", self.container("postgres"), *query))


@pytest.fixture
def machine() -> Iterator[Machine]:
    folder = ROOT / "logs" / f"prosaas-test-reboot-{free_port()}"
    folder.mkdir(parents=True)
    clone = make_checkout(folder)
    try:
        with one_machine(folder, folder.name) as node:
            bases = dict(line.split("=", 1) for line in clone.run("scripts/base-image.sh").out.split())
            trusted = Checkout(ROOT).setting("CA_BUNDLE") or "/dev/null"
            yield Machine(node, clone, bases | VARIABLES | {"CA_BUNDLE": trusted})
    finally:
        remove(clone)


@pytest.mark.alone
def test_a_stack_comes_back_by_itself_when_its_machine_does(machine: Machine) -> None:
    """In order, then without a warning; each call of before is in the database, and the next one is answered."""
    assert machine.call()["ok"]
    for calls, how in enumerate(("stop", "kill"), 1):
        machine.goes_down_and_comes_back(how)
        eventually(machine.stands, f"the stack after {how}", _SECONDS)
        assert machine.stored() == calls
        result = machine.call()
        assert result["ok"], result["problems"]
