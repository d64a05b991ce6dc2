"""The logger that code holds; its methods are chosen once, so that an unwanted line costs only a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, ParamSpec

from .errors import ExcInfo, describe
from .events import AnyEvent, Event
from .levels import CRITICAL, DEBUG, ERROR, INFO, WARNING
from .policy import Policy, follow, level_named
from .record import Source
from .scope import current
from .values import freeze

P = ParamSpec("P")
_now: Final = time.time


class Logger(Source):
    """A name, the fields bound to it, and ``tracing``: whether anyone would keep a DEBUG record."""

    __slots__ = ()
    # The same for all loggers, so it stands where their methods do.
    tracing = False

    def bind(self, **fields: object) -> Logger:
        """A logger that adds *fields* to everything it says."""
        return Logger(self.name, {**self.fields, **freeze(fields)})

    def debug(self, text: str, /, *, exc_info: ExcInfo = None, **fields: object) -> None:
        """Say something that only development, or a flight recorder, needs."""

    def info(self, text: str, /, *, exc_info: ExcInfo = None, **fields: object) -> None:
        """Say something that belongs to normal operation."""

    def warning(self, text: str, /, *, exc_info: ExcInfo = None, **fields: object) -> None:
        """Say that something is not as it should be, and the work goes on."""

    def error(self, text: str, /, *, exc_info: ExcInfo = None, **fields: object) -> None:
        """Say that something failed."""

    def critical(self, text: str, /, *, exc_info: ExcInfo = None, **fields: object) -> None:
        """Say that the process cannot go on."""

    def exception(self, text: str, /, *, exc_info: ExcInfo = True, **fields: object) -> None:
        """Say that something failed, with the stack of the exception being handled."""

    def event(self, event: Event[P], /, *args: P.args, **fields: P.kwargs) -> None:
        """Say an event of the catalogue; its level is the catalogue's."""

    def __repr__(self) -> str:
        return f"<Logger {self.name!r}>"


_named: dict[str, Logger] = {}
_METHODS: Final = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR, "critical": CRITICAL}


def get_logger(name: str) -> Logger:
    """The logger called *name*: one object for each name, usable before ``bootstrap`` and valid after it."""
    logger = _named.get(name)
    if logger is None:
        logger = _named.setdefault(name, Logger(name))
    return logger


def _choose_methods(policy: Policy) -> None:
    """Give ``Logger`` its methods: emit, keep for a flight recorder, or do nothing."""
    threshold, recording = policy.threshold, policy.recording
    methods: dict[str, Callable[..., None]] = {}
    for name, level in _METHODS.items():
        methods[name] = _emitting(level) if level >= threshold else _keeping(level) if recording else _nothing
    methods["exception"] = _excepting(methods["error"])
    methods["event"] = _saying_events(threshold, recording)
    if policy.names:
        for name, level in _METHODS.items():
            methods[name] = _by_name(policy, _emitting(level), _keeping(level) if recording else _nothing, level)
        methods["exception"] = _excepting(methods["error"])
        methods["event"] = _by_name(policy, _saying_events(0, recording), _saying_events(99, recording))
    for name, method in methods.items():
        setattr(Logger, name, method)
    Logger.tracing = recording or min((threshold, *(level for _, level in policy.names))) <= DEBUG


# ``exc_info`` is looked up in the fields rather than declared: a declared keyword makes Python compare every other
# keyword's name with its own, which costs more than all the rest of a call that is only kept.


def _nothing(self: Logger, said: str | AnyEvent, /, **fields: object) -> None:
    pass


def _salvage(logger: Logger, level: int, what: str | AnyEvent, broken: Exception) -> None:
    """Say at least what was said, without the fields or the exception that could not be taken."""
    with suppress(Exception):
        current().emit((_now(), level, logger, what, {"not_logged": type(broken).__name__}, None))


def _keeping(level: int) -> Callable[..., None]:
    def keep(self: Logger, text: str, /, **fields: object) -> None:
        try:
            error = describe(fields.pop("exc_info")) if "exc_info" in fields else None
            current().keep((_now(), level, self, text, fields, error))
        except Exception:
            pass

    return keep


def _emitting(level: int) -> Callable[..., None]:
    def emit(self: Logger, text: str, /, **fields: object) -> None:
        try:
            error = describe(fields.pop("exc_info")) if "exc_info" in fields else None
            current().emit((_now(), level, self, text, freeze(fields), error))
        except Exception as broken:
            _salvage(self, level, text, broken)

    return emit


def _excepting(error: Callable[..., None]) -> Callable[..., None]:
    def exception(self: Logger, text: str, /, **fields: object) -> None:
        fields.setdefault("exc_info", True)
        error(self, text, **fields)

    return exception


def _by_name(
    policy: Policy, emit: Callable[..., None], keep: Callable[..., None], level: int | None = None
) -> Callable[..., None]:
    """For when loggers have levels of their own: one or the other, by the logger and by *level* or the event's."""
    names, threshold = policy.names, policy.threshold

    def say(self: Logger, said: Any, /, **fields: object) -> None:
        named = level_named(self.name, names)
        least = threshold if named is None else named
        (emit if (said.level if level is None else level) >= least else keep)(self, said, **fields)

    return say


def _saying_events(threshold: int, recording: bool) -> Callable[..., None]:
    def emit(self: Logger, event: AnyEvent, /, **fields: object) -> None:
        if event.level >= threshold:
            try:
                error = describe(fields.pop("exc_info")) if "exc_info" in fields else None
                current().emit((_now(), event.level, self, event, freeze(fields), error))
            except Exception as broken:
                _salvage(self, event.level, event, broken)

    def emit_or_keep(self: Logger, event: AnyEvent, /, **fields: object) -> None:
        level = event.level
        if level < threshold and not event.explains:
            current().keep((_now(), level, self, event, fields, None))
            return
        try:
            error = describe(fields.pop("exc_info")) if "exc_info" in fields else None
            if level < threshold:
                current().keep((_now(), level, self, event, fields, error))
            else:
                current().emit((_now(), level, self, event, freeze(fields), error))
        except Exception as broken:
            if level >= threshold:
                _salvage(self, level, event, broken)

    return emit_or_keep if recording else emit


follow(_choose_methods)
