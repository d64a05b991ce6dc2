"""The same questions asked of a Swarm: a task stands for a container, and its node and replica are in its name."""

import json
import os
import socket
from datetime import datetime
from typing import Any

from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import SOCKET, Container, Demultiplexer, Engine, RawLine

STACK = "com.docker.stack.namespace"
# What a task says of itself once nothing of it runs.
ENDED = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")


def opened(path: str = SOCKET) -> Engine:
    """The engine of the stack that this command is about: a Compose project, or a Swarm's stack."""
    return SwarmEngine(path=path) if os.environ.get("OPS_SWARM") == "1" else Engine(path=path)


class SwarmEngine(Engine):
    """A client of one manager, which answers for every node: lines it has of all, commands it runs on its own node."""

    def services(self) -> list[dict[str, Any]]:
        """The stack's services as Swarm describes them."""
        found: list[dict[str, Any]] = self.get("/services", filters=self._ours())
        return found

    def tasks(self) -> list[dict[str, Any]]:
        """Every task of the stack, the ended ones that Swarm remembers included."""
        found: list[dict[str, Any]] = self.get("/tasks", filters=self._ours())
        return found

    def nodes(self) -> dict[str, dict[str, Any]]:
        """The nodes by id."""
        return {node["ID"]: node for node in self.get("/nodes")}

    def short(self, service: dict[str, Any]) -> str:
        """A service's name as the Compose files have it."""
        return str(service["Spec"]["Name"]).removeprefix(f"{self.project}_")

    def containers(self, *services: str) -> list[Container]:
        """The stack's tasks as containers, by the services asked for, a service's oldest one first."""
        names = {service["ID"]: self.short(service) for service in self.services()}
        hosts = {number: node_name(node) for number, node in self.nodes().items()}
        found = [
            _container(task, names[task["ServiceID"]], hosts.get(task.get("NodeID", ""), "?"))
            for task in self.tasks()
            if task["ServiceID"] in names and task.get("NodeID")
        ]
        found.sort(key=lambda container: (container.created, container.name))
        if services:
            found = [container for container in found if container.service in services]
            found.sort(key=lambda container: services.index(container.service))
        return found

    def current(self) -> list[Container]:
        """A task that ended was followed by another: it is history, and its lines are what is left of it."""
        return [container for container in self.require() if container.state != "exited"]

    def inspect(self, container: str) -> dict[str, Any]:
        """A task in the shape of a container: when it started, and how it ended if it did."""
        task = self.get(f"/tasks/{container}")
        status = task["Status"]
        ended = status["State"] in ENDED
        state = {
            "StartedAt": task["CreatedAt"] if ended else status["Timestamp"],
            "FinishedAt": status["Timestamp"] if ended else "",
            "ExitCode": status.get("ContainerStatus", {}).get("ExitCode", 0),
            "OOMKilled": False,
        }
        return {"Id": container, "State": state, "Config": {"Env": task["Spec"]["ContainerSpec"].get("Env") or []}}

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> list[RawLine]:
        """Everything that the task wrote in the window, whichever node it ran on. Swarm knows no end of a window."""
        with self.stream("GET", f"/tasks/{container.id}/logs", _query(since)) as connection:
            frames = Demultiplexer(container.service)
            lines: list[RawLine] = []
            while chunk := connection.recv(1 << 18):
                lines += frames.feed(chunk)
        last = "~" if until is None else datetime.utcfromtimestamp(until).isoformat()
        return [line for line in lines if line.stamp <= last]

    def follow(self, container: str, since: float | None = None) -> socket.socket:
        return self.stream("GET", f"/tasks/{container}/logs", {**_query(since), "follow": 1})

    def run(self, container: Container, *command: str, **environment: str) -> tuple[int, str, str]:
        """Runs a command inside a task of this manager's own node; the others' engines are not asked from here."""
        task = self.get(f"/tasks/{container.id}")
        if task.get("NodeID") != self.get("/info")["Swarm"]["NodeID"]:
            raise Problem(f"{container.name} is on another node: run this there, where its engine is")
        inner = Container(
            task["Status"]["ContainerStatus"]["ContainerID"], container.service, container.name, "running", "", ""
        )
        return super().run(inner, *command, **environment)

    def _ours(self) -> str:
        return json.dumps({"label": [f"{STACK}={self.project}"]})


def node_name(node: dict[str, Any]) -> str:
    """Its host name."""
    return str(node["Description"]["Hostname"])


def version_of(image: str) -> str:
    """What is after the name: a tag, or the beginning of a digest."""
    name, _, digest = image.partition("@")
    return name.rpartition("/")[2].partition(":")[2] or digest[7:19]


def _container(task: dict[str, Any], service: str, node: str) -> Container:
    status = task["Status"]
    image = str(task["Spec"]["ContainerSpec"]["Image"])
    return Container(
        id=str(task["ID"]),
        service=service,
        name=f"{service}.{task.get('Slot') or node}@{node}",
        state=_STATES.get(status["State"], "exited" if status["State"] in ENDED else "created"),
        image=image,
        status=f"{status['State']} {status.get('Err', '')}".strip(),
        created=int(datetime.fromisoformat(task["CreatedAt"]).timestamp()),
        version=version_of(image),
    )


_STATES = {"running": "running", "starting": "created"}


def _query(since: float | None) -> dict[str, Any]:
    query: dict[str, Any] = {"stdout": 1, "stderr": 1, "timestamps": 1}
    if since is not None:
        query["since"] = f"{since:.9f}"
    return query
