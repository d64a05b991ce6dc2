"""The one thread that renders and writes lines, so that the code that logs never waits for a pipe."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

from .events import AnyEvent
from .levels import DEBUG, ERROR, INFO, WARNING, level_name
from .outlet import ATOMIC, Outlet
from .scope import Context, Record

POLL_SECONDS: Final = 0.02
REPORT_SECONDS: Final = 1.0
# Rendering goes on in portions, so that a flood does not keep finished lines from the pipe.
_PORTION: Final = 64

Losses = Mapping[tuple[str, str], int]


def quarters(level: int) -> int:
    """How many quarters of a buffer lines of *level* may fill: the rest is room for what matters more."""
    return 4 if level >= WARNING else 3 if level >= INFO else 2


class Writer:
    """A bounded buffer between the code that logs and a file descriptor."""

    def __init__(
        self,
        fd: int,
        render: Callable[[Record, Context], bytes],
        capacity: int,
        *,
        report: Callable[[Losses], tuple[Record, Context]],
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._outlet = Outlet(fd)
        self._render = render
        self._capacity = capacity
        self._make_report = report
        self._tick = tick
        # A record that waits to be rendered takes about half a kilobyte; between two polls there are few of them.
        self._most_waiting = max(256, capacity // 512)
        self._always_room = capacity // 4 * quarters(DEBUG)
        self._always_waits = self._most_waiting // 4 * quarters(DEBUG)
        self._reset()

    def _reset(self) -> None:
        """All that belongs to one process: a forked child starts from nothing, for its parent keeps the rest."""
        # By level, for events by level and event; who reads them turns them into names.
        self.lines: dict[int | tuple[int, AnyEvent], int] = {}
        self.dropped: Counter[tuple[str, str]] = Counter()
        self._losses: Counter[tuple[str, str]] = Counter()
        self._losing = threading.RLock()
        self._inbox: deque[tuple[Record, Context]] = deque()
        self._buffer: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._piece = b""
        self._piece_levels: list[int] = []
        self._reported = 0.0
        # A SimpleQueue, for its put may be interrupted by a signal handler that logs, and an Event's set may not.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._flushes: deque[threading.Event] = deque()
        self._turning = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="prosaas-log-writer", daemon=True)
        self._thread.start()

    def restart_after_fork(self) -> None:
        """In a child: the parent's thread does not exist here, and the parent's lines are the parent's to write."""
        self._reset()
        self.start()

    def submit(self, record: Record, context: Context) -> None:
        """Take a record; never waits, never raises, drops and counts where there is no room."""
        level = record[1]
        waiting = len(self._inbox)
        if waiting >= self._always_waits and waiting * 4 >= self._most_waiting * quarters(level):
            self._lose(level, "backlog")
            return
        self._inbox.append((record, context))
        if level >= ERROR:
            self._wake.put(None)
        if self._closing:
            self._drain_here(0.05)

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait until what was logged before is in the pipe, at most *timeout* seconds; whether it is."""
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            return self._drain_here(timeout)
        done = threading.Event()
        self._flushes.append(done)
        self._wake.put(None)
        return done.wait(timeout)

    def close(self, timeout: float = 1.0) -> bool:
        """Flush; records that still come while the interpreter ends are written by whoever logs them."""
        flushed = self.flush(timeout)
        self._closing = True
        return flushed

    def _run(self) -> None:
        while not self._closing:
            if self._piece or self._buffer:
                self._outlet.wait(POLL_SECONDS)
            else:
                with suppress(Empty):
                    self._wake.get(timeout=POLL_SECONDS)
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            with self._turning:
                self._turn()
            for done in flushes:
                if self._piece or self._buffer:
                    self._flushes.append(done)
                else:
                    done.set()

    def _drain_here(self, timeout: float) -> bool:
        """Do the thread's work on the caller's, for the last moments of a process."""
        deadline = time.monotonic() + timeout
        if not self._turning.acquire(timeout=timeout):
            return False
        try:
            self._turn()
            while (self._piece or self._buffer) and time.monotonic() < deadline:
                self._outlet.wait(POLL_SECONDS)
                self._write()
            return not self._piece and not self._buffer
        finally:
            self._turning.release()

    def _turn(self) -> None:
        """Render what came, write what fits, report what was lost; nothing that happens here ends the thread."""
        try:
            self._tick()
            while self._inbox:
                self._render_some()
                self._write()
            self._write()
            if self._losses and not self._buffer and time.monotonic() - self._reported >= REPORT_SECONDS:
                self._report()
                self._write()
        except Exception:
            self._lose(ERROR, "internal")

    def _render_some(self) -> None:
        """Render a portion of what waits; the attributes become locals because this is what a line costs most."""
        inbox, buffer, lines, render = self._inbox, self._buffer, self.lines, self._render
        for _ in range(min(len(inbox), _PORTION)):
            record, context = inbox.popleft()
            level, what = record[1], record[3]
            try:
                line = render(record, context)
            except Exception:
                self._lose(level, "render")
                continue
            key = level if isinstance(what, str) else (level, what)
            lines[key] = lines.get(key, 0) + 1
            size = self._size + len(line)
            if size > self._always_room:
                self._store_if_room(level, line)
                buffer = self._buffer
            else:
                buffer.append((level, line))
                self._size = size

    def _store_if_room(self, level: int, line: bytes) -> None:
        if self._over(level, len(line)):
            self._evict(DEBUG)
        if level >= WARNING and self._over(level, len(line)):
            self._evict(INFO)
        if self._over(level, len(line)):
            self._lose(level, "full")
            return
        self._buffer.append((level, line))
        self._size += len(line)

    def _over(self, level: int, more: int) -> bool:
        return (self._size + more) * 4 > self._capacity * quarters(level)

    def _evict(self, highest: int) -> None:
        """Give up the waiting lines at *highest* and below."""
        kept: deque[tuple[int, bytes]] = deque()
        for level, line in self._buffer:
            if level <= highest:
                self._size -= len(line)
                self._lose(level, "full")
            else:
                kept.append((level, line))
        self._buffer = kept

    def _lose(self, level: int, cause: str) -> None:
        with self._losing:
            self._losses[level_name(level), cause] += 1
            self.dropped[level_name(level), cause] += 1

    def _report(self) -> None:
        with self._losing:
            losses, self._losses = self._losses, Counter()
        self._reported = time.monotonic()
        self._inbox.append(self._make_report(losses))
        self._render_some()

    def _write(self) -> None:
        """Write whole lines, as many as a pipe takes in one piece, until it takes no more."""
        while self._piece or self._buffer:
            if not self._piece:
                self._next_piece()
            try:
                written = self._outlet.write(self._piece)
            except (OSError, ValueError):
                # The reader is gone, nothing will ever take these lines, and keeping them helps nobody.
                for level in self._piece_levels:
                    self._lose(level, "closed")
                self._piece = b""
                continue
            if not written:
                return
            self._piece = self._piece[written:]

    def _next_piece(self) -> None:
        lines: list[bytes] = []
        self._piece_levels = []
        size = 0
        while self._buffer and (not lines or size + len(self._buffer[0][1]) <= ATOMIC):
            level, line = self._buffer.popleft()
            lines.append(line)
            self._piece_levels.append(level)
            size += len(line)
        self._size -= size
        self._piece = b"".join(lines)
