"""Repairs logging after an application has configured it again, and says in a line what was repaired."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from ..logger import get_logger
from .imports import when_imported

_log: Final = get_logger("prosaas_logging")

Restore = Callable[[], bool]


def guard(restore: Restore) -> None:
    """From now on let `restore` follow each basicConfig, dictConfig and fileConfig; it tells whether it had to."""
    logging.basicConfig = _followed(logging.basicConfig, restore)

    def configurable(module: Any) -> None:
        configurator = module.DictConfigurator
        configurator.configure = _followed(configurator.configure, restore)
        module.fileConfig = _followed(module.fileConfig, restore)

    when_imported("logging.config", configurable)


def _followed(configure: Callable[..., Any], restore: Restore) -> Callable[..., Any]:
    @wraps(configure)
    def configured(*args: Any, **kwargs: Any) -> Any:
        disabled = _disabled()
        try:
            return configure(*args, **kwargs)
        finally:
            # "Existing loggers" are those of every library imported before: asyncio's tells of lost exceptions.
            woken = _disabled() - disabled
            for name in woken:
                logging.getLogger(name).disabled = False
            if restore() or woken:
                _log.info(
                    "logging was configured anew; levels stay LOG_LEVEL's, and no logger is silenced",
                    by=getattr(configure, "__qualname__", "?"),
                    woken=len(woken),
                )

    return configured


def _disabled() -> set[str]:
    known = list(logging.root.manager.loggerDict.items())
    return {name for name, logger in known if isinstance(logger, logging.Logger) and logger.disabled}
