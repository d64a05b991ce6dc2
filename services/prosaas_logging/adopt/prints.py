"""Standard output and error of a process that logs: what is printed becomes events, line by line."""

from __future__ import annotations

import codecs
import io
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, TextIO

from ..catalogue import STDERR, STDOUT
from ..errors import TRACEBACK, ErrorInfo
from ..logger import get_logger
from ..policy import awake, level_named
from ..record import Record
from ..scope import current

_LONGEST_UNENDED: Final = 64 * 1024
_LONGEST_TRACEBACK: Final = 500
# How each thread's frames begin in what faulthandler writes of a crash.
_FRAMES: Final = "(most recent call first):"
# Threads that came and went; from then on the halves of those that ended are said.
_MOST_HALVES: Final = 64


class _Half:
    """What one thread has printed and not finished: a line without its end, a traceback without its last line."""

    __slots__ = ("decoder", "frames", "line", "traceback")

    def __init__(self) -> None:
        self.line = ""
        self.traceback: list[str] = []
        self.frames: list[str] = []
        # A character of several bytes may come in two writes.
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")


class Printed(io.TextIOBase):
    """Stands in for ``sys.stdout`` or ``sys.stderr``."""

    def __init__(self, original: TextIO, name: str) -> None:
        self._original = original
        self._event = STDOUT if name == "stdout" else STDERR
        self._logger = get_logger(name)
        # By the thread itself, for its number is another's once it has ended.
        self._halves: dict[threading.Thread, _Half] = {}
        self.buffer = PrintedBytes(self)
        self.name = f"<{name}>"

    encoding = "utf-8"
    errors = "replace"
    line_buffering = True
    mode = "w"

    def fileno(self) -> int:
        """The descriptor of the original, for code that hands it to a child process."""
        return self._original.fileno()

    def reconfigure(self, **_: object) -> None:
        """Nothing to do: what is printed is text until it is a line."""

    def isatty(self) -> bool:
        """Never: nobody should send colours to a log."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Say the lines that *text* completes; each thread's half lines are its own."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._add(text, self._half())
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """The same for encoded text, which may end in the middle of a character."""
        half = self._half()
        self._add(half.decoder.decode(data), half)

    def _half(self) -> _Half:
        thread = threading.current_thread()
        half = self._halves.get(thread)
        if half is None:
            if len(self._halves) >= _MOST_HALVES:
                self._finish_dead()
            half = self._halves.setdefault(thread, _Half())
        return half

    def _add(self, text: str, half: _Half) -> None:
        *lines, half.line = (half.line + text).split("\n")
        if len(half.line) > _LONGEST_UNENDED:
            lines, half.line = [*lines, half.line], ""
        for line in lines:
            with suppress(Exception):
                self._take(line.rstrip("\r"), half)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Each of *lines*, as they are, also where somebody has closed this."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing to do: whole lines are said at once, and half a line waits for its other half."""

    def replaces(self, stream: object) -> bool:
        """Whether *stream* is the one that this stands in for."""
        return stream is self._original

    def finish(self) -> None:
        """Say the halves, for the process ends."""
        while self._halves:
            self._finish_one(self._halves.popitem()[1])

    def forget(self) -> None:
        """Drop the halves: in a forked child they are the parent's to finish."""
        self._halves = {}

    def _finish_dead(self) -> None:
        for thread in list(self._halves):
            if not thread.is_alive():
                self._finish_one(self._halves.pop(thread))

    def _finish_one(self, half: _Half) -> None:
        if half.frames:
            self._end_frames(half)
        rest = half.line + half.decoder.decode(b"", final=True)
        for line in [*half.traceback, rest]:
            with suppress(Exception):
                self._say(line)

    def _take(self, line: str, half: _Half) -> None:
        """Keep a crash's frames together, and a traceback, whose last line is the first that is not indented."""
        if half.frames:
            if line[:1].isspace() and len(half.frames) <= _LONGEST_TRACEBACK:
                half.frames.append(line)
                return
            self._end_frames(half)
        if line.endswith(_FRAMES) and not half.traceback:
            half.frames.append(line)
        elif line == TRACEBACK and not half.traceback:
            half.traceback.append(line)
        elif not half.traceback:
            self._say(line)
        else:
            half.traceback.append(line)
            if line[:1].strip() or len(half.traceback) > _LONGEST_TRACEBACK:
                kind, _, message = line.partition(": ")
                self._say(line, ErrorInfo(kind, message, "\n".join(half.traceback)))
                half.traceback = []

    def _end_frames(self, half: _Half) -> None:
        frames, half.frames = half.frames, []
        self._say(frames[0], ErrorInfo("Crash", frames[0], "\n".join(frames)))

    def _say(self, line: str, error: ErrorInfo | None = None) -> None:
        if not line.strip():
            return
        policy = awake()
        level = level_named(self._logger.name, policy.names) or self._event.level
        record: Record = (time.time(), level, self._logger, self._event, {"text": line}, error)
        if level >= policy.threshold:
            current().emit(record)
        elif policy.recording:
            current().keep(record)


class PrintedBytes(io.RawIOBase):
    """The ``buffer`` of a captured stream, for code that writes bytes."""

    def __init__(self, text: Printed) -> None:
        self._text = text

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """As text, for a log is text."""
        raw = bytes(data)
        self._text.write_bytes(raw)
        return len(raw)
