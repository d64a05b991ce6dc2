"""What a person sees: colour on a terminal only, service names in a column, a cap on lines a second."""

import os
import sys
import time
from collections.abc import Callable, Sequence, Set
from typing import TextIO

from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import Line, clock

_LEVEL = {"DEBUG": "2", "INFO": "", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_SERVICE = {"prosaas-api": "36", "prosaas-calls": "35", "worker": "34"}
_NAME_WIDTH = 7


def short(service: str) -> str:
    """The service as the operator names it."""
    return service.removeprefix("prosaas-")


class Screen:
    """Prints to one stream; `bold`, `dim` and the like do nothing where the stream is no terminal."""

    def __init__(self, out: TextIO | None = None, terminal: bool | None = None) -> None:
        self.out = out or sys.stdout
        if terminal is None:
            # Inside the container standard output is a pipe; the wrapper knows where it leads.
            terminal = self.out.isatty() or (out is None and os.environ.get("OPS_TERMINAL") == "1")
        self.colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def say(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def paint_level(self, text: str, level: str) -> str:
        return self.paint(text, _LEVEL.get(level, ""))

    def bold(self, text: str) -> str:
        return self.paint(text, "1")

    def dim(self, text: str) -> str:
        return self.paint(text, "2")

    def good(self, text: str) -> str:
        return self.paint(text, "32")

    def bad(self, text: str) -> str:
        return self.paint(text, "31")

    def name(self, service: str) -> str:
        return self.paint(short(service).ljust(_NAME_WIDTH), _SERVICE.get(service, "32"))

    def line(self, line: Line) -> str:
        """A log record: time, service, the line in the human format, its stack trace below."""
        text = self.paint_level(line.human(), line.level)
        head = f"{self.dim(clock(line.at))} {self.name(line.service)} {text}"
        return "\n".join([head, *(self.paint(row, "31") for row in line.stack)])

    def happening(self, told: Happening) -> str:
        text = f"── container {told.what}" + (f", {told.detail}" if told.detail else "")
        return f"{self.dim(clock(told.at))} {self.name(told.service)} {self.paint(text, '33')}"

    def show(self, item: Line | Happening) -> str:
        return self.line(item) if isinstance(item, Line) else self.happening(item)


class RateCap:
    """Lets so many DEBUG lines through in each second and counts the rest, to be told when the second is over."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._second = int(now())
        self._shown = self._held = self._untold = 0
        self.held = 0

    def admit(self, item: Line | Happening) -> bool:
        if not isinstance(item, Line) or item.level != "DEBUG":
            return True
        self._turn()
        if self._shown < self._most:
            self._shown += 1
            return True
        self._held += 1
        self.held += 1
        return False

    def report(self) -> int:
        """How many lines were held back in seconds that are over; each is reported once."""
        self._turn()
        untold, self._untold = self._untold, 0
        return untold

    def _turn(self) -> None:
        second = int(self._now())
        if second != self._second:
            self._second, self._shown = second, 0
            self._untold, self._held = self._untold + self._held, 0


def table(rows: Sequence[Sequence[str]], right: Set[int] = frozenset()) -> list[str]:
    """Rows as aligned text, the first one the heading; `right` names the columns of numbers."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]
