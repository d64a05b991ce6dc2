"""The one thread that renders and writes lines, so that the code that logs never waits for a pipe."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from .buffer import Buffer, quarters
from .events import AnyEvent
from .levels import DEBUG, ERROR, INFO, WARNING
from .losses import Losses, Lost
from .outlet import Outlet
from .real import Empty, Event, Lock, SimpleQueue, Thread, sleep
from .record import RECORD_BYTES, Context, Record, drain, weight
from .trouble import Repeats, Said

POLL_SECONDS: Final = 0.02
TICK_SECONDS: Final = 0.1
# What an error may wait until it is in the pipe, and how much of all time may go into that.
ERROR_SECONDS: Final = 0.05
ERROR_SHARE: Final = 0.05
# What anything from INFO on may wait for a place while the writer works; it works on where the pipe stands still, too.
ROOM_SECONDS: Final = 1.0
# Rendering goes on in portions, so that a flood does not keep finished lines from the pipe; what comes on top of one is
# a backlog, and of that each eighth record is weighed, for looking into one costs as much as handing it over.
PORTION: Final = 64
_EACH: Final = 8
_LONG_LINE: Final = 4096


class Writer:
    """A bounded buffer between the code that logs and a file descriptor.

    What waits to be rendered and what is rendered may each take *capacity* bytes; two portions of records are in hand.
    """

    def __init__(
        self,
        fd: int,
        render: Callable[[Record, Context], bytes],
        capacity: int,
        *,
        report: Callable[[Lost], Said],
        repeats: Repeats | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._outlet = Outlet(fd)
        self._render = render
        self._capacity = capacity
        self._make_report = report
        self._repeats = repeats
        self._tick = tick
        self._most_waiting = max(256, capacity // RECORD_BYTES)
        self._always_waits = self._most_waiting // 4 * quarters(DEBUG)
        self._always_weighs = capacity // 4 * quarters(DEBUG)
        self.reset()

    def reset(self) -> None:
        """All that belongs to one process: a forked child starts from nothing, for its parent keeps the rest."""
        # By level, or by event, which has one; who reads them turns them into names.
        self.lines: dict[int | AnyEvent, int] = {}
        self._losses = Losses()
        self.dropped = self._losses.all
        self._lose = self._losses.add
        self._inbox: deque[Said] = deque()
        self._weight = 0
        self._buffer = Buffer(self._outlet, self._capacity, self._lose)
        self._ticked = 0.0
        # A SimpleQueue, for its put may be interrupted by a signal handler that logs, and an Event's set may not.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._woken = False
        self._flushes: deque[Event] = deque()
        self._hurried: deque[Event] = deque()
        self._error_seconds = 4 * ERROR_SECONDS
        self._error_at = time.monotonic()
        self._turning = Lock()
        self._closing = False
        self._thread = Thread(self._run)
        if self._repeats is not None:
            self._repeats.reset()

    def start(self) -> None:
        """Start the thread, once; before it, and where there can be none, who logs writes."""
        if not self._closing:
            with suppress(RuntimeError):
                self._thread.start()

    def submit(self, record: Record, context: Context) -> None:
        """Take a record; never raises, drops and counts where there is no room.

        It waits for nobody below ERROR as long as there is room. While the writer works it waits for room, and an error
        until it is in the pipe, both a bounded time.
        """
        waiting = len(self._inbox)
        if waiting >= PORTION:
            if not self._woken:
                self._rouse()
            if not waiting & _EACH - 1:
                self._weight += weight(record) * _EACH
            if (waiting >= self._always_waits or self._weight >= self._always_weighs) and not self._admits(record[1]):
                self._lose(record[1], "backlog")
                return
        self._inbox.append((record, context))
        if not self._thread.running:
            self.start()
            if not self._thread.running:
                self._drain_here(ERROR_SECONDS)
                return
        if record[1] >= ERROR:
            self._hurry()

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait until what was logged before is in the pipe or counted as lost, *timeout* seconds at most."""
        if not self._thread.running or self._thread.is_current():
            return self._drain_here(timeout)
        done = Event()
        self._flushes.append(done)
        self._rouse()
        return done.wait(timeout)

    def close(self, timeout: float = 1.0) -> bool:
        """Flush; what is still logged while the interpreter ends is written by whoever logs it, repeated or not."""
        deadline = time.monotonic() + timeout
        self.flush(timeout)
        # From here on nobody takes what is submitted: the thread ends, and another is never started.
        self._closing, self._thread = True, Thread(self._run)
        # A turn that still goes on would count into what has told its last.
        held = self._turning.acquire(timeout=max(0.0, deadline - time.monotonic()))
        repeats, self._repeats = self._repeats, None
        with suppress(Exception):
            self._inbox.extend(repeats.sweep(everything=True) if repeats is not None else ())
        if held:
            self._turning.release()
        return self._drain_here(max(0.01, deadline - time.monotonic()))

    def _rouse(self) -> None:
        self._woken = True
        self._wake.put(None)

    def _admits(self, level: int) -> bool:
        """Whether a long inbox has a place for a record, perhaps after a moment; the writer itself never waits."""
        if self._has_place(level):
            return True
        if level < INFO or not self._thread.running or self._thread.is_current():
            return False
        deadline = time.monotonic() + ROOM_SECONDS
        while not self._has_place(level):
            if time.monotonic() > deadline:
                return False
            sleep(0.0005)
        return True

    def _has_place(self, level: int) -> bool:
        share = quarters(level)
        return len(self._inbox) * 4 < self._most_waiting * share and self._weight * 4 < self._capacity * share

    def _hurry(self) -> None:
        """Wait for the writer's next turn, if the pipe takes anything and errors have not waited too long lately."""
        now = time.monotonic()
        earned = (now - self._error_at) * ERROR_SHARE
        self._error_at = now
        self._error_seconds = min(4 * ERROR_SECONDS, self._error_seconds + earned)
        if self._buffer.piece or self._error_seconds <= 0 or self._thread.is_current():
            self._rouse()
            return
        done = Event()
        self._hurried.append(done)
        self._rouse()
        done.wait(min(ERROR_SECONDS, self._error_seconds))
        self._error_seconds -= time.monotonic() - now

    def _run(self) -> None:
        while not self._closing:
            try:
                self._rest()
            except Exception:
                sleep(POLL_SECONDS)
            with self._turning:
                self._turn()

    def _rest(self) -> None:
        """Until there is something to do, or for a moment."""
        if self._buffer:
            self._outlet.wait(POLL_SECONDS)
        else:
            with suppress(Empty):
                self._wake.get(timeout=POLL_SECONDS)

    def _drain_here(self, timeout: float) -> bool:
        """Do the thread's work on the caller's, for the last moments of a process; whether nothing is left."""
        deadline = time.monotonic() + timeout
        if not self._turning.acquire(timeout=timeout):
            return False
        try:
            while True:
                self._turn()
                if not (self._buffer or self._inbox):
                    return True
                if (left := deadline - time.monotonic()) <= 0:
                    return False
                with suppress(Exception):
                    self._outlet.wait(min(left, POLL_SECONDS))
        finally:
            self._turning.release()

    def _turn(self) -> None:
        """Render what is there now, write what fits, report what was lost; nothing here ends the thread."""
        hurried, flushes = drain(self._hurried), drain(self._flushes)
        self._woken = False
        while not self._wake.empty():
            with suppress(Empty):
                self._wake.get_nowait()
        for left in range(len(self._inbox), 0, -PORTION):
            self._try(self._render_some, min(left, PORTION))
            self._try(self._buffer.write)
            self._try(self._tick_by_the_clock)
        self._weight = 0
        for done in flushes:
            self._buffer.tell(done)
        self._try(self._buffer.write)
        self._try(self._tick_by_the_clock)
        self._try(self._report)
        for done in hurried:
            done.set()

    def _try(self, step: Callable[..., None], *arguments: int) -> None:
        try:
            step(*arguments)
        except Exception:
            self._lose(ERROR, "internal")

    def _tick_by_the_clock(self) -> None:
        now = time.monotonic()
        if now - self._ticked < TICK_SECONDS:
            return
        self._ticked = now
        self._try(self._tick)
        if self._repeats is not None:
            self._render_all(self._repeats.sweep())

    def _render_some(self, count: int) -> None:
        """Render a portion of what waits."""
        self._render_all([self._inbox.popleft() for _ in range(count)], self._repeats)

    def _render_all(self, portion: list[Said], repeats: Repeats | None = None) -> None:
        """The attributes become locals because this is what a line costs most."""
        counts, render = self.lines, self._render
        lines: list[tuple[int, bytes]] = []
        for record, context in portion:
            level, what = record[1], record[3]
            if level >= WARNING and repeats is not None:
                self._buffer.store(lines)
                lines.clear()
                self._render_all(self._sift(repeats, record, context))
                continue
            try:
                line = render(record, context)
            except Exception:
                self._lose(level, "render")
                continue
            key = level if isinstance(what, str) else what
            counts[key] = counts.get(key, 0) + 1
            lines.append((level, line))
            if len(line) > _LONG_LINE:
                # Long work: whoever waits for the processor has it before the next.
                self._buffer.store(lines)
                lines.clear()
                sleep(0)
        self._buffer.store(lines)

    def _sift(self, repeats: Repeats, record: Record, context: Context) -> list[Said]:
        try:
            return repeats.sift(record, context)
        except Exception:
            return [(record, context)]

    def _report(self) -> None:
        """Say what was lost, once the pipe moves again."""
        if not self._buffer and (untold := self._losses.take()):
            self._render_all([self._make_report(untold)])
            self._buffer.write()
