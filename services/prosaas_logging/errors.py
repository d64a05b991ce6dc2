"""Exceptions as they go into a record: kind, message and stack, taken at the moment of logging and without locals."""

from __future__ import annotations

import sys
import traceback
from typing import Final, NamedTuple

TRACEBACK: Final = "Traceback (most recent call last):"

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
    kind = type(exc)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return ErrorInfo(name, _message(exc), _stack(exc))


def split_traceback(text: str) -> tuple[str, ErrorInfo | None]:
    """What a text says before a traceback that somebody formatted into it, and the traceback as an error."""
    said, found, rest = text.partition(TRACEBACK)
    if not found:
        return text, None
    stack = (found + rest).rstrip()
    kind, _, message = stack.rpartition("\n")[2].partition(": ")
    return said.rstrip(" \n:") or kind, ErrorInfo(kind, message, stack)


def _message(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception:
        return "<exception str() failed>"


def _stack(exc: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(exc)).rstrip("\n")
    except Exception as broken:
        return f"<traceback could not be rendered: {type(broken).__name__}>"
