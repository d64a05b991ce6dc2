"""The part of Docker's HTTP interface that the tools need, over its socket.

Written against the socket because the client libraries cost more time to import than `make trace` may take, and read a
day of logs in twice the time: asked in HTTP/1.0 the engine answers in one unchunked stream.
"""

import json
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from prosaas_ops.options import Problem
from prosaas_ops.stack import buried
from prosaas_ops.stack.frames import Demultiplexer, RawLine, chunks, log_query, separated
from prosaas_ops.texts import refused

SOCKET = "/var/run/docker.sock"
# In which the generations are listed that a deploy took away.
GONE = "gone"
# Of one whose machine does not answer: whether it still runs nobody knows, and what it wrote is there alone.
AWAY = "away"
# What the engine answers about a container that was taken away, and about one that has ended or is on its way out.
_NOT_THERE = (404, 409)
# Silence of this many seconds within an answer is an engine that hangs. The socket's own time limit keeps it blocking.
_PATIENCE = struct.pack("ll", 60, 0)
# How a project is named that a start for development began, after production's own.
DEV = "-dev"


class Gone(Problem):
    """What was asked about is no longer there: a drain ended between the list and the question."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the stack, as the engine lists it."""

    id: str
    service: str
    name: str
    state: str
    image: str
    status: str
    created: int = 0
    ports: tuple[int, ...] = ()
    # As its image says it; an image from elsewhere is known by its tag.
    version: str = ""
    # Of a Swarm's replicas: its number and its node.
    place: str = ""


class Engine:
    """A client of the engine for the containers of one Compose project."""

    def __init__(self, project: str | None = None, path: str = SOCKET) -> None:
        self.project = project or os.environ.get("COMPOSE_PROJECT_NAME") or "prosaas"
        self._path = path

    def containers(self, *services: str) -> list[Container]:
        """The project's containers, stopped ones included: by the services asked for, a service's oldest one first."""
        found = [
            Container(
                id=row["Id"],
                service=row["Labels"].get("com.docker.compose.service", ""),
                name=row["Names"][0].lstrip("/"),
                state=row["State"],
                image=row["Image"],
                status=row["Status"],
                created=row.get("Created", 0),
                ports=tuple(port["PublicPort"] for port in row.get("Ports") or [] if "PublicPort" in port),
                version=_version(row),
            )
            for row in self.get("/containers/json", all=1, filters=json.dumps({"label": _labels(self.project)}))
            if row["Labels"].get("com.docker.compose.oneoff", "False") != "True"
        ]
        found.sort(key=lambda container: (container.created, container.name))
        if services:
            found = [container for container in found if container.service in services]
            found.sort(key=lambda container: services.index(container.service))
        return found

    def kept(self, *services: str, folder: Path = buried.KEPT) -> list[Container]:
        """The last generations of these services that are gone: their lines can still be read, and nothing else."""
        return [
            Container(str(path), path.name.split(".")[0], path.name.removesuffix(".gz"), GONE, "", "gone")
            for path in sorted(folder.glob("*.gz"))
            if path.name.split(".")[0] in services
        ]

    def with_kept(self, found: Sequence[Container], *services: str) -> list[Container]:
        """Whatever has lines of these services, once: what was *found*, and the generations that are gone by now.

        In this order: one that is taken away between two lists would be in neither of them the other way round.
        """
        kept = self.kept(*services)
        went = {one.id for one in kept}
        return [*kept, *(one for one in found if str(buried.file_of(one.service, one.id)) not in went)]

    def running(self, service: str) -> Container:
        """The service's newest running container, or the one sentence that says why there is none."""
        return self.generations(service)[0]

    def generations(self, service: str) -> list[Container]:
        """All that run of the service, the newest first: while one drains beside another, each has calls of its own."""
        if found := [one for one in reversed(self.containers(service)) if one.state == "running"]:
            return found
        raise Problem(refused.NOT_RUNNING(service=service, project=self.project))

    def serving(self, service: str) -> list[Container]:
        """Those that take what is new: on one host the newest, on a Swarm every replica."""
        return [self.running(service)]

    def require(self, *services: str) -> list[Container]:
        """The containers of these services; a stack with none of them is a problem with an obvious fix."""
        found = self.containers(*services)
        if not found:
            raise Problem(refused.STACK_DOWN(project=self.project))
        return found

    def current(self) -> list[Container]:
        """What is, or should be: the project's containers, of which a dead one is no matter of the past."""
        return self.require()

    def inspect(self, container: str) -> dict[str, Any]:
        return dict(self.get(f"/containers/{container}/json"))

    def log_driver(self, container: Container) -> tuple[str, dict[str, str]]:
        """What takes its lines, and the options of that."""
        config = (self.inspect(container.id).get("HostConfig") or {}).get("LogConfig") or {}
        return config.get("Type", "?"), config.get("Config") or {}

    def environment(self, container: Container) -> list[str]:
        """What it was started with, each as NAME=value."""
        return list((self.inspect(container.id).get("Config") or {}).get("Env") or ())

    def life(self, container: str) -> dict[str, Any]:
        """When it started and ended, and how: StartedAt, FinishedAt, ExitCode, OOMKilled."""
        return dict(self.inspect(container)["State"])

    def get(self, path: str, **query: object) -> Any:
        status, body = self._whole("GET", path, query)
        if status >= 400:
            _refuse(path, status, body)
        return json.loads(body)

    def post(self, path: str, payload: dict[str, Any] | None = None, **query: object) -> Any:
        status, body = self._whole("POST", path, query, payload)
        if status >= 400:
            _refuse(path, status, body)
        return json.loads(body) if body.strip() else None

    def delete(self, path: str) -> None:
        """Take it away; whether it was there does not matter."""
        self._whole("DELETE", path, {})

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> Iterator[RawLine]:
        """Everything the container wrote in the window, oldest first; of one that is gone, as far as it was kept.

        A piece at a time: all of it is larger than this machine's memory where the engine keeps it without a bound.
        """
        kept, lines, path = Path(container.id), Demultiplexer(container.service), f"/containers/{container.id}/logs"
        if container.state != GONE:
            with self._ask("GET", path, log_query(since, until), None) as connection, _in_time(connection, path):
                if (status := _status(connection, path)) < 400:
                    for chunk in chunks(connection):
                        yield from lines.feed(chunk)
                    return
                if status not in _NOT_THERE:
                    raise Problem(refused.LOG_UNREAD(name=container.service, why=_reason(connection.recv(4096))))
            kept = buried.file_of(container.service, container.id)
        yield from buried.lines(kept, container.service, since, until)

    def follow(self, container: str, since: float | None = None) -> socket.socket:
        """A socket on which the container's new lines arrive, for a Demultiplexer."""
        return self.stream("GET", f"/containers/{container}/logs", {**log_query(since), "follow": 1})

    def events(self, since: float | None = None, until: float | None = None) -> list[dict[str, Any]]:
        """What happened to the project's containers. The engine remembers the last few hundred events only."""
        query = {**_event_query(self.project), "since": since or 0, "until": until or ""}
        status, body = self._whole("GET", "/events", query)
        return [json.loads(line) for line in body.splitlines() if line.strip()] if status < 400 else []

    def remembers_since(self) -> float | None:
        """Of when the project's oldest event is, of whatever kind: what happened before is told by nobody.

        There are some at any time, for health checks are among them.
        """
        ours = json.dumps({"type": ["container"], "label": _labels(self.project)})
        status, body = self._whole("GET", "/events", {"filters": ours, "since": 0, "until": int(time.time())})
        oldest = body.split(b"\n", 1)[0].strip()
        return json.loads(oldest)["timeNano"] / 1e9 if status < 400 and oldest else None

    def follow_events(self, since: float | None = None) -> socket.socket:
        query = _event_query(self.project)
        return self.stream("GET", "/events", query if since is None else {**query, "since": f"{since:.9f}"})

    def run(self, container: Container, *command: str, **environment: str) -> tuple[int, str, str]:
        """Runs a command inside the container; its exit code and what it printed to stdout and to stderr."""
        wanted = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command)}
        added = [f"{name}={value}" for name, value in environment.items()]
        made = self.post(f"/containers/{container.id}/exec", {**wanted, "Env": added})
        _, body = self._whole("POST", f"/exec/{made['Id']}/start", {}, {"Detach": False, "Tty": False})
        out, err = separated(body)
        code = self.get(f"/exec/{made['Id']}/json")["ExitCode"]
        if code is None:
            raise Problem(refused.NOT_ENDED(command=command[0], name=container.service))
        return int(code), out, err

    def everywhere(self, service: str, *command: str, **environment: str) -> dict[str, tuple[int, str, str]]:
        """The same on each machine that may have volumes of the service, by its name; one host has none."""
        return {"": self.run(self.running(service), *command, **environment)}

    def stream(self, method: str, path: str, query: dict[str, Any]) -> socket.socket:
        """The connection after its response headers; what follows is the body."""
        connection = self._ask(method, path, query, None)
        if (status := _status(connection, path)) >= 400:
            with connection:
                _refuse(path, status, connection.recv(4096))
        return connection

    def _whole(
        self, method: str, path: str, query: dict[str, Any], payload: dict[str, Any] | None = None
    ) -> tuple[int, bytes]:
        with self._ask(method, path, query, payload) as connection, _in_time(connection, path):
            answer = bytearray().join(chunks(connection))
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            raise Problem(refused.DOCKER_CLOSED(path=path))
        return int(answer[:end].split(b" ", 2)[1]), bytes(memoryview(answer)[end + 4 :])

    def _ask(self, method: str, path: str, query: dict[str, Any], payload: dict[str, Any] | None) -> socket.socket:
        body = b"" if payload is None else json.dumps(payload).encode()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self._path)
        except OSError as error:
            connection.close()
            raise Problem(refused.DOCKER_AWAY(socket=self._path, why=error.strerror)) from None
        head = (
            f"{method} {quote(path)}?{urlencode(query)} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n"
        )
        connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return connection


def _refuse(path: str, status: int, body: bytes) -> NoReturn:
    kind = Gone if status in _NOT_THERE else Problem
    raise kind(refused.DOCKER_REFUSED(path=path, why=_reason(body)))


def _status(connection: socket.socket, path: str) -> int:
    """What the answer begins with; its headers are read, and what follows is the body."""
    head = b""
    while b"\r\n\r\n" not in head:
        byte = connection.recv(1)
        if not byte:
            raise Problem(refused.DOCKER_CLOSED(path=path))
        head += byte
    return int(head.split(b" ", 2)[1])


@contextmanager
def _in_time(connection: socket.socket, path: str) -> Iterator[None]:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
    try:
        yield
    except BlockingIOError:
        raise Problem(refused.DOCKER_SLOW(path=path)) from None


def _event_query(project: str) -> dict[str, Any]:
    kinds = ["create", "start", "restart", "stop", "kill", "die", "oom", "pause", "unpause", "destroy", "health_status"]
    return {"filters": json.dumps({"type": ["container"], "label": _labels(project), "event": kinds})}


def _labels(project: str) -> list[str]:
    """Images carry the project's label too and hand it to whatever runs from them; the number is Compose's own."""
    return [f"com.docker.compose.project={project}", "com.docker.compose.container-number"]


def _version(row: dict[str, Any]) -> str:
    """What the image says of itself, else the tag of one from elsewhere: the tag of ours names the project alone."""
    if said := row["Labels"].get("org.opencontainers.image.version"):
        return str(said)
    named, ours = row["Image"].partition("@")[0], row["Image"].startswith("prosaas/")
    return "" if ours or named.startswith("sha256:") else named.rpartition("/")[2].partition(":")[2]


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip() or str(refused.NO_REASON)
