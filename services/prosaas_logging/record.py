"""What is handed on when something is said: a record, and the fields of its scope at that moment."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from typing import Final, TypeVar

from .errors import ErrorInfo
from .events import AnyEvent

T = TypeVar("T")


class Source:
    """What a record knows of who made it: a name, and the fields bound to it."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, fields: dict[str, object] | None = None) -> None:
        self.name: Final = name
        self.fields: Final = fields or {}


# In whose name the log speaks of itself.
OURS: Final = Source("prosaas_logging")

# (time, level, logger, event or text, fields, error): flat, because a ring holds hundreds of them for each call.
Record = tuple[float, int, Source, AnyEvent | str, dict[str, object], ErrorInfo | None]


# What Python takes for a record beside the texts in it.
RECORD_BYTES: Final = 1024


def weight(record: Record) -> int:
    """About how many bytes *record* holds."""
    what, fields = record[3], record[4]
    size = RECORD_BYTES + (len(what) if isinstance(what, str) else 0)
    for value in fields.values():
        if type(value) is str:
            size += len(value)
    return size


def ours(event: AnyEvent, fields: dict[str, object]) -> Record:
    """What the log says of itself now."""
    return time.time(), event.level, OURS, event, fields, None


def drain(waiting: deque[T]) -> list[T]:
    """Take what waits now; of two who drain at once each item goes to one."""
    taken: list[T] = []
    with suppress(IndexError):
        for _ in range(len(waiting)):
            taken.append(waiting.popleft())
    return taken


class Context:
    """A scope's fields at the moment of a record, and the ids that the human line shows at its end."""

    __slots__ = ("encoded", "ending", "fields", "tail")

    def __init__(self, fields: dict[str, object], tail: tuple[str, ...] = ()) -> None:
        self.fields: Final = fields
        self.tail: Final = tail
        # The fields as JSON, the ids as a line's end: whoever rendered them first leaves them to the next line.
        self.encoded: bytes | None = None
        self.ending: str | None = None
