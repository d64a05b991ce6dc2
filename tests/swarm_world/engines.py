"""Engines inside containers, each with its own network, disk and clock of tasks; and a registry that they all reach."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ports import free_port
from stack_world.stack import docker, eventually

# Has an engine and a registry; `make test` runs in it.
_IMAGE = os.environ.get("TESTS_IMAGE", "prosaas/tests:local")
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_GONE = re.compile(r"[Ss]uspect|has failed|leave event|failed to (receive|send)|heartbeat|bulk sync.* timed out")
_REGISTRY = """
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /tmp/registry}}
http: {addr: ":5000"}
"""


@dataclass(frozen=True)
class Node:
    """One machine of the Swarm: its name, also of the container that it is, its engine's socket, and its address."""

    name: str
    socket: Path
    address: str

    @property
    def host(self) -> str:
        """As DOCKER_HOST has it."""
        return f"unix://{self.socket}"

    def docker(self, *words: str) -> str:
        """What Docker's own client says of this node's engine."""
        return docker(f"--host={self.host}", *words)


@dataclass(frozen=True)
class Registry:
    """One registry under two names: as the nodes reach it, and as this machine's own engine does."""

    inside: str
    outside: str


@contextmanager
def three_nodes(folder: Path, name: str) -> Iterator[tuple[list[Node], Registry]]:
    """A Swarm whose first node is its manager, and a registry. A whole folder is theirs, at its own path."""
    with ExitStack() as made:
        docker("network", "create", name)
        made.callback(docker, "network", "rm", name)
        registry = _registry(made, folder, name)
        nodes = [_node(made, folder, f"{name}-{number}", registry) for number in (1, 2, 3)]
        # All at once: each has a disk to be cleared.
        made.callback(docker, "rm", "--force", "--volumes", *(node.name for node in nodes))
        for node in nodes:
            eventually(lambda node=node: _answers(node), f"the engine of {node.name}", 30)  # type: ignore[misc]
        nodes = [Node(node.name, node.socket, _address(node.name)) for node in nodes]
        manager, *others = nodes
        manager.docker("swarm", "init", f"--advertise-addr={manager.address}")
        token = manager.docker("swarm", "join-token", "--quiet", "worker").strip()
        for node in others:
            node.docker("swarm", "join", f"--token={token}", f"{manager.address}:2377")
        yield nodes, registry


@contextmanager
def one_machine(folder: Path, name: str) -> Iterator[Node]:
    """An engine by itself, which may be stopped, killed and started as a machine is."""
    with ExitStack() as made:
        node = _node(made, folder, name)
        awake(node)
        yield node


def awake(node: Node) -> None:
    """Wait until its engine answers."""
    eventually(lambda: _answers(node), f"the engine of {node.name}", 60)


def load(node: Node, *images: str) -> None:
    """Images of this machine's engine, on that node's."""
    command = f"docker save {' '.join(images)} | docker --host={node.host} load --quiet"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def taken_for_gone(node: Node) -> list[str]:
    """What its engine said of another one that did not answer: whose containers have no name on this node until it
    does, so that nothing here finds its way to them."""
    done = subprocess.run(["docker", "logs", "--since=10m", node.name], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if _GONE.search(line)][:20]


def _node(made: ExitStack, folder: Path, name: str, registry: Registry | None = None) -> Node:
    socket = folder / f"{name[-1]}.sock"
    outer = Path("/var/run/docker.sock").stat()
    docker(
        "run", "--detach", "--privileged", f"--name={name}", f"--hostname={name}",
        *((f"--network={name[:-2]}",) if registry else ()),
        f"--volume={folder}:{folder}", f"--volume={_BUNDLE}:{_BUNDLE}:ro", "--volume=/var/lib/docker",
        # Gone with the machine, as on any other: what says which engine runs.
        "--tmpfs=/run:exec", _IMAGE,
        "dockerd", "--host=unix:///var/run/docker.sock",
        f"--host=unix://{socket}", f"--group={outer.st_gid}",
        *((f"--insecure-registry={registry.inside}",) if registry else ()),
    )  # fmt: skip
    made.callback(docker, "rm", "--force", "--volumes", name)
    return Node(name, socket, "")


def _registry(made: ExitStack, folder: Path, name: str) -> Registry:
    (folder / "registry.yml").write_text(_REGISTRY)
    port = free_port()
    docker(
        "run", "--detach", f"--name={name}-registry", f"--network={name}", f"--publish=127.0.0.1:{port}:5000",
        f"--volume={folder}:{folder}:ro", _IMAGE, "docker-registry", "serve", f"{folder}/registry.yml",
    )  # fmt: skip
    made.callback(docker, "rm", "--force", "--volumes", f"{name}-registry")
    return Registry(f"{name}-registry:5000", f"127.0.0.1:{port}")


def _answers(node: Node) -> str | None:
    try:
        return node.docker("version", "--format", "{{.Server.Version}}").strip() or None
    except AssertionError:
        return None


def _address(container: str) -> str:
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return docker("inspect", "--format", form, container).strip()
