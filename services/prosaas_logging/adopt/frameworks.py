"""loguru and structlog on their own way to the console: what they say arrives with its level, fields and stack.

Hooked where each has made up its mind and not yet written, so that it matters neither which was imported first nor
what was configured when; what they write elsewhere is left alone.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from ..errors import ErrorInfo, describe, split_traceback
from ..levels import CRITICAL, ERROR, INFO, WARNING, parse_level
from ..values import text_of
from .imports import when_imported

# Methods of structlog's that no level is named after; a line without a level ("msg") is INFO.
_LEVELS: Final = {"warn": WARNING, "err": ERROR, "failure": ERROR, "exception": ERROR, "fatal": CRITICAL}
# What structlog's processors add for a renderer, and our lines have themselves.
_OURS: Final = ("level", "timestamp")
# In a record of loguru's: its sink may write in another thread, or in another process.
_HANDED_ON: Final = "prosaas_handed_on"

_handed_on = threading.local()


class Hear(Protocol):
    """Takes what was said by the module *name*, as the standard library's records are taken."""

    def __call__(
        self, name: str, level: int, text: object, fields: dict[str, Any], error: ErrorInfo | None, at: float
    ) -> None: ...


def listen(hear: Hear, is_console: Callable[[object], bool]) -> None:
    """From now on hear what both would write to a stream that *is_console*."""
    when_imported("loguru._handler", lambda module: _mark_loguru(module.Handler))
    when_imported("loguru._simple_sinks", lambda module: _hear_loguru(module.StreamSink, hear, is_console))
    when_imported("structlog._base", lambda module: _hear_structlog(module.BoundLoggerBase, hear, is_console))


@contextmanager
def handed_on() -> Iterator[None]:
    """While a record that was heard goes to another handler, which may give it to loguru: once is enough."""
    before, _handed_on.now = getattr(_handed_on, "now", False), True
    try:
        yield
    finally:
        _handed_on.now = before


def unpacked(said: dict[str, Any]) -> tuple[object, dict[str, Any], ErrorInfo | None]:
    """Message, fields and error of a structlog event, as its processors left it."""
    fields = {name: value for name, value in said.items() if name not in _OURS}
    text = fields.pop("event", None) or fields.pop("message", "")
    error = describe(fields.pop("exc_info", None))
    if error is None and isinstance(stack := fields.get("exception"), str):
        error = split_traceback(stack)[1]
        if error is not None:
            del fields["exception"]
    return text, fields, error


def _mark_loguru(handler: Any) -> None:
    emit = handler.emit

    def marked(own: Any, record: Any, *arguments: Any, **named: Any) -> None:
        if getattr(_handed_on, "now", False):
            record[_HANDED_ON] = True
        emit(own, record, *arguments, **named)

    handler.emit = marked


def _hear_loguru(sink: Any, hear: Hear, is_console: Callable[[object], bool]) -> None:
    write = sink.write

    def heard(own: Any, message: Any) -> None:
        said = getattr(message, "record", None)
        if said is None or not is_console(own._stream):
            write(own, message)
        elif _HANDED_ON not in said:
            name, level, at = said["name"] or "loguru", said["level"].no, said["time"].timestamp()
            hear(name, level, said["message"], dict(said["extra"]), describe(said["exception"] or None), at)

    sink.write = heard


def _hear_structlog(bound: Any, hear: Hear, is_console: Callable[[object], bool]) -> None:
    proxy = bound._proxy_to_logger

    def heard(own: Any, method_name: str, event: Any = None, **fields: Any) -> Any:
        # PrintLogger, WriteLogger and BytesLogger have a file; the standard library's logger comes to us by itself.
        file = getattr(own._logger, "_file", None)
        if file is None or not own._processors or not is_console(file):
            return proxy(own, method_name, event, **fields)
        said = {**own._context, **fields, **({} if event is None else {"event": event})}
        try:
            # Up to what makes a text of it: the last one, or one whose text the last ones polish.
            for shape in [*own._processors][:-1]:
                shaped = shape(own._logger, method_name, {**said})
                if not isinstance(shaped, Mapping):
                    break
                said = {**shaped}
        except sys.modules["structlog"].DropEvent:
            return None
        level = parse_level(method_name) or _LEVELS.get(method_name, INFO)
        name = said.pop("logger", None)
        hear(_caller() if name is None else text_of(name), level, *unpacked(said), time.time())
        return None

    bound._proxy_to_logger = heard


def _caller() -> str:
    """The module that spoke: the first above us that is not structlog's."""
    frame = sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in (
        "structlog",
        "concurrent",
    ):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "structlog"))
