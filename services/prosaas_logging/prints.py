"""Standard output and error of a process that logs: what is printed becomes events, line by line."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable
from typing import Any, Final, TextIO

from .catalogue import STDERR, STDOUT
from .errors import TRACEBACK, ErrorInfo
from .gate import enabled
from .logger import get_logger
from .scope import current

_LONGEST_UNENDED: Final = 64 * 1024
_LONGEST_TRACEBACK: Final = 500


class _Half:
    """What one thread has printed and not finished: a line without its end, a traceback without its last line."""

    __slots__ = ("line", "traceback")

    def __init__(self) -> None:
        self.line = ""
        self.traceback: list[str] = []


class Printed(io.TextIOBase):
    """Stands in for ``sys.stdout`` or ``sys.stderr``."""

    def __init__(self, original: TextIO, name: str) -> None:
        self._original = original
        self._event = STDOUT if name == "stdout" else STDERR
        self._logger = get_logger(name)
        self._halves: dict[int, _Half] = {}
        self.buffer = PrintedBytes(self)
        self.name = f"<{name}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "replace"

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
        thread = threading.get_ident()
        half = self._halves.pop(thread, None) or _Half()
        *lines, half.line = (half.line + text).split("\n")
        if len(half.line) > _LONGEST_UNENDED:
            lines, half.line = [*lines, half.line], ""
        for line in lines:
            self._take(line.rstrip("\r"), half)
        if half.line or half.traceback:
            self._halves[thread] = half
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Each of *lines*, as they are."""
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
            _, half = self._halves.popitem()
            for line in [*half.traceback, half.line]:
                self._say(line)

    def _take(self, line: str, half: _Half) -> None:
        """Keep the lines of a traceback together; its last one is the first that is not indented."""
        if line == TRACEBACK and not half.traceback:
            half.traceback.append(line)
        elif not half.traceback:
            self._say(line)
        else:
            half.traceback.append(line)
            if line[:1].strip() or len(half.traceback) > _LONGEST_TRACEBACK:
                kind, _, message = line.partition(": ")
                self._say(line, ErrorInfo(kind, message, "\n".join(half.traceback)))
                half.traceback = []

    def _say(self, line: str, error: ErrorInfo | None = None) -> None:
        if line.strip() and enabled(self._event.level):
            fields: dict[str, object] = {"text": line}
            current().emit((time.time(), self._event.level, self._logger, self._event, fields, error))


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
        self._text.write(raw.decode("utf-8", "replace"))
        return len(raw)
