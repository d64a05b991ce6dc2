"""Everything that would reach the log by another way: stdlib logging, warnings, uncaught exceptions."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

from ..errors import ErrorInfo, describe
from ..levels import CRITICAL, ERROR, WARNING
from ..logger import Logger, get_logger
from ..policy import LIBRARIES, Policy, awake, follow, in_force, is_library
from ..record import Record
from ..scope import current
from ..values import freeze, text_of
from .descriptors import ours
from .formatted import own_formatter, taken
from .frameworks import handed_on, listen
from .imports import when_imported
from .prints import Printed, PrintedBytes
from .reconfigure import guard

# Shows frameworks that look for a handler, before they add their own, that there is one. It has no lock: under gevent
# that is one that threads of its pool wedge at.
_TAKEN: Final = logging.NullHandler()
_MOST_GUESSED: Final = 1000
# Of handlers behind handlers.
_DEEPEST: Final = 5
# The loggers that have a level here because LOG_LEVELS or a switch asks more of them than of others.
_louder: Final[set[str]] = set()


class Bridge:
    """The hooks of one process."""

    def __init__(self, flush: Callable[[], object]) -> None:
        self._flush = flush
        self._printed: list[Printed] = []
        self._guessed: set[str] = set()

    def install(self) -> None:
        """Take over; nothing gives it back."""
        logging.Logger.callHandlers = lambda stdlib, record: self._route(stdlib, record)  # type: ignore[assignment,method-assign]
        logging.getLogger().addHandler(_TAKEN)
        sys.excepthook = self._uncaught
        threading.excepthook = self._uncaught_in_thread
        sys.unraisablehook = self._unraisable
        warnings.showwarning = self._warned
        # Code that prints to the streams that were there at first is to be heard, too.
        for name in ("__stdout__", "stdout", "stderr"):
            original = getattr(sys, name)
            if original is not None:
                printed = next((printed for printed in self._printed if printed.replaces(original)), None)
                if printed is None:
                    printed = Printed(original, name.strip("_"))
                    self._printed.append(printed)
                setattr(sys, name, printed)
        follow(_set_levels)
        guard(_put_right)
        when_imported("logging.handlers", self._listen_to_queues)
        listen(self._hear_other, self._is_console)

    def _listen_to_queues(self, handlers: Any) -> None:
        """What a QueueListener hands to the console has been taken before it was queued."""
        own = self

        def handle(listener: Any, record: logging.LogRecord) -> None:
            record = listener.prepare(record)
            for handler in listener.handlers:
                heard = not listener.respect_handler_level or record.levelno >= handler.level
                if heard and not own._writes_to_console(handler):
                    handler.handle(record)

        handlers.QueueListener.handle = handle

    def restart_after_fork(self) -> None:
        """In a child: what its parent has half printed is the parent's to say."""
        for printed in self._printed:
            printed.forget()

    def finish(self) -> None:
        """Say what is half said, for the process ends."""
        for printed in self._printed:
            printed.finish()

    def _route(self, stdlib: logging.Logger, record: logging.LogRecord) -> None:
        """In the place of ``Logger.callHandlers``, for handlers can be added and propagation cut after us.

        Handlers that write to the console would say everything twice, and not in our form; any other keeps working.
        """
        handlers = list(_handlers(stdlib))
        console = [handler for handler in handlers if self._writes_to_console(handler)]
        # Filters that a service put on its handlers scrub what we write, too; what all of them refuse is not written.
        passed = [_filtered(handler, record) for handler in console]
        if passed and not any(passed):
            return
        try:
            self._hear(record, console)
        except Exception as broken:
            text = f"<a record that raised {type(broken).__name__}>"
            _log(get_logger(str(record.name)), record.levelno, text, None)
        for handler in handlers:
            if record.levelno >= handler.level and handler not in console:
                with handed_on():
                    handler.handle(record)

    def _writes_to_console(self, handler: logging.Handler) -> bool:
        """Whether it ends at our own output, be it by a buffer before it, a console of rich's or a path in /dev."""
        for _ in range(_DEEPEST):
            target = getattr(handler, "target", None)
            if not isinstance(target, logging.Handler):
                break
            handler = target
        stream = getattr(handler, "stream", None) or getattr(getattr(handler, "console", None), "file", None)
        return stream is not None and self._is_console(stream)

    def _is_console(self, stream: object) -> bool:
        if isinstance(stream, Printed | PrintedBytes) or any(printed.replaces(stream) for printed in self._printed):
            return True
        return _same_as_ours(stream)

    def _hear(self, record: logging.LogRecord, console: list[logging.Handler]) -> None:
        self._admit(
            record.name,
            record.levelno,
            lambda own, policy: taken(record, own, own_formatter(console, policy.packages)),
        )

    def _hear_other(
        self, name: str, level: int, text: object, fields: dict[str, Any], error: ErrorInfo | None, at: float
    ) -> None:
        said = text_of(text)
        self._admit(
            name,
            level,
            lambda own, _: (at, level, get_logger(name), said if own else f"{name}: {said}", freeze(fields), error),
        )

    def _admit(self, name: str, number: int, made: Callable[[bool, Policy], Record]) -> None:
        """Have a record made and written, or kept, or not made at all, by its logger's name and level."""
        policy = awake()
        library = is_library(name, policy.packages)
        if library:
            self._tell_guess(name)
        scope, level = current(), policy.level_of(name)
        if number >= level:
            scope.emit(made(not library, policy))
        elif not library and number >= min(scope.level, policy.threshold):
            # Its scope was switched to a lower level, or its logger made quiet by name: a flight recorder has it then.
            scope.keep(made(True, policy))

    def _tell_guess(self, name: str) -> None:
        """Say once of each package that it is taken for a library by its place alone."""
        package = name.partition(".")[0]
        if package in LIBRARIES or package in sys.stdlib_module_names or package in self._guessed:
            return
        if len(self._guessed) < _MOST_GUESSED:
            self._guessed.add(package)
            get_logger("prosaas_logging").debug(
                "taken for a library, for it is installed; bootstrap(…, packages=(…,)) names the service's own",
                package=package,
            )

    def _uncaught(self, kind: type[BaseException], exc: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, exc, traceback)
            return
        _log(get_logger("prosaas_logging.uncaught"), CRITICAL, "uncaught exception", exc.with_traceback(traceback))
        with suppress(Exception):
            self._flush()

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if issubclass(args.exc_type, SystemExit):
            return
        name = args.thread.name if args.thread else "?"
        _log(get_logger("prosaas_logging.uncaught"), ERROR, f"uncaught exception in thread {name}", args.exc_value)

    def _unraisable(self, args: Any) -> None:
        where = f"{args.err_msg or 'exception ignored in'} {args.object!r}"
        _log(get_logger("prosaas_logging.uncaught"), ERROR, where, args.exc_value)

    def _warned(self, message: Any, category: Any, filename: str, lineno: int, *_: Any, **__: Any) -> None:
        # The log's own threads are none that a fork could hurt: Python does not count them, and a child starts anew.
        if "use of fork()" in str(message) and threading.enumerate() == [threading.current_thread()]:
            return
        _log(get_logger("py.warnings"), WARNING, f"{category.__name__}: {message} ({filename}:{lineno})", None)


def _handlers(stdlib: logging.Logger) -> Iterator[logging.Handler]:
    """Those that the record would reach, from its logger up."""
    node: logging.Logger | None = stdlib
    while node is not None:
        yield from node.handlers
        node = node.parent if node.propagate else None


def _filtered(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Whether the handler's filters let the record pass; one that fails lets it."""
    try:
        return bool(handler.filter(record))
    except Exception:
        return True


def _same_as_ours(stream: Any) -> bool:
    """Whether a stream leads where standard output or standard error does: /dev/stdout, a duplicated descriptor."""
    try:
        there = os.fstat(stream.fileno())
        return any(os.path.samestat(there, os.fstat(fd)) for fd in ours)
    except (AttributeError, OSError, ValueError):
        return False


def _put_right() -> bool:
    """Make levels and the root's handler what they were; whether something would have been lost."""
    root, policy = logging.getLogger(), in_force()
    wrong = root.level > min(policy.threshold, policy.libraries)
    if _TAKEN not in root.handlers:
        root.addHandler(_TAKEN)
    _set_levels(policy)
    return wrong


def _set_levels(policy: Policy) -> None:
    """Spare libraries and our own code the work for records that would only be thrown away here."""
    # setLevel also empties every logger's cache; once, below, is enough.
    for name in _louder:
        logging.getLogger(name).level = logging.NOTSET
    for name in LIBRARIES:
        logging.getLogger(name).level = policy.libraries
    _louder.clear()
    for name, level in policy.names:
        if level < (policy.libraries if is_library(name, policy.packages) else policy.threshold):
            logging.getLogger(name).level = level
            _louder.add(name)
    switched = (target.number for target in policy.targets)
    logging.getLogger().setLevel(min(policy.threshold, policy.libraries, *switched))


def _log(logger: Logger, level: int, text: str, exc: BaseException | None) -> None:
    with suppress(Exception):
        current().emit((time.time(), level, logger, text, {}, describe(exc)))
