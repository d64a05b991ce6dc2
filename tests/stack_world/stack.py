"""A running production stack, and what a test asks of it."""

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from bundle_world.checkout import ROOT, Checkout, make_checkout
from ports import free_port
from postgres_world import docker

_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Stack:
    """One Compose project that `make up-prod` started."""

    checkout: Checkout
    project: str

    def container(self, service: str) -> str:
        """The id of the service's container as it is now, the newest where an older one still drains."""
        # Not `compose ps`, which reads the Compose files first: every test asks.
        labels = (f"project={self.project}", f"service={service}", "oneoff=False")
        filters = [f"--filter=label=com.docker.compose.{label}" for label in labels]
        found = docker("ps", "--all", "--quiet", "--no-trunc", *filters).split()
        assert found, service
        return found[0]

    def generations(self, service: str) -> list[str]:
        """The ids of the service's containers that run, the newest one first."""
        labels = (f"project={self.project}", f"service={service}", "oneoff=False")
        return docker(
            "ps", "--quiet", "--no-trunc", *(f"--filter=label=com.docker.compose.{x}" for x in labels)
        ).split()

    def inspect(self, service: str) -> dict[str, Any]:
        (described,) = json.loads(docker("inspect", self.container(service)))
        result: dict[str, Any] = described
        return result

    def execute(self, service: str, *command: str) -> str:
        return docker("exec", self.container(service), *command)

    def lines(self, service: str) -> list[str]:
        """What the container wrote, straight from the engine: `compose logs` adds control codes."""
        return self.lines_of(self.container(service))

    @staticmethod
    def lines_of(container: str) -> list[str]:
        """What this one container wrote."""
        done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
        return (done.stdout + done.stderr).splitlines()

    def wait_for_line(self, service: str, *words: str, seconds: float = 20) -> str:
        """The first line with all the words; fails when none comes in time."""

        def look() -> str | None:
            return next((line for line in self.lines(service) if all(word in line for word in words)), None)

        return eventually(look, f"a line of {service} with {words}", seconds)

    def call(self, *options: str) -> dict[str, Any]:
        """Place a simulated call, wait until it has ended, and return what its caller experienced."""
        printed = self.execute("simulator", "python", "-m", "simulator", "call", "--json", "--speed", "8", *options)
        result: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return result

    def lines_of_call(self, service: str, call_sid: str) -> list[str]:
        return [line for line in self.lines(service) if call_sid in line]

    def image(self, name: str) -> str:
        return f"prosaas/{name}:{self.project}"

    @property
    def simulator(self) -> str:
        """The simulated caller's own address, on the stack's network."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        return f"http://{docker('inspect', '-f', form, self.container('simulator')).split()[0]}:9000"

    @property
    def door(self) -> str:
        """Where the front door is, on this machine."""
        return f"127.0.0.1:{self.checkout.setting('API_PORT')}"

    @property
    def troubles(self) -> str:
        """What an operator would see of the last minutes."""
        return self.checkout.run("make", "errors", "SINCE=10m", check=False).text

    def dump(self) -> str:
        """What every container wrote and how each stands, for whoever reads a failure."""
        states = self.checkout.compose("--profile", "*", "ps", "--all", check=False)
        logs = self.checkout.compose("--profile", "*", "logs", "--timestamps", "--no-color", check=False)
        return _CONTROL.sub("", states.text + logs.text)


def eventually(look: Callable[[], str | None], what: str, seconds: float) -> str:
    """Look again until there is something to return."""
    deadline = monotonic() + seconds
    while (found := look()) is None:
        assert monotonic() < deadline, f"{what}: nothing in {seconds:.0f} s"
        sleep(0.2)
    return found


def prepare(**settings: str) -> tuple[Checkout, str]:
    """A checkout under logs/, where the engine finds its files too, with a project, ports and image tags of its own."""
    project = f"prosaas-test-{uuid.uuid4().hex[:8]}"
    target = ROOT / "logs" / project
    target.mkdir(parents=True)
    checkout = make_checkout(target)
    try:
        checkout.run("scripts/run", "setup", COMPOSE_PROJECT_NAME=project)
    except BaseException:
        remove(checkout)
        raise
    checkout.configure(
        COMPOSE_PROJECT_NAME=project,
        PROSAAS_VERSION=project,
        API_PORT=str(free_port()),
        DRAIN_SECONDS="60",
        **settings,
    )
    return checkout, project


def remove(checkout: Checkout, **settings: Any) -> None:
    """The checkout with its containers, volumes and images; `settings` are those that it has in no .env."""
    down = ("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")
    checkout.compose(*down, check=False, **settings)
    for name in checkout.run("docker", "ps", "--quiet", f"--filter=name=^{checkout.path.name}-drains-").out.split():
        checkout.run("docker", "rm", "--force", name, check=False)
    folder = f"printf %s '{checkout.path}' | cksum | cut -d ' ' -f 1"
    tools = checkout.run("sh", "-c", folder).out.strip()
    # By name: two stacks' images of the same content are one image, and its id stands for the names of both.
    tagged = [
        "docker",
        "image",
        "ls",
        "--format={{.Repository}}:{{.Tag}}",
        "--filter",
        f"reference=prosaas/*:{checkout.path.name}*",
    ]
    tagged += ["--filter", f"reference=prosaas/ops:folder-{tools}"]
    if images := checkout.run(*tagged).out.split():
        checkout.run("docker", "image", "rm", "--force", *images, check=False)
    shutil.rmtree(checkout.path)
