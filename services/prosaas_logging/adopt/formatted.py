"""What a service's own formatters make of a message and a stack: they may scrub, while the line around them is ours."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from typing import Final
from weakref import WeakKeyDictionary

from ..errors import ErrorInfo, split_traceback
from ..policy import is_library

_MESSAGE: Final = "%(message)s"
# Each with the message as its whole layout; None for one that is the standard library's or another's.
_bare: Final[WeakKeyDictionary[logging.Formatter, logging.Formatter | None]] = WeakKeyDictionary()


def own_formatter(handlers: Iterable[logging.Handler], packages: frozenset[str]) -> logging.Formatter | None:
    """The first formatter of these handlers that the service wrote itself, bare of its layout."""
    for handler in handlers:
        formatter = handler.formatter
        if type(formatter) is logging.Formatter or not isinstance(formatter, logging.Formatter):
            continue
        if formatter not in _bare:
            _bare[formatter] = None if is_library(type(formatter).__module__, packages) else _without_layout(formatter)
        if (bare := _bare[formatter]) is not None:
            return bare
    return None


def _without_layout(formatter: logging.Formatter) -> logging.Formatter:
    bare = copy(formatter)
    bare._style, bare._fmt = logging.PercentStyle(_MESSAGE), _MESSAGE
    return bare


def message_by(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    """The message as the formatter has it; None where it fails, or makes a line of its own kind of it."""
    said = copy(record)
    said.exc_info = said.exc_text = said.stack_info = None
    with suppress(Exception):
        text = formatter.format(said)
        if isinstance(text, str) and not text.startswith("{"):
            return text
    return None


def error_by(formatter: logging.Formatter, record: logging.LogRecord) -> ErrorInfo | None:
    """The exception as the formatter has it, where that is not what the standard library makes of it."""
    kind, plain = type(formatter), logging.Formatter
    if not record.exc_info or (kind.formatException is plain.formatException and kind.format is plain.format):
        return None
    said = copy(record)
    said.exc_text = said.stack_info = None
    with suppress(Exception):
        return split_traceback(formatter.format(said))[1]
    return None
