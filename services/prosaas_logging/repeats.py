"""The same warning or error again and again: once in full, then one line for each half minute, with the count."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final

from .catalogue import REPEATED
from .events import Event
from .scope import Context, Record

WINDOW_SECONDS: Final = 30.0
_MOST_KINDS: Final = 1024


class _Run:
    """One kind of warning and what came of it since its last line."""

    __slots__ = ("context", "count", "last", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.count = 0
        self.last: Record | None = None
        self.context = Context({})


class Repeats:
    """A gate before the writer for warnings and errors."""

    def __init__(
        self,
        submit: Callable[[Record, Context], None],
        text: Callable[[Record, Context], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._submit = submit
        self._text = text
        self._clock = clock
        self._runs: dict[Hashable, _Run] = {}

    def submit(self, record: Record, context: Context) -> None:
        """Pass the first of its kind on; count the others."""
        key = kind_of(record, context)
        run = self._runs.get(key)
        if run is None:
            if len(self._runs) >= _MOST_KINDS:
                self.sweep(everything=True)
            self._runs[key] = _Run(self._clock())
            self._submit(record, context)
            return
        if self._clock() - run.since >= WINDOW_SECONDS:
            self._say(run)
            run.since = self._clock()
            self._submit(record, context)
            return
        run.count += 1
        run.last, run.context = record, context

    def sweep(self, *, everything: bool = False) -> None:
        """Say the counts whose window is over, and forget the kinds that stopped coming."""
        now = self._clock()
        for key, run in list(self._runs.items()):
            if not everything and now - run.since < WINDOW_SECONDS:
                continue
            if run.count:
                self._say(run)
                run.since = now
            else:
                self._runs.pop(key, None)

    def _say(self, run: _Run) -> None:
        record = run.last
        if record is None or not run.count:
            return
        seconds = max(1, round(self._clock() - run.since))
        fields: dict[str, object] = {"count": run.count, "seconds": seconds, "last": self._text(record, run.context)}
        run.count, run.last = 0, None
        self._submit((time.time(), record[1], record[2], REPEATED, fields, None), run.context)


def kind_of(record: Record, context: Context) -> Hashable:
    """What makes two warnings the same: who says what of which call, request or job; numbers make no difference."""
    _, level, logger, what, fields, error = record
    words = tuple(value for value in fields.values() if isinstance(value, str))
    name = what.name if isinstance(what, Event) else what
    return level, logger.name, name, words, context.tail, error.kind if error else None
