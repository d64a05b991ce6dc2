"""Records of the standard library as ours. A service's own formatters may scrub message and stack; the line is ours."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from typing import Final
from weakref import WeakKeyDictionary

from ..errors import ErrorInfo, describe, split_traceback
from ..logger import get_logger
from ..policy import is_library
from ..record import Record
from ..values import Fields, freeze, message_of
from .frameworks import unpacked

# What a stdlib record has of its own; anything else came through ``extra=``.
_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}
_STRUCTLOG: Final = ("_logger", "_name")
_MESSAGE: Final = "%(message)s"
# Each with the message as its whole layout; None for one that is the standard library's or another's.
_bare: Final[WeakKeyDictionary[logging.Formatter, logging.Formatter | None]] = WeakKeyDictionary()


def taken(record: logging.LogRecord, own: bool, formatter: logging.Formatter | None) -> Record:
    """The record as ours, by the service's formatter if it has one; a library's (not *own*) names who speaks."""
    fields: Fields = {name: value for name, value in record.__dict__.items() if name not in _OWN}
    error = error_by(formatter, record) if formatter else None
    if error is None and record.exc_info:
        error = describe(record.exc_info)
    said = message_by(formatter, record) if formatter else None
    if said is not None:
        text = said
    elif isinstance(record.msg, dict) and fields.keys() >= {*_STRUCTLOG}:
        # structlog hands its event over whole, for a formatter of its own.
        event, more, described = unpacked(record.msg)
        text, error = message_of(event, ()), error or described
        fields = {**{name: value for name, value in fields.items() if name not in _STRUCTLOG}, **more}
    else:
        text = message_of(record.msg, record.args)
    if error is None:
        # A queue's handler leaves the stack as a text, and some libraries put it into their message.
        text, error = split_traceback(f"{text}\n{record.exc_text}" if record.exc_text else text)
    if not own:
        text = f"{record.name}: {text}"
    if record.stack_info:
        fields["stack_info"] = record.stack_info
    return record.created, record.levelno, get_logger(record.name), text, freeze(fields), error


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
