"""Standard output and error of a process that logs: what is printed becomes events, line by line."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable
from typing import Any, Final, TextIO

from .catalogue import STDERR, STDOUT
from .logger import get_logger
from .scope import current

_LONGEST_UNENDED: Final = 64 * 1024


class Printed(io.TextIOBase):
    """Stands in for ``sys.stdout`` or ``sys.stderr``; each thread's half lines are its own."""

    def __init__(self, original: TextIO, name: str) -> None:
        self._original = original
        self._event = STDOUT if name == "stdout" else STDERR
        self._logger = get_logger(name)
        self._local = threading.local()
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

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Keep *text* until its line is whole."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        pending = getattr(self._local, "pending", "") + text
        if "\n" in text or len(pending) > _LONGEST_UNENDED:
            *lines, pending = pending.split("\n")
            if len(pending) > _LONGEST_UNENDED:
                lines, pending = [*lines, pending], ""
            self._say(lines)
        self._local.pending = pending
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing waits here but half a line, and half a line stays until its other half comes."""

    def _say(self, lines: list[str]) -> None:
        # A print inside the logging machinery itself must not come back to it.
        if getattr(self._local, "saying", False):
            return
        self._local.saying = True
        try:
            from .gate import enabled

            for line in lines:
                if line.strip() and enabled(self._event.level):
                    fields: dict[str, object] = {"text": line.rstrip("\r")}
                    current().emit((time.time(), self._event.level, self._logger, self._event, fields, None))
        finally:
            self._local.saying = False


class PrintedBytes(io.RawIOBase):
    """The ``buffer`` of a captured stream, for code that writes bytes."""

    def __init__(self, text: Printed) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raw = bytes(data)
        self._text.write(raw.decode("utf-8", "replace"))
        return len(raw)
