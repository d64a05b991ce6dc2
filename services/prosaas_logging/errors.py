"""Exceptions as they go into a record: kind, message and stack, taken at the moment of logging and without locals."""

from __future__ import annotations

import sys
import traceback
from typing import NamedTuple

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
