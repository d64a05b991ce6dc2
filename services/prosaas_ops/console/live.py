"""Lines as they are written: one reader of the logs, a ring of what came, and each viewer's own place in it."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from prosaas_logging import get_logger
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.follow import Follow, Happening
from prosaas_ops.stack.lines import RANK, Line

log = get_logger(__name__)

# A viewer who pauses finds the lines of minutes again; what is older than the ring is counted, and the story has it.
RING = 20_000
# A browser shows no more lines a second, and a person reads none of them.
MOST_A_SECOND = 50
# A lone line waits twice this long: for its stack trace, and for an earlier line of another service.
_HOLD = 0.05
_RETRY_SECONDS = 2.0
# What a page opens with.
_OPENING = 100
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines a viewer wants; empty means all."""

    call_sid: str = ""
    service: str = ""
    level: str = "DEBUG"
    event: str = ""
    text: str = ""

    def keeps(self, line: Line) -> bool:
        if RANK[line.level] < RANK[self.level] or (self.call_sid and line.call_sid != self.call_sid):
            return False
        if (self.service and line.service != self.service) or (self.event and self.event not in line.event):
            return False
        return not self.text or any(self.text in row.casefold() for row in (line.human(), *line.stack))


@dataclass(frozen=True, slots=True)
class Batch:
    """What a viewer is shown next: up to `last`, these lines, with so many passed over and so many lost."""

    last: int
    lines: Sequence[Line]
    hidden: int = 0
    lost: int = 0


class Tail:
    """Follows the services from the first viewer on, in a thread of its own, and wakes viewers as lines come."""

    def __init__(self, engine: Engine, services: Sequence[str], ring: int = RING) -> None:
        self._engine = engine
        self._services = services
        self._ring: deque[Line] = deque(maxlen=ring)
        self._count = 0
        self._lock = threading.Lock()
        self._wakers: set[Callable[[], None]] = set()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.trouble = ""

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="tail", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped = True

    def add(self, line: Line) -> None:
        """The next line, for all viewers."""
        with self._lock:
            self._ring.append(line)
            self._count += 1
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    async def batches(self, wanted: Wanted, after: int | None, second: float = 1.0) -> AsyncIterator[Batch]:
        """What comes after that line's number, or the last few lines and what follows; a Batch also when nothing comes.

        In each second at most MOST_A_SECOND lines are shown and the rest is counted. One Batch a second at least: the
        caller notices who has gone.
        """
        loop, awake = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(awake.set)

        with self._lock:
            self._wakers.add(wake)
        try:
            if after is None or after > self._count:
                batch = self._opening(wanted)
                after = batch.last
                yield batch
            shown, until = 0, loop.time() + second
            while not self._stopped:
                awake.clear()
                batch, more = self._next(wanted, after, MOST_A_SECOND - shown)
                after, shown = batch.last, shown + len(batch.lines)
                if batch.lines or batch.hidden or batch.lost:
                    yield batch
                if loop.time() >= until:
                    shown, until = 0, loop.time() + second
                    yield Batch(after, ())
                if not more:
                    await _either(awake, until - loop.time())
                else:
                    await asyncio.sleep(0)
        finally:
            with self._lock:
                self._wakers.discard(wake)

    def _opening(self, wanted: Wanted) -> Batch:
        with self._lock:
            last, lines = self._count, list(self._ring)
        kept = [line for line in lines if wanted.keeps(line)]
        return Batch(last, kept[-_OPENING:])

    def _next(self, wanted: Wanted, after: int, room: int) -> tuple[Batch, bool]:
        """The next lines of the ring, so few that no viewer holds up the others, and whether there are more."""
        with self._lock:
            first = self._count - len(self._ring)
            lost = max(0, first - after)
            start = max(after, first) - first
            lines = list(islice(self._ring, start, start + _CHUNK))
            last = first + start + len(lines)
            more = last < self._count
        kept = [line for line in lines if wanted.keeps(line)]
        return Batch(last, kept[:room], len(kept[room:]), lost), more

    def _follow(self) -> None:
        """Until the process ends; an engine that is away is asked again, and viewers are told why nothing comes."""
        since = time.time()
        while not self._stopped:
            try:
                with closing(Follow(self._engine, self._services, since=since, hold=_HOLD)) as stream:
                    self.trouble = ""
                    for item in stream:
                        if isinstance(item, Happening):
                            item = _as_line(item)
                        if item is not None:
                            since = item.at + 1e-6
                            self.add(item)
                        if self._stopped:
                            return
            except Exception as problem:
                self.trouble = str(problem)
                if not isinstance(problem, Problem | OSError):
                    # Without this thread no viewer would see another line, nor why.
                    self.trouble = f"{type(problem).__name__}: {problem}"
                    log.exception("the lines could not be followed: once more")
                time.sleep(_RETRY_SECONDS)


def _as_line(told: Happening) -> Line:
    """What happened to a container, among the lines."""
    level = "WARNING" if told.what in ("kill", "die", "oom") else "INFO"
    stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(told.at))}.{int(told.at % 1 * 1e9):09}Z"
    return Line(stamp, told.service, level, "", f"container {told.what} {told.detail}".strip())


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(0.0, seconds))
    except TimeoutError:
        return
