"""loguru and structlog on their own way to the console: what they say arrives with its level, fields and stack.

Hooked where each has made up its mind and not yet written, so that it matters neither which was imported first nor
what was configured when; what they write elsewhere is left alone.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from ..errors import ErrorInfo, describe, split_traceback
from ..levels import CRITICAL, ERROR, INFO, WARNING, parse_level
from ..values import text_of
from .imports import when_imported

# Methods of structlog's that no level is named after; a line without a level ("msg") is INFO.
_LEVELS: Final = {"warn": WARNING, "err": ERROR, "failure": ERROR, "exception": ERROR, "fatal": CRITICAL}
# What structlog's processors and its formatter add for a renderer, and our lines have themselves.
_OURS: Final = ("level", "timestamp", "logger", "_record", "_from_structlog")
# Where the message is, as a rule; a processor of structlog's may have renamed it.
_MESSAGE: Final = ("event", "message", "msg")
# Who stands between structlog and the module that spoke.
_BETWEEN: Final = ("structlog", "concurrent", "threading", "prosaas_logging")

# Takes what was said, as the standard library's records are taken: by which module, level, text, fields, error, time.
Hear = Callable[[str, int, object, dict[str, Any], ErrorInfo | None, float], None]

_handed_on = threading.local()


def listen(hear: Hear, is_console: Callable[[object], bool]) -> None:
    """From now on hear what both would write to a stream that *is_console*."""
    when_imported("loguru._handler", lambda module: _queue_nothing(module.Handler, is_console))
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


def shaped(processors: Iterable[Any], logger: Any, method: str, said: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A structlog event as its processors hand it to their renderer, and under which name the message is in it.

    The renderer is the last one, or the first that makes something else of the event. DropEvent goes on to the caller.
    """
    message = _MESSAGE[0]
    for processor in [*processors][:-1]:
        made = processor(logger, method, said.copy())
        if not isinstance(made, Mapping):
            break
        said = dict(made)
        if type(processor).__name__ == "EventRenamer":
            message = processor.to
    return said, message


def unpacked(said: dict[str, Any], message: str = _MESSAGE[0]) -> tuple[object, dict[str, Any], ErrorInfo | None]:
    """Message, fields and error of a structlog event, as its processors left it."""
    fields = {name: value for name, value in said.items() if name not in _OURS}
    text = next((text for name in (message, *_MESSAGE) if (text := fields.pop(name, None))), "")
    error = describe(fields.pop("exc_info", None))
    if error is None and isinstance(stack := fields.get("exception"), str):
        error = split_traceback(stack)[1]
        if error is not None:
            del fields["exception"]
    return text, fields, error


def _queue_nothing(handler: Any, is_console: Callable[[object], bool]) -> None:
    """Have what a sink on the console would queue (``enqueue=True``) heard where it is said: in its scope, and whole.

    Nobody waits for our log anyway.
    """
    emit = handler.emit

    def at_once(own: Any, *said: Any) -> None:
        if own._enqueue and is_console(getattr(own._sink, "_stream", None)):
            straight = object.__new__(type(own))
            straight.__dict__ = {**own.__dict__, "_enqueue": False}
            own = straight
        emit(own, *said)

    handler.emit = at_once


def _hear_loguru(sink: Any, hear: Hear, is_console: Callable[[object], bool]) -> None:
    write = sink.write

    def heard(own: Any, message: Any) -> None:
        said = getattr(message, "record", None)
        if said is None or not is_console(own._stream):
            write(own, message)
        elif not getattr(_handed_on, "now", False):
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
        try:
            context = {**own._context.copy(), **fields, **({} if event is None else {"event": event})}
            said, message = shaped(own._processors, own._logger, method_name, context)
        except sys.modules["structlog"].DropEvent:
            return None
        level = parse_level(method_name) or _LEVELS.get(method_name, INFO)
        name = said.get("logger")
        hear(_caller() if name is None else text_of(name), level, *unpacked(said, message), time.time())
        return None

    bound._proxy_to_logger = heard


def _caller() -> str:
    """The module that spoke; of an ``await log.ainfo()``, which a pool's thread says, the one that awaits it."""
    awaiting = getattr(sys.modules.get("structlog.contextvars"), "_ASYNC_CALLING_STACK", None)
    frame = awaiting.get(None) if awaiting else None
    frame = frame or sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.partition(".")[0] not in _BETWEEN:
            return name
        frame = frame.f_back
    return "__main__"
