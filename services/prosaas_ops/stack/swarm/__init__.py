"""The same questions asked of a Swarm: a task stands for a container, and its node and replica are in its name."""

import base64
import json
import os
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from prosaas_ops.options import Problem, complain
from prosaas_ops.stack.engine import AWAY, SOCKET, Container, Engine, Gone
from prosaas_ops.stack.frames import Demultiplexer, RawLine, chunks, log_query, separated
from prosaas_ops.stack.swarm.reach import beside, instead
from prosaas_ops.stack.swarm.tasks import ENDED, as_container, container_of, node_name, takes_jobs
from prosaas_ops.texts import refused
from prosaas_ops.texts import swarm as words

STACK = "com.docker.stack.namespace"
_LOOKS_EVERY_S = 1.0
_HAPPENED = {"running": "start", "exited": "die", AWAY: AWAY}
# Each deploy looks at every node by this one's image. Another would be pulled, for which a registry may want a login.
_ON_EVERY_NODE = "prosaas-api"


def opened(path: str = SOCKET) -> Engine:
    """The engine of the stack that this command is about: a Compose project, or a Swarm's stack."""
    return SwarmEngine(path=path) if os.environ.get("OPS_SWARM") == "1" else Engine(path=path)


class SwarmEngine(Engine):
    """A client of one manager, which answers for every node."""

    def __init__(self, project: str | None = None, path: str = SOCKET) -> None:
        super().__init__(project, path)
        self._told_of: set[str] = set()
        # Lines of many replicas are read at once.
        self._telling = threading.Lock()

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
        nodes = self.nodes()
        found = [
            as_container(task, names[task["ServiceID"]], nodes.get(task.get("NodeID", "")))
            for task in self.tasks()
            if task["ServiceID"] in names and task.get("NodeID")
        ]
        found.sort(key=lambda container: (container.created, container.name))
        if services:
            found = [container for container in found if container.service in services]
            found.sort(key=lambda container: services.index(container.service))
        return found

    def serving(self, service: str) -> list[Container]:
        return self.generations(service)

    def require(self, *services: str) -> list[Container]:
        """The same; once for each node that is away it is told that what is there is missing."""
        found = super().require(*services)
        for one in found:
            if one.state == AWAY:
                self._tell_of(one.place.partition("@")[2])
        return found

    def _tell_of(self, node: str) -> None:
        with self._telling:
            if node not in self._told_of:
                self._told_of.add(node)
                complain(words.NODE_AWAY(node=node))

    def current(self) -> list[Container]:
        """A task that ended was followed by another: it is history, and its lines are what is left of it."""
        return [container for container in self.require() if container.state != "exited"]

    def generations(self, service: str) -> list[Container]:
        """Those of this node first: they are reached at once."""
        here = node_name(self.nodes()[self.get("/info")["Swarm"]["NodeID"]])
        return sorted(super().generations(service), key=lambda one: not one.place.endswith(f"@{here}"))

    def inspect(self, container: str) -> dict[str, Any]:
        """A task's container as the engine of its node describes it."""
        task = next((task for task in self.tasks() if task["ID"] == container), None)
        if task is None:
            return super().inspect(container)
        if self._is_here(task):
            return super().inspect(container_of(task))
        described = beside(self, task, None)
        if "Config" not in described:
            raise Problem(words.NOT_DESCRIBED(name=container, why=described.get("message", words.GONE)))
        return described

    def life(self, container: str) -> dict[str, Any]:
        """As the manager remembers it: of a node that is away, and of a container that is gone, too."""
        task = self.get(f"/tasks/{container}")
        status, ended = task["Status"], task["Status"]["State"] in ENDED
        return {
            "StartedAt": task["CreatedAt"] if ended else status["Timestamp"],
            "FinishedAt": status["Timestamp"] if ended else "",
            "ExitCode": status.get("ContainerStatus", {}).get("ExitCode", 0),
            "OOMKilled": False,
        }

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> Iterator[RawLine]:
        """Everything that the task wrote in the window, whichever node it ran on. Swarm knows no end of a window."""
        if container.state == AWAY:
            self._tell_of(container.place.partition("@")[2])
            return
        last = "~" if until is None else datetime.fromtimestamp(until, UTC).isoformat()
        # A task that the manager has forgotten since has none.
        with suppress(Gone), self.stream("GET", f"/tasks/{container.id}/logs", log_query(since)) as connection:
            lines = Demultiplexer(container.service, container.place)
            for chunk in chunks(connection):
                yield from (line for line in lines.feed(chunk) if line.stamp <= last)

    def follow(self, container: str, since: float | None = None) -> socket.socket:
        return self.stream("GET", f"/tasks/{container}/logs", {**log_query(since), "follow": 1})

    def follow_events(self, since: float | None = None) -> socket.socket:
        """Tasks that start and end, as the engine tells of containers; a manager is not told of other nodes' own."""
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._tell, args=(theirs,), daemon=True).start()
        return ours

    def events(self, since: float | None = None, until: float | None = None) -> list[dict[str, Any]]:
        """None: what a task itself remembers, `inspect` tells."""
        return []

    def remembers_since(self) -> float | None:
        """Nothing is missing: no event is asked for."""
        return None

    def _tell(self, listener: socket.socket) -> None:
        known = {one.id: one.state for one in self.containers()}
        with suppress(OSError, Problem), listener:
            while True:
                time.sleep(_LOOKS_EVERY_S)
                for one in self.containers():
                    if known.get(one.id) != one.state and (what := _HAPPENED.get(one.state)):
                        listener.sendall(json.dumps(_event(one, what)).encode() + b"\n")
                    known[one.id] = one.state
                # Nobody reads any more: an empty line is no event, and finds that out.
                listener.sendall(b"\n")

    def run(self, container: Container, *command: str, **environment: str) -> tuple[int, str, str]:
        """Runs a command inside a task; on another node by way of a job of the Swarm there, a second or two longer."""
        task = self.get(f"/tasks/{container.id}")
        if self._is_here(task):
            here = Container(container_of(task), container.service, container.name, "running", "", "")
            return super().run(here, *command, **environment)
        wanted = {
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": list(command),
            "Env": [f"{name}={value}" for name, value in environment.items()],
        }
        told = beside(self, task, wanted)
        if told.get("code") is None:
            why = told.get("message", words.NO_END)
            raise Problem(words.NOT_RUN(command=command[0], name=container.name, why=why))
        out, err = separated(zlib.decompress(base64.b64decode(told["frames"])))
        return int(told["code"]), out, err

    def log_driver(self, container: Container) -> tuple[str, dict[str, str]]:
        """As the task was told it: its container may be gone, and its node away."""
        driver = self.get(f"/tasks/{container.id}")["Spec"].get("LogDriver")
        return (driver["Name"], driver.get("Options") or {}) if driver else super().log_driver(container)

    def environment(self, container: Container) -> list[str]:
        """As the task was told it: nobody has to go to its node for that."""
        return list(self.get(f"/tasks/{container.id}")["Spec"]["ContainerSpec"].get("Env") or ())

    def _is_here(self, task: dict[str, Any]) -> bool:
        return bool(task["NodeID"] == self.get("/info")["Swarm"]["NodeID"])

    def everywhere(self, service: str, *command: str, **environment: str) -> dict[str, tuple[int, str, str]]:
        """By node, also where no replica is: one that went elsewhere leaves its volumes behind."""
        nodes = self.nodes()
        resting = [node_name(node) for node in nodes.values() if not takes_jobs(node)]
        if resting:
            raise Problem(words.NOT_ASKED(nodes=", ".join(sorted(resting))))
        specs = {self.short(one): one["Spec"]["TaskTemplate"]["ContainerSpec"] for one in self.services()}
        if not {service, _ON_EVERY_NODE} <= {*specs}:
            raise Problem(refused.NOT_RUNNING(service=service, project=self.project))
        own = {**specs[service], "Image": specs[_ON_EVERY_NODE]["Image"]}
        told = instead(self, own, {*nodes}, {"command": command, "environment": environment})
        named = Counter(map(node_name, nodes.values()))

        def called(number: str) -> str:
            # Two machines made of one image may have one host name.
            name = node_name(nodes[number])
            return name if named[name] == 1 else f"{name} ({number[:12]})"

        return {called(number): (one["code"], one["out"], one["err"]) for number, one in told.items()}

    def _ours(self) -> str:
        return json.dumps({"label": [f"{STACK}={self.project}"]})


def _event(one: Container, what: str) -> dict[str, Any]:
    attributes = {"com.docker.compose.service": one.service, "exitCode": one.status}
    return {"Action": what, "Actor": {"ID": one.id, "Attributes": attributes}, "timeNano": time.time_ns()}
