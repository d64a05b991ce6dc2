"""What could not be written: counted by level and cause for as long as the process lives, and told once in a while."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from .levels import level_name
from .real import RLock

REPORT_SECONDS: Final = 1.0

Lost = Mapping[tuple[str, str], int]


class Losses:
    """Anybody may lose something at any time; the writer alone takes what nobody was told of."""

    def __init__(self) -> None:
        self.all: Counter[tuple[str, str]] = Counter()
        self._untold: Counter[tuple[str, str]] = Counter()
        self._told_at = 0.0
        # A signal handler that logs may lose a line while the same thread counts another.
        self._counting = RLock()

    def add(self, level: int, cause: str) -> None:
        """One more."""
        with self._counting:
            self._untold[level_name(level), cause] += 1
            self.all[level_name(level), cause] += 1

    def take(self) -> Lost:
        """What came since the last time, if that is long enough ago."""
        if not self._untold or time.monotonic() - self._told_at < REPORT_SECONDS:
            return {}
        self._told_at = time.monotonic()
        with self._counting:
            untold, self._untold = self._untold, Counter()
        return untold
