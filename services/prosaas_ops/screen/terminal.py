"""What a person sees: escaped, in colour and cut at the edge on a terminal only, with a cap on lines a second."""

import os
import re
import secrets
import shutil
import sys
import textwrap
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence, Set
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TextIO

from prosaas_ops.screen.piece import columns, piece, width
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import Line, clock

_LEVEL = {"DEBUG": "2", "INFO": "", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_SERVICE = {"prosaas-api": "36", "prosaas-calls": "35", "worker": "34"}
_NAME_WIDTH = 7
_PAINT = re.compile("\x1b\\[[0-9;]*m")
_PLACE_WIDTH = 16
# No column of a table is folded to less.
_LEAST_COLUMN = 8
# A colour, or the ends of an isolate.
_CONTROL = re.compile("\\[[0-9;]*m|\u2068|\u2069")


def until_now(until: datetime) -> datetime:
    """A window's end as it is told: now at the latest, also where it is asked for a moment more."""
    return min(until, datetime.now(UTC))


def short(service: str) -> str:
    """The service as the operator names it."""
    return service.removeprefix("prosaas-")


class Prose(str):
    """A row of sentences: at a terminal's edge it goes on below, where other rows are cut."""

    __slots__ = ()


class Screen:
    """Prints to one stream. What it prints is escaped here, so that only its own paint reaches a terminal."""

    def __init__(self, out: TextIO | None = None, terminal: bool | None = None) -> None:
        self.out = out or sys.stdout
        if terminal is None:
            # Inside the container standard output is a pipe; the wrapper knows where it leads.
            terminal = self.out.isatty() or (out is None and os.environ.get("OPS_TERMINAL") == "1")
        self.terminal = terminal
        self.colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = _width() if terminal and os.environ.get("WRAP") != "1" else 0
        self.height = _size("LINES") or shutil.get_terminal_size().lines if terminal else 0
        # Stands before each control of ours; no text from outside can know it.
        self._mark = f"\x1b{secrets.token_hex(8)}"

    def say(self, *rows: str) -> None:
        """Prints the rows, each as one line: cut at a terminal's edge (prose is folded), and whole everywhere else."""
        for row in rows or ("",):
            print(self._shown(row), file=self.out, flush=True)

    def holds(self, rows: Sequence[str]) -> bool:
        """Whether they can all be seen at once, with the line of the next command below; a pipe holds everything."""
        return not self.terminal or sum(1 + self._shown(row).count("\n") for row in rows) < self.height

    def _shown(self, row: str) -> str:
        first, *marked = row.split(self._mark)
        parts = [("", piece(first))]
        for part in marked:
            control = _CONTROL.match(part)
            assert control is not None
            parts.append((control[0] if control[0][0] != "[" else f"\x1b{control[0]}", piece(part[control.end() :])))
        if self.width and sum(width(text) for _, text in parts) > self.width:
            if isinstance(row, Prose):
                return "\n".join(_folded(parts, self.width))
            parts = _cut(parts, self.width - 1)
        return "".join(control + text for control, text in parts)

    def paint(self, text: str, code: str) -> str:
        return f"{self._mark}[{code}m{text}{self._mark}[0m" if self.colour and code else text

    def value(self, value: object) -> str:
        """What somebody said or is called, as one piece whose direction stays its own."""
        return f"{self._mark}\u2068{piece(value)}{self._mark}\u2069" if self.terminal else piece(value)

    def cell(self, value: object, most: int) -> str:
        """The value as a cell of a table, so many columns wide: padded, or without its middle.

        What tells names apart may stand at either end.
        """
        text = whole = piece(value)

        def short(kept: int) -> str:
            return f"{whole[: kept - kept // 2]}…{whole[len(whole) - kept // 2 :]}"

        if width(whole) > most and len(whole) > 1:
            # Halved and halved again: a name is as long as somebody likes.
            text = short(1 + bisect_right(range(2, len(whole)), most, key=lambda kept: width(short(kept))))
        return self.value(text) + " " * (most - width(text))

    def paint_level(self, text: str, level: str) -> str:
        return self.paint(text, _LEVEL.get(level, ""))

    def bold(self, text: str) -> str:
        return self.paint(text, "1")

    def dim(self, text: str) -> str:
        return self.paint(text, "2")

    def good(self, text: str) -> str:
        return self.paint(text, "32")

    def warn(self, text: str) -> str:
        return self.paint(text, "33")

    def bad(self, text: str) -> str:
        return self.paint(text, "31")

    def name(self, service: str, place: str = "") -> str:
        """The service in its colour; of a Swarm's, which replica of it, and on which node."""
        shown = f"{short(service)}.{place}".ljust(_PLACE_WIDTH) if place else short(service).ljust(_NAME_WIDTH)
        return self.paint(shown, _SERVICE.get(service, "32"))

    def line(self, line: Line, told: str = "") -> list[str]:
        """A log record: time, service, the line in the human format, its stack trace below; `told` needs no repeating.

        On a terminal a call's id is its last four characters, and what every line would say is left out.
        """
        text = line.human()
        if self.width:
            text = text.removeprefix("[INFO] ")
            for call_sid in {line.call_sid, told} - {""}:
                brief = "" if call_sid == told else f" · CA…{call_sid[-4:]}"
                text = text.replace(f" · call_sid={call_sid}", brief)
                text = text.replace(f"call_sid={call_sid}", f"CA…{call_sid[-4:]}")
        who = self.name(line.service, line.place)
        head = f"{self.dim(clock(line.at))} {who} {self.paint_level(self.value(text), line.level)}"
        return [head, *(self.bad(row) for row in line.stack)]

    def happening(self, told: Happening) -> str:
        text = f"── container {told.what}" + (f", {told.detail}" if told.detail else "")
        return f"{self.dim(clock(told.at))} {self.name(told.service)} {self.warn(text)}"

    def show(self, item: Line | Happening, told: str = "") -> list[str]:
        return self.line(item, told) if isinstance(item, Line) else [self.happening(item)]


def _cut(parts: list[tuple[str, str]], left: int) -> list[tuple[str, str]]:
    """The parts with as much of their text as there are columns, then an ellipsis; each control stays."""
    shown = []
    for control, text in parts:
        kept = 0
        while left >= 0 and kept < len(text):
            left -= columns(text[kept])
            kept += left >= 0
        shown.append((control, text[:kept] + ("…" if kept < len(text) and left > -9 else "")))
        left = left if kept == len(text) else -9
    return shown


def _folded(parts: list[tuple[str, str]], most: int) -> list[str]:
    """The parts over as many rows as they need, broken at spaces, the later ones set in below the first."""
    indent = " " * min(len(parts[0][1]) - len(parts[0][1].lstrip(" ")) + 2, most // 2)
    rows, row, used, space = [], "", 0, 0
    for control, text in parts:
        row += control
        for character in text:
            if character == " " and row.strip():
                space = len(row)
            row += character
            used += columns(character)
            if used > most:
                end = space or len(row) - 1
                rows.append(row[:end])
                row, space = indent + row[end:].lstrip(" "), 0
                used = width(_PAINT.sub("", row))
    return [*rows, row]


def _width() -> int:
    """The terminal's width, which the wrapper passes on; the container itself has no terminal to ask."""
    told = _size("COLUMNS")
    return told if told > 20 else shutil.get_terminal_size().columns


def _size(name: str) -> int:
    told = os.environ.get(name, "")
    return int(told) if told.isascii() and told.isdigit() else 0


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
    return [line for lines in fitted(rows, right) for line in lines]


def fitted(
    rows: Sequence[Sequence[str]], right: Set[int] = frozenset(), most: int = 0, whole: Set[int] = frozenset()
) -> list[list[str]]:
    """The heading, its rule and each row as the lines that it takes within `most` columns; 0: as wide as it is.

    The widest column gives way, and goes on below itself: nothing is cut, and no word broken that has a line to itself.
    Those that are `whole` give way last.
    """
    rows = [[piece(cell) for cell in row] for row in rows]
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    words = [
        room if column in whole else max(width(word) for row in rows for word in row[column].split() or [""])
        for column, room in enumerate(widths)
    ]
    while most and sum(widths) + 2 * (len(widths) - 1) > most and max(widths) > _LEAST_COLUMN:
        # As long as there is room elsewhere no word is broken: it may be an id, or a command to be typed.
        loose = [room if room > word else 0 for room, word in zip(widths, words, strict=True)]
        wide = loose if any(loose) else widths
        widths[wide.index(max(wide))] -= 1

    def lines(row: Sequence[str]) -> list[str]:
        cells = [textwrap.wrap(cell, room) or [""] if room else [cell] for cell, room in zip(row, widths, strict=True)]
        return [
            "  ".join(
                " " * (room - width(cell)) + cell if column in right else cell + " " * (room - width(cell))
                for column, (cell, room) in enumerate(zip(each, widths, strict=True))
            ).rstrip()
            for each in zip_longest(*cells, fillvalue="")
        ]

    head, *others = map(lines, rows)
    return [head, ["  ".join("─" * room for room in widths)], *others]
