"""Ten people at the console of a real stack: what that does to the frames of live calls, and when lines come."""

import http.client
import json
import os
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from string import ascii_lowercase
from typing import Any

from ports import free_port
from stack_world.fixtures import remove
from stack_world.stack import Stack, eventually, prepare
from stack_world.terminal import finish, typed

VIEWERS = 10
# What a page of a live call asks for anew, and how often.
_STORY_S = 1.0
_MODEL_PORT = 9100
MODEL = f"ws://simulator:{_MODEL_PORT}/v1/realtime"
_WRITE = "open('/proc/1/fd/1', 'w').write({!r} + '\\n')"


@dataclass
class Looking:
    """What a round was like: frames of all calls, those over 20 ms late, and how long lines took to each viewer."""

    frames: int = 0
    late: int = 0
    p99_ms: list[float] = field(default_factory=list)
    lines_s: list[float] = field(default_factory=list)

    def add(self, report: dict[str, Any]) -> None:
        ways = [report["inbound"], report["outbound"]]
        self.frames += sum(way["frames"] for way in ways)
        self.late += sum(way["over_20ms"] for way in ways)
        self.p99_ms.append(max(way["p99_ms"] or float("inf") for way in ways))


class Viewer:
    """Follows all lines as a page does, and reads a live call's story again and again."""

    def __init__(self, door: str, cookie: str) -> None:
        self._door, self._cookie = door, cookie
        self._seen: dict[str, float] = {}
        self._stopped = threading.Event()
        self._connection = self._connect()
        self._stream = self._ask(self._connection, "/live/lines")
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._follow, self._read)]
        for thread in self._threads:
            thread.start()

    def saw(self, words: str) -> float | None:
        """When its page had a line with these words."""
        return self._seen.get(words)

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)
        self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._door, timeout=20)

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
        connection.request("GET", path, headers={"Cookie": self._cookie})
        return connection.getresponse()

    def _follow(self) -> None:
        for row in self._stream:
            if found := re.search(rb"line-of-[a-z]+", row):
                self._seen.setdefault(found[0].decode(), time.time())
            if self._stopped.is_set():
                return

    def _read(self) -> None:
        while not self._stopped.wait(_STORY_S):
            connection = self._connect()
            live = self._ask(connection, "/live/calls").read().decode()
            if call := re.search(r"/call/CA\w+", live):
                self._ask(connection, f"{call[0]}/story").read()
            connection.close()


def load(stack: Stack, calls: int, seconds: float) -> dict[str, Any]:
    command = f"python -m simulator load --calls {calls} --seconds {seconds} --model-port {_MODEL_PORT}"
    where = "--api http://prosaas-api:8000 --url ws://prosaas-calls:5050/media-stream"
    report: dict[str, Any] = json.loads(stack.execute("simulator", "sh", "-c", f"{command} {where} || true"))
    assert report["connected"] == calls, report["errors"]
    return report


@contextmanager
def at_the_console(stack: Stack) -> Iterator[tuple[str, str]]:
    """Where the console is, and the cookie of somebody who came in."""
    with typed(stack, f"make console CONSOLE_PORT={free_port()}", 120) as child:
        child.expect(r"http://(127\.0\.0\.1:\d+)(/enter/[\w-]+)")
        assert child.match
        door, link = child.match[1], child.match[2]

        def came_in() -> str | None:
            connection = http.client.HTTPConnection(door, timeout=5)
            try:
                connection.request("GET", link)
                answer = connection.getresponse()
            except OSError:
                return None
            return (answer.getheader("Set-Cookie") or "").partition(";")[0] or None

        try:
            yield door, eventually(came_in, "a way into the console", 30)
        finally:
            child.sendintr()
            finish(child)


def lines(stack: Stack, viewers: list[Viewer], times: int) -> Iterator[float]:
    """How long each of some lines took from its writing in the container to the last of the viewers."""
    for _ in range(times):
        # Letters alone: a page keeps numbers apart, so that they read in their order.
        words = f"line-of-{''.join(random.choices(ascii_lowercase, k=12))}"
        script = f"import time; {_WRITE.format(f'[INFO] {words}')}; print(time.time())"
        written = float(stack.execute("prosaas-calls", "python", "-c", script))

        def all_saw(words: str = words) -> str | None:
            seen = [viewer.saw(words) for viewer in viewers]
            return str(max(filter(None, seen))) if all(seen) else None

        yield float(eventually(all_saw, "the line on every page", 20)) - written


def measure(calls: int, seconds: float, rounds: int) -> tuple[Looking, Looking]:
    """Without anybody at the console, and with ten; on a stack of its own."""
    checkout, project = prepare(CALLS_PER_NUMBER="0", OPENAI_REALTIME_URL=MODEL)
    try:
        checkout.run("make", "up-prod", timeout=600)
        return in_turns(Stack(checkout, project), calls, seconds, rounds)
    finally:
        remove(checkout)


def in_turns(stack: Stack, calls: int, seconds: float, rounds: int) -> tuple[Looking, Looking]:
    """Both, one after the other, so that a busy moment meets both."""
    alone, watched = Looking(), Looking()
    with at_the_console(stack) as (door, cookie):
        for _ in range(rounds):
            alone.add(load(stack, calls, seconds))
            viewers = [Viewer(door, cookie) for _ in range(VIEWERS)]
            watched.add(load(stack, calls, seconds))
            watched.lines_s += lines(stack, viewers, 5)
            for viewer in viewers:
                viewer.stop()
    return alone, watched


def row(what: str, looked: Looking) -> tuple[object, ...]:
    took = f"{median(looked.lines_s):.3f} s, {max(looked.lines_s):.3f} s" if looked.lines_s else ""
    return what, looked.frames, looked.late, f"{median(looked.p99_ms):.1f} ms", took, f"{os.getloadavg()[0]:.1f}"
