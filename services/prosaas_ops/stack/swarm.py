"""The same questions asked of a Swarm: a task stands for a container, and its node and replica are in its name."""

import base64
import json
import os
import secrets
import socket
import threading
import time
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import SOCKET, Container, Demultiplexer, Engine, RawLine, separated
from prosaas_ops.texts import swarm as words

STACK = "com.docker.stack.namespace"
# What a task says of itself once nothing of it runs.
ENDED = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")

_LOOKS_EVERY_S = 1.0
_REACH_S = 20.0
_STATES = {"running": "running", "starting": "created"}
_HAPPENED = {"running": "start", "exited": "die"}
# Beside the task, with its node's socket: one command inside it and what came of that, or what it is; in one line.
_ASK = """
import base64, http.client, json, socket, sys, zlib
class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")
def ask(method, path, body=None):
    connection = Engine("docker")
    connection.request(method, path, body, {"Content-Type": "application/json"})
    return connection.getresponse().read()
container, wanted = sys.argv[1:]
if not wanted:
    told = json.loads(ask("GET", f"/containers/{container}/json"))
elif "Id" in (made := json.loads(ask("POST", f"/containers/{container}/exec", wanted))):
    frames = ask("POST", f"/exec/{made['Id']}/start", '{"Detach": false, "Tty": false}')
    told = {"code": json.loads(ask("GET", f"/exec/{made['Id']}/json"))["ExitCode"]}
    told["frames"] = base64.b64encode(zlib.compress(frames)).decode()
else:
    told = made
print(json.dumps(told))
"""


def opened(path: str = SOCKET) -> Engine:
    """The engine of the stack that this command is about: a Compose project, or a Swarm's stack."""
    return SwarmEngine(path=path) if os.environ.get("OPS_SWARM") == "1" else Engine(path=path)


class SwarmEngine(Engine):
    """A client of one manager, which answers for every node."""

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

    def generations(self, service: str) -> list[Container]:
        """Those of this node first: they are reached at once."""
        here = node_name(self.nodes()[self.get("/info")["Swarm"]["NodeID"]])
        return sorted(super().generations(service), key=lambda one: not one.place.endswith(f"@{here}"))

    def inspect(self, container: str) -> dict[str, Any]:
        """A task's container as the engine of its node describes it."""
        task = next((task for task in self.tasks() if task["ID"] == container), None)
        if task is None:
            return super().inspect(container)
        inner = str(task["Status"].get("ContainerStatus", {}).get("ContainerID", ""))
        if self._is_here(task):
            return super().inspect(inner)
        described = self._from(task, inner, "")
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

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> list[RawLine]:
        """Everything that the task wrote in the window, whichever node it ran on. Swarm knows no end of a window."""
        with self.stream("GET", f"/tasks/{container.id}/logs", _query(since)) as connection:
            frames = Demultiplexer(container.service, container.place)
            lines: list[RawLine] = []
            while chunk := connection.recv(1 << 18):
                lines += frames.feed(chunk)
        last = "~" if until is None else datetime.fromtimestamp(until, UTC).isoformat()
        return [line for line in lines if line.stamp <= last]

    def follow(self, container: str, since: float | None = None) -> socket.socket:
        return self.stream("GET", f"/tasks/{container}/logs", {**_query(since), "follow": 1})

    def follow_events(self, since: float | None = None) -> socket.socket:
        """Tasks that start and end, as the engine tells of containers; a manager is not told of other nodes' own."""
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._tell, args=(theirs,), daemon=True).start()
        return ours

    def events(self, since: float | None = None, until: float | None = None) -> list[dict[str, Any]]:
        """None: what a task itself remembers, `inspect` tells."""
        return []

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
        inner = str(task["Status"].get("ContainerStatus", {}).get("ContainerID", ""))
        if self._is_here(task):
            here = Container(inner, container.service, container.name, "running", "", "")
            return super().run(here, *command, **environment)
        wanted = {
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": list(command),
            "Env": [f"{name}={value}" for name, value in environment.items()],
        }
        told = self._from(task, inner, json.dumps(wanted))
        if told.get("code") is None:
            why = told.get("message", words.NO_END)
            raise Problem(words.NOT_RUN(command=command[0], name=container.name, why=why))
        out, err = separated(zlib.decompress(base64.b64decode(told["frames"])))
        return int(told["code"]), out, err

    def _is_here(self, task: dict[str, Any]) -> bool:
        return bool(task["NodeID"] == self.get("/info")["Swarm"]["NodeID"])

    def _from(self, task: dict[str, Any], *asked: str) -> dict[str, Any]:
        """What its node's engine answers a job beside the task, of the task's own image: that is there already."""
        name = f"{self.project}_reach_{secrets.token_hex(4)}"
        spec = {
            "Name": name,
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": task["Spec"]["ContainerSpec"]["Image"],
                    "Command": ["python3", "-IS", "-c", _ASK, *asked],
                    "User": "0:0",
                    "ReadOnly": True,
                    "CapabilityDrop": ["ALL"],
                    "Healthcheck": {"Test": ["NONE"]},
                    "Mounts": [{"Type": "bind", "Source": SOCKET, "Target": SOCKET}],
                },
                "RestartPolicy": {"Condition": "none"},
                "Placement": {"Constraints": [f"node.id=={task['NodeID']}"]},
                "LogDriver": {"Name": "json-file"},
            },
            "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
        }
        self.post("/services/create", spec)
        try:
            deadline = time.monotonic() + _REACH_S
            while time.monotonic() < deadline:
                time.sleep(0.1)
                for job in self.get("/tasks", filters=json.dumps({"service": [name]})):
                    if job["Status"]["State"] in ENDED:
                        lines = self.logs(Container(job["ID"], "reach", name, "exited", "", ""))
                        if lines:
                            answer: dict[str, Any] = json.loads(lines[-1].text)
                            return answer
            raise Problem(words.NO_ANSWER(name=task["ID"], seconds=f"{_REACH_S:.0f}"))
        finally:
            self.delete(f"/services/{name}")

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
    place = f"{task.get('Slot') or ''}@{node}"
    return Container(
        id=str(task["ID"]),
        service=service,
        name=f"{service}.{place}",
        state=_STATES.get(status["State"], "exited" if status["State"] in ENDED else "created"),
        image=image,
        status=f"{status['State']} {status.get('Err', '')}".strip(),
        created=int(datetime.fromisoformat(task["CreatedAt"]).timestamp()),
        version=version_of(image),
        place=place,
    )


def _event(one: Container, what: str) -> dict[str, Any]:
    attributes = {"com.docker.compose.service": one.service, "exitCode": one.status}
    return {"Action": what, "Actor": {"ID": one.id, "Attributes": attributes}, "timeNano": time.time_ns()}


def _query(since: float | None) -> dict[str, Any]:
    query: dict[str, Any] = {"stdout": 1, "stderr": 1, "timestamps": 1}
    if since is not None:
        query["since"] = f"{since:.9f}"
    return query
