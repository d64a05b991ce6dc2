"""What one scope folded away, by logger, so that its end can say so if nobody else has."""

from __future__ import annotations

import os
from collections import Counter
from typing import Final

from .real import RLock

_MOST_LOGGERS: Final = 64
_MOST_SHOWN: Final = 5
_OTHERS: Final = "…"


class Folded:
    """Counts of folded lines; threads and signal handlers of one scope may add to it at once."""

    __slots__ = ("_loggers", "told")

    def __init__(self) -> None:
        self._loggers: Counter[str] = Counter()
        # Whether a line has said how many there are; what folds after it is the chatter of an ending.
        self.told = False

    @property
    def total(self) -> int:
        """How many lines were folded."""
        return self._loggers.total()

    def add(self, logger: str) -> None:
        """One more line, of *logger*."""
        with _counting:
            if logger not in self._loggers and len(self._loggers) >= _MOST_LOGGERS:
                logger = _OTHERS
            self._loggers[logger] += 1

    def tell(self) -> int:
        """How many there are, for a line that says so."""
        self.told = True
        return self.total

    def by_logger(self) -> str:
        """Whose lines they were, the most frequent first."""
        shown = ", ".join(f"{name} {count}" for name, count in self._loggers.most_common(_MOST_SHOWN))
        more = len(self._loggers) - _MOST_SHOWN
        return f"{shown}, +{more}" if more > 0 else shown


def _restart_after_fork() -> None:
    """Another thread of the parent may have held the lock, and does not exist here to give it back."""
    global _counting
    _counting = RLock()


# Reentrant, for a signal handler may log in the middle of it.
_counting = RLock()
os.register_at_fork(after_in_child=_restart_after_fork)
