"""Follows the logs of several containers at once on one clock, with what happens to the containers among the lines."""

import heapq
import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from prosaas_ops.options import Problem
from prosaas_ops.stack.buried import file_of
from prosaas_ops.stack.engine import Container, Engine, Gone
from prosaas_ops.stack.frames import Demultiplexer, RawLine
from prosaas_ops.stack.lines import Line, Reader, chosen, every, read, seconds
from prosaas_ops.texts import refused

# How long a line waits for an earlier one of another container, and a record for its stack trace.
HOLD = 0.15
_DAY = 86_400.0
# More losses of the event stream than this within so many seconds are an engine that is on its way out.
_MOST_LOSSES, _LOSS_WINDOW = 3, 10.0
# How a process ends that is done, or was asked to end.
_ORDERLY = ("0", "130", "143")
# One that stands still has a log like any other, and no event of a start tells of its going on.
_HAS_A_LOG = ("running", "paused")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a container: it started, was signalled, ran out of memory, died."""

    at: float
    service: str
    what: str
    detail: str
    # Of an end: whether it was neither told to nor in order.
    failed: bool = False
    # Which of the service's containers, by its id.
    container: str = field(default="", compare=False)

    def is_of(self, container: str) -> bool:
        """Whether it happened to this one, of which perhaps the lines alone are left."""
        return container in (self.container, str(file_of(self.service, self.container)))


def happening(event: dict[str, Any]) -> Happening:
    """The engine's event in an operator's words."""
    attributes = event["Actor"]["Attributes"]
    what, detail, failed = str(event["Action"]), "", False
    if what == "kill":
        detail = {"15": "SIGTERM", "2": "SIGINT", "9": "SIGKILL", "1": "SIGHUP"}.get(
            attributes.get("signal", ""), refused.SIGNAL(number=attributes.get("signal", "?"))
        )
    elif what == "die":
        detail = refused.EXIT_CODE(code=attributes.get("exitCode", "?"))
        failed = attributes.get("exitCode", "0") not in _ORDERLY
    elif what == "oom":
        detail = str(refused.OUT_OF_MEMORY)
    elif what.startswith("health_status"):
        what, _, detail = what.partition(": ")
    service = attributes.get("com.docker.compose.service", "")
    return Happening(event["timeNano"] / 1e9, service, what, detail, failed, event["Actor"].get("ID", ""))


def happenings(engine: Engine, since: float, until: float) -> list[Happening]:
    """What happened to the containers in the window, oldest first.

    The engine remembers a few hundred events, health checks among them. When and why a container last started and ended
    it remembers as long as the container is there.
    """
    told = [happening(event) for event in engine.events(since, until)]
    for container, state in _lives(engine):
        reason = refused.EXIT_CODE(code=state["ExitCode"]) + (
            f", {refused.OUT_OF_MEMORY}" if state["OOMKilled"] else ""
        )
        for what, stamp, detail in (("start", state["StartedAt"], ""), ("die", state["FinishedAt"], reason)):
            at = seconds(stamp)
            known = any(
                (item.service, item.what) == (container.service, what) and abs(item.at - at) < 2 for item in told
            )
            if since <= at <= until and not known:
                failed = what == "die" and str(state["ExitCode"]) not in _ORDERLY
                told.append(Happening(at, container.service, what, detail, failed, container.id))
    return sorted(told, key=lambda item: item.at)


def down_since(engine: Engine, service: str, at: float) -> float | None:
    """When the last of the service's containers had ended, if none ran at that moment; None where one did, or may have.

    A container is known by what the engine remembers of the day before, and by its own last start and end.
    """
    changes: dict[str, list[tuple[float, str]]] = {}
    for event in engine.events(at - _DAY, time.time()):
        told = happening(event)
        if told.service == service and told.what in ("start", "die"):
            changes.setdefault(event["Actor"]["ID"], []).append((told.at, told.what))
    for container, state in _lives(engine, service):
        for what, stamp in (("start", state["StartedAt"]), ("die", state["FinishedAt"])):
            if (moment := seconds(stamp)) > 0:
                changes.setdefault(container.id, []).append((moment, what))
    ended = []
    for known in changes.values():
        before = [change for change in known if change[0] <= at]
        # One whose start is forgotten ran if the next thing that happened to it was its end.
        if max(before, default=min(known))[1] == ("start" if before else "die"):
            return None
        ended += [max(before)[0]] if before else []
    return max(ended, default=None)


def _lives(engine: Engine, *services: str) -> Iterator[tuple[Container, dict[str, Any]]]:
    """What each container remembers of itself; one that is taken away meanwhile is known by its events alone."""
    for container in engine.containers(*services):
        with suppress(Gone):
            yield container, engine.life(container.id)


class _Source:
    """One container's stream: its socket, its framing and its half-read record."""

    def __init__(self, container: Container, connection: socket.socket) -> None:
        self.container = container.id
        self.connection = connection
        self.frames = Demultiplexer(container.service, container.place)
        self.reader = Reader()
        self.last = 0.0
        # As it is now, where it started anew before all that it had said was read.
        self.again: Container | None = None

    def feed(self, raw: RawLine) -> Line | None:
        self.last = time.monotonic()
        return self.reader.feed(raw)


class Follow:
    """Iterates over lines and happenings as they come; yields None when a while passes with nothing new."""

    def __init__(
        self, engine: Engine, services: Sequence[str], since: float | None = None, *, hold: float = HOLD
    ) -> None:
        self._engine = engine
        self._held_for = hold
        self._since = since
        self._services = services
        self._selector = selectors.DefaultSelector()
        self._waiting: list[tuple[float, int, float, Line | Happening]] = []
        self._count = 0
        self._seen: dict[str, float] = {}
        self._losses: list[float] = []
        self._open_events()
        for container in engine.require(*services):
            if container.state in _HAS_A_LOG:
                self._open(container)

    def __iter__(self) -> Iterator[Line | Happening | None]:
        while True:
            ready = self._selector.select(self._held_for if self._waiting or self._unfinished() else 0.5)
            for key, _ in ready:
                if isinstance(key.data, _Source):
                    self._read(key.data)
                else:
                    self._read_events(key.fileobj, key.data)
            self._finish_records()
            yield from self._due()
            yield None

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _open(self, container: Container) -> None:
        sources = (key.data for key in self._selector.get_map().values() if isinstance(key.data, _Source))
        if (known := next((source for source in sources if source.container == container.id), None)) is not None:
            # Followed a second time at once, what is yet to be read would come twice.
            known.again = container
            return
        # A restarted container keeps its log: go on after the last line seen, not at the start's own time stamp,
        # which the engine takes when the first lines are already written.
        after = self._seen.get(container.id, self._since)
        with suppress(Gone):
            source = _Source(container, self._engine.follow(container.id, after))
            self._selector.register(source.connection, selectors.EVENT_READ, source)

    def _read(self, source: _Source) -> None:
        chunk = source.connection.recv(1 << 16)
        if not chunk:
            self._selector.unregister(source.connection)
            source.connection.close()
            if line := source.reader.flush():
                self._hold(line.at, line)
            if source.again is not None:
                self._open(source.again)
            return
        for raw in source.frames.feed(chunk):
            self._seen[source.container] = seconds(raw.stamp) + 1e-6
            if line := source.feed(raw):
                self._hold(line.at, line)

    def _open_events(self, since: float | None = None) -> None:
        self._selector.register(self._engine.follow_events(since), selectors.EVENT_READ, bytearray())

    def _read_events(self, connection: Any, pending: bytearray) -> None:
        chunk = connection.recv(1 << 16)
        if not chunk:
            self._selector.unregister(connection)
            connection.close()
            self._events_lost()
            return
        pending += chunk
        *whole, rest = bytes(pending).split(b"\n")
        pending[:] = rest
        for row in whole:
            if row.strip():
                self._heard(json.loads(row))

    def _events_lost(self) -> None:
        """Without events a restart would go unnoticed: they are asked for again, or the following ends aloud."""
        now = time.time()
        self._losses = [at for at in self._losses if at > now - _LOSS_WINDOW] + [now]
        if len(self._losses) > _MOST_LOSSES:
            raise Problem(str(refused.EVENTS_END))
        self._open_events(now)

    def _heard(self, event: dict[str, Any]) -> None:
        told = happening(event)
        if told.service not in self._services:
            return
        self._hold(told.at, told)
        if told.what == "start":
            for container in self._engine.containers(told.service):
                if container.id == event["Actor"]["ID"]:
                    self._open(container)

    def _unfinished(self) -> bool:
        return any(isinstance(key.data, _Source) and key.data.last for key in self._selector.get_map().values())

    def _finish_records(self) -> None:
        now = time.monotonic()
        for key in self._selector.get_map().values():
            source = key.data
            if isinstance(source, _Source) and source.last and now - source.last >= self._held_for:
                source.last = 0.0
                if line := source.reader.flush():
                    self._hold(line.at, line)

    def _hold(self, at: float, item: Line | Happening) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, time.monotonic(), item))

    def _due(self) -> Iterator[Line | Happening]:
        now = time.monotonic()
        while self._waiting and now - self._waiting[0][2] >= self._held_for:
            yield heapq.heappop(self._waiting)[3]


def merged(
    engine: Engine,
    services: Sequence[str],
    since: float | None,
    until: float | None = None,
    wanted: Callable[[str], bool] = every,
) -> list[Line]:
    """The records of all these services in the window, by time; those that are *wanted* are all that is held."""
    containers = engine.with_kept(engine.require(*services), *services)

    def lines_of(container: Container) -> list[Line]:
        found = list(read(chosen(engine.logs(container, since, until), wanted)))
        for line in found:
            line.container = container.id
        return found

    with ThreadPoolExecutor(max_workers=4) as pool:
        parts = pool.map(lines_of, containers)
        return sorted((line for part in parts for line in part), key=lambda line: line.stamp)
