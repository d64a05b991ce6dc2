"""Exceptions as they go into a record: kind, message and stack, taken at the moment of logging and without locals."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Final, NamedTuple

from .redact import LONGEST_TEXT, cut_middle
from .values import text_of

TRACEBACK: Final = "Traceback (most recent call last):"
# The renderer redacts what it shows, the first and the last half of LONGEST_TEXT: a cut in the middle of twice as much
# is never seen.
_LONGEST_RAW: Final = 2 * LONGEST_TEXT
_MOST_WHOLE: Final = 32
_MOST_FOLLOWED: Final = 10_000
_SHOWN_OF_MANY: Final = 4
_MOST_FRAMES: Final = 100

ExcInfo = BaseException | bool | None


class ErrorInfo(NamedTuple):
    """An exception as text; the traceback itself would keep frames alive and grow while it propagates."""

    kind: str
    message: str
    stack: str


def describe(exc_info: object) -> ErrorInfo | None:
    """The error that *exc_info* stands for: an exception, stdlib's triple, or True for the current one."""
    exc = exc_info[1] if isinstance(exc_info, tuple) and len(exc_info) == 3 else exc_info
    if not isinstance(exc, BaseException):
        exc = sys.exc_info()[1] if exc_info else None
    if exc is None:
        return None
    return ErrorInfo(_name(exc), _cut(text_of(exc)), _cut(_stack(exc)))


def split_traceback(text: str) -> tuple[str, ErrorInfo | None]:
    """What a text says before a traceback that somebody formatted into it, and the traceback as an error."""
    said, found, rest = text.partition(TRACEBACK)
    if not found:
        return text, None
    stack = (found + rest).rstrip()
    kind, _, message = stack.rpartition("\n")[2].partition(": ")
    return said.rstrip(" \n:") or kind, ErrorInfo(_cut(kind), _cut(message), _cut(stack))


def _name(exc: BaseException) -> str:
    kind = type(exc)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _cut(text: str) -> str:
    return cut_middle(text, _LONGEST_RAW)


def _stack(exc: BaseException) -> str:
    try:
        if sum(1 for _ in islice(_related(exc), _MOST_WHOLE + 1)) <= _MOST_WHOLE:
            return "".join(traceback.format_exception(exc, limit=-_MOST_FRAMES)).rstrip("\n")
        return _stack_of_many(exc)
    except BaseException as broken:
        return f"<traceback could not be rendered: {type(broken).__name__}>"


def _related(exc: BaseException) -> Iterator[BaseException]:
    """The exception, those that it came from, and those that it groups, each once."""
    seen: set[int] = set()
    waiting: list[BaseException] = [exc]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        # Where there are too many, what led to them is followed first.
        waiting += [other for other in (one.__context__, one.__cause__) if other is not None]


def _stack_of_many(exc: BaseException) -> str:
    """The first and the last of a chain that nobody would read whole, innermost first as Python shows it."""
    chain = list(islice(_related(exc), _MOST_FOLLOWED))
    left_out = len(chain) - 2 * _SHOWN_OF_MANY
    parts = [
        *map(_alone, reversed(chain[-_SHOWN_OF_MANY:])),
        f"… {left_out} more exceptions …",
        *map(_alone, reversed(chain[:_SHOWN_OF_MANY])),
    ]
    return "\n\n".join(parts)


def _alone(exc: BaseException) -> str:
    """One exception without those that it came from."""
    walked: Iterator[tuple[TracebackType | None, int]] = traceback.walk_tb(exc.__traceback__)  # type: ignore[assignment]
    frames = traceback.StackSummary.extract(walked, limit=-_MOST_FRAMES)  # type: ignore[arg-type]
    return f"{TRACEBACK}\n{''.join(frames.format())}{_name(exc)}: {cut_middle(text_of(exc), LONGEST_TEXT // 4)}"
