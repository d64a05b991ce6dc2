"""Finished lines on their way to the reader: bounded in bytes, the least important given up first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .levels import DEBUG, INFO, WARNING
from .outlet import Outlet
from .real import Event

# What is waited for a reader that reads at least so many bytes a second; for a slower one only a moment in all.
READER_SECONDS: Final = 0.2
SLOWEST_READER: Final = 1024**2
# What Python takes for a line beside its bytes.
_LINE_BYTES: Final = 112


def quarters(level: int) -> int:
    """How many quarters of a buffer lines of *level* may fill: the rest is room for what matters more."""
    return 4 if level >= WARNING else 3 if level >= INFO else 2


class Buffer:
    """Lines by level, and between them the events of those who wait until all before them is written."""

    def __init__(self, outlet: Outlet, capacity: int, lose: Callable[[int, str], None]) -> None:
        self._outlet = outlet
        self._capacity = capacity
        self._lose = lose
        self._always_room = capacity // 4 * quarters(DEBUG)
        self._waiting: deque[tuple[int, bytes | Event]] = deque()
        self._size = 0
        # No line that waits is below this level; looking for one would be in vain.
        self._lowest = WARNING
        self._reader_seconds = READER_SECONDS
        self._piece_levels: list[int] = []
        # What the pipe has not taken yet of the lines that were last handed to it.
        self.piece = b""

    def __bool__(self) -> bool:
        return bool(self.piece or self._waiting)

    def store(self, lines: list[tuple[int, bytes]]) -> None:
        """Take lines, if need be in the place of some that matter less or of some that a reader takes soon."""
        size, lowest = self._size, self._lowest
        for entry in lines:
            level, line = entry
            more = len(line) + _LINE_BYTES
            if size + more > self._always_room:
                self._size, self._lowest = size, lowest
                fits = self._make_room(level, more)
                size, lowest = self._size, self._lowest
                if not fits:
                    self._lose(level, "full")
                    continue
            self._waiting.append(entry)
            size += more
            if level < lowest:
                lowest = level
        self._size, self._lowest = size, lowest

    def tell(self, written: Event) -> None:
        """Set *written* once everything that was stored before is written or lost."""
        self._waiting.append((WARNING, written))

    def write(self) -> None:
        """Write whole lines, as many as go in one piece, until the pipe takes no more."""
        while self.piece or self._waiting:
            if not self.piece:
                self._next_piece()
                continue
            try:
                written = self._outlet.write(self.piece)
            except (OSError, ValueError):
                # The reader is gone, nothing will ever take these lines, and keeping them helps nobody.
                for level in self._piece_levels:
                    self._lose(level, "closed")
                self.piece = b""
                continue
            if not written:
                return
            self.piece = self.piece[written:]
            self._reader_seconds = min(READER_SECONDS, self._reader_seconds + written / SLOWEST_READER)

    def _make_room(self, level: int, size: int) -> bool:
        if self._over(level, size):
            self._evict(DEBUG)
        if level >= INFO and self._over(level, size):
            self._wait_for_reader(level, size)
        if level >= WARNING and self._over(level, size):
            self._evict(INFO)
        return not self._over(level, size)

    def _over(self, level: int, more: int) -> bool:
        return (self._size + more) * 4 > self._capacity * quarters(level)

    def _wait_for_reader(self, level: int, size: int) -> None:
        while self._over(level, size) and self._reader_seconds > 0:
            began = time.monotonic()
            self._outlet.wait(self._reader_seconds)
            self._reader_seconds -= time.monotonic() - began
            self.write()

    def _evict(self, highest: int) -> None:
        """Give up the waiting lines at *highest* and below."""
        if self._lowest > highest:
            return
        self._lowest = highest + 1
        kept: deque[tuple[int, bytes | Event]] = deque()
        for level, line in self._waiting:
            if level <= highest and isinstance(line, bytes):
                self._size -= len(line) + _LINE_BYTES
                self._lose(level, "full")
            else:
                kept.append((level, line))
        self._waiting = kept

    def _next_piece(self) -> None:
        """Take lines, as many as go in one piece; who waits for those before them hears of it."""
        waiting, longest = self._waiting, self._outlet.longest
        lines: list[bytes] = []
        levels = self._piece_levels = []
        size = 0
        while waiting:
            level, line = waiting[0]
            if isinstance(line, bytes):
                more = len(line)
                if size + more > longest and lines:
                    break
                lines.append(line)
                levels.append(level)
                size += more
            elif lines:
                break
            else:
                line.set()
            waiting.popleft()
        self._size -= size + len(lines) * _LINE_BYTES
        self.piece = b"".join(lines)
