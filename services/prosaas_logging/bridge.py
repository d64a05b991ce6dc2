"""Everything that would reach the log by another way: stdlib logging, warnings, uncaught exceptions."""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, TextIO

from .errors import describe, split_traceback
from .levels import CRITICAL, ERROR, WARNING
from .libraries import LIBRARIES, is_library, library_threshold
from .logger import Logger, get_logger
from .prints import Printed
from .scope import current
from .values import Fields, freeze

# What a stdlib record has of its own; anything else came through ``extra=``.
_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}


class _Taken(logging.Handler):
    """Shows frameworks that look for a handler, before they add their own, that there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing: the record has been taken before handlers are asked."""


_TAKEN: Final = _Taken()


class Bridge:
    """The hooks of one process; ``install`` and ``uninstall`` are each other's undoing."""

    def __init__(self, flush: Callable[[], object]) -> None:
        self._flush = flush
        self._own = logging.NOTSET
        self._libraries = logging.NOTSET
        self._undo: list[Callable[[], None]] = []
        self._printed: list[Printed] = []

    def set_levels(self, own: int) -> None:
        """Follow the process's level: our code's loggers at *own*, installed packages' at what the policy allows."""
        self._own = own
        self._libraries = library_threshold(own)
        # Setting the levels, too, spares a library the work for records that would only be thrown away here.
        logging.getLogger().setLevel(min(self._own, self._libraries))
        for name in LIBRARIES:
            logging.getLogger(name).setLevel(self._libraries)

    def install(self) -> None:
        """Take over."""
        if self._undo:
            return
        root_level = logging.getLogger().level
        self._undo.append(lambda: logging.getLogger().setLevel(root_level))
        self._replace(logging.Logger, "callHandlers", lambda stdlib, record: self._route(stdlib, record))
        logging.getLogger().addHandler(_TAKEN)
        self._undo.append(lambda: logging.getLogger().removeHandler(_TAKEN))
        self._replace(sys, "excepthook", self._uncaught)
        self._replace(threading, "excepthook", self._uncaught_in_thread)
        self._replace(sys, "unraisablehook", self._unraisable)
        self._replace(warnings, "showwarning", self._warned)
        for name in ("stdout", "stderr"):
            original = getattr(sys, name)
            if original is not None:
                printed = Printed(original, name)
                self._printed.append(printed)
                self._replace(sys, name, printed)
        # Celery, for one, prints to the stream that stdout was at first, and writes to that one's descriptor.
        if sys.__stdout__ is not None and sys.__stderr__ is not None:
            self._replace(sys, "__stdout__", Printed(sys.__stderr__, "stdout"))

    def uninstall(self) -> None:
        """Give everything back."""
        while self._undo:
            self._undo.pop()()

    def finish(self) -> None:
        """Say what is half said, for the process ends."""
        for printed in self._printed:
            printed.finish()

    def _replace(self, holder: Any, name: str, value: object) -> None:
        former = getattr(holder, name)
        setattr(holder, name, value)
        self._undo.append(lambda: setattr(holder, name, former))

    def _route(self, stdlib: logging.Logger, record: logging.LogRecord) -> None:
        """In the place of ``Logger.callHandlers``, for handlers can be added and propagation cut after us.

        Handlers that write to the console would say everything twice, and not in our form; any other keeps working.
        """
        if record.levelno >= (self._libraries if is_library(record.name) else self._own):
            self._take(record)
        node: logging.Logger | None = stdlib
        while node is not None:
            for handler in node.handlers:
                if record.levelno >= handler.level and not self._writes_to_console(handler):
                    handler.handle(record)
            node = node.parent if node.propagate else None

    def _writes_to_console(self, handler: logging.Handler) -> bool:
        if not isinstance(handler, logging.StreamHandler) or isinstance(handler, logging.FileHandler):
            return False
        stream = handler.stream
        return isinstance(stream, Printed) or any(printed.replaces(stream) for printed in self._printed)

    def _take(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:
            text = f"{record.msg} {record.args}"
        fields: Fields = {name: value for name, value in record.__dict__.items() if name not in _OWN}
        error = describe(record.exc_info) if record.exc_info else None
        if error is None:
            text, error = split_traceback(text)
        if is_library(record.name):
            text = f"{record.name}: {text}"
        if record.stack_info:
            fields["stack_info"] = record.stack_info
        logger = get_logger(record.name)
        scope = current()
        emit = scope.emit if record.levelno >= self._own or is_library(record.name) else scope.keep
        emit((record.created, record.levelno, logger, text, freeze(fields), error))

    def _uncaught(self, kind: type[BaseException], exc: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, exc, traceback)
            return
        _log(get_logger("prosaas_logging.uncaught"), CRITICAL, "uncaught exception", exc.with_traceback(traceback))
        self._flush()

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if issubclass(args.exc_type, SystemExit):
            return
        name = args.thread.name if args.thread else "?"
        _log(get_logger("prosaas_logging.uncaught"), ERROR, f"uncaught exception in thread {name}", args.exc_value)

    def _unraisable(self, args: Any) -> None:
        where = f"{args.err_msg or 'exception ignored in'} {args.object!r}"
        _log(get_logger("prosaas_logging.uncaught"), ERROR, where, args.exc_value)

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        logger = get_logger("py.warnings")
        _log(logger, WARNING, f"{category.__name__}: {message} ({filename}:{lineno})", None)


def _log(logger: Logger, level: int, text: str, exc: BaseException | None) -> None:
    current().emit((time.time(), level, logger, text, {}, describe(exc)))
