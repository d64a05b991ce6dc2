"""Records of the standard library as ours. A service's own formatters may scrub message and stack; the line is ours."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from copy import copy
from typing import Any, Final
from weakref import WeakKeyDictionary

from ..errors import TRACEBACK, ErrorInfo, describe, split_traceback
from ..logger import get_logger
from ..policy import is_library
from ..record import Record
from ..values import Fields, freeze, message_of
from .frameworks import shaped, unpacked

# What a stdlib record has of its own; anything else came through ``extra=``.
_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}
_STRUCTLOG: Final = ("_logger", "_name")
_MESSAGE: Final = "%(message)s"
# A message that shows where in a row of JSON messages are.
_PROBE: Final = "probe"
# Each with the message as its whole layout; None for one that is the standard library's or another's.
_bare: Final[WeakKeyDictionary[logging.Formatter, logging.Formatter | None]] = WeakKeyDictionary()


def taken(record: logging.LogRecord, own: bool, formatter: logging.Formatter | None) -> Record:
    """The record as ours, by the service's formatter if it has one; a library's (not *own*) names who speaks."""
    fields: Fields = {name: value for name, value in record.__dict__.items() if name not in _OWN}
    event = event_by(formatter, record)
    if event is None and isinstance(record.msg, dict) and fields.keys() >= {*_STRUCTLOG}:
        # structlog hands its event over whole, for a formatter of its own.
        event = record.msg, "event"
    if event is not None:
        said, more, error = unpacked(*event)
        text = message_of(said, ())
        fields = {**{name: value for name, value in fields.items() if name not in _STRUCTLOG}, **more}
    else:
        error = error_by(formatter, record) if formatter else None
        scrubbed = message_by(formatter, record) if formatter else None
        text = message_of(record.msg, record.args) if scrubbed is None else scrubbed
    if error is None and record.exc_info:
        error = describe(record.exc_info)
    if error is None:
        # A queue's handler leaves the stack as a text, and some libraries put it into their message.
        text, error = split_traceback(f"{text}\n{record.exc_text}" if record.exc_text else text)
    if not own:
        text = f"{record.name}: {text}"
    if record.stack_info:
        fields["stack_info"] = record.stack_info
    return record.created, record.levelno, get_logger(record.name), text, freeze(fields), error


def own_formatter(handlers: Iterable[logging.Handler], packages: frozenset[str]) -> logging.Formatter | None:
    """The first formatter of these handlers that the service wrote, or filled with processors, bare of its layout."""
    for handler in handlers:
        formatter = handler.formatter
        if type(formatter) is logging.Formatter or not isinstance(formatter, logging.Formatter):
            continue
        if formatter not in _bare:
            theirs = is_library(type(formatter).__module__, packages) and not _has_processors(formatter)
            _bare[formatter] = None if theirs else _without_layout(formatter)
        if (bare := _bare[formatter]) is not None:
            return bare
    return None


def _without_layout(formatter: logging.Formatter) -> logging.Formatter:
    bare = copy(formatter)
    bare._style, bare._fmt = logging.PercentStyle(_MESSAGE), _MESSAGE
    return bare


def _has_processors(formatter: logging.Formatter | None) -> bool:
    return isinstance(formatter, getattr(sys.modules.get("structlog.stdlib"), "ProcessorFormatter", ()))


def event_by(formatter: Any, record: logging.LogRecord) -> tuple[dict[str, Any], str] | None:
    """What the processors in structlog's formatter make of the record, for ``unpacked``; None where they fail."""
    if not _has_processors(formatter):
        return None
    made: list[tuple[dict[str, Any], str]] = []

    def instead(logger: Any, method: str, said: dict[str, Any]) -> str:
        made.append(shaped(formatter.processors, logger, method, said))
        return ""

    asked = copy(formatter)
    asked.processors = (instead,)
    with suppress(Exception):
        asked.format(record)
    return made[0] if made else None


def message_by(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    """The message as the formatter has it, out of the JSON that it may make of it; None where it fails."""
    said = copy(record)
    said.exc_info = said.exc_text = said.stack_info = None
    with suppress(Exception):
        text = formatter.format(said)
        if text.startswith("{"):
            said.msg, said.args = _PROBE, ()
            where = [path for path, value in _texts(formatter.format(said)) if value == _PROBE]
            return dict(_texts(text))[where[0]] if where else text
        return str(text)
    return None


def error_by(formatter: logging.Formatter, record: logging.LogRecord) -> ErrorInfo | None:
    """The exception as the formatter has it, where that is not what the standard library makes of it."""
    kind, plain = type(formatter), logging.Formatter
    if not record.exc_info or (kind.formatException is plain.formatException and kind.format is plain.format):
        return None
    said = copy(record)
    said.exc_text = said.stack_info = None
    with suppress(Exception):
        text = formatter.format(said)
        inside = (value for _, value in _texts(text) if TRACEBACK in value)
        described, scrubbed = describe(record.exc_info), split_traceback(next(inside, text))[1]
        if described and scrubbed:
            # Its kind is no secret, and where the formatter has the stack in one row its last row does not tell it.
            _, found, message = scrubbed.stack.rpartition(f"{described.kind}: ")
            return ErrorInfo(described.kind, message if found else "", scrubbed.stack)
    return None


def _texts(row: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts in a row of JSON, each with the names that lead to it; none in another row."""

    def within(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            for name, inner in value.items():
                yield from within(inner, (*path, name))
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            yield path, "\n".join(each.rstrip("\n") for each in value)

    with suppress(ValueError):
        yield from within(json.loads(row), ())
