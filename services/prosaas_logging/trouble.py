"""What counts as the same trouble, and what becomes of it: once in full, then one line for each half minute."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .catalogue import REPEATED
from .events import IDENTITIES, Event
from .record import Context, Record

WINDOW_SECONDS: Final = 30.0
_MOST_KINDS: Final = 1024
# How many kinds are told apart at a time that differ in their details alone, which may be a stranger's.
MOST_ALIKE: Final = 5
_LONGEST_WORDING: Final = 200
_LONGEST_DETAIL: Final = 64
# A whole word or none, so that each is looked at once.
_NUMBERED: Final = re.compile(r"(?<![\w-])(?=[\w-]*\d)[\w-]+")
_ID_ENDINGS: Final = ("_id", "_sid", "_ip", "_key")
_ID_NAMES: Final = frozenset({*IDENTITIES, "id", "sid", "ip", "phone", "from", "to", "name", "stack_info"})

Said = tuple[Record, Context]


@lru_cache(maxsize=1024)
def _normalised(text: str) -> str:
    return _NUMBERED.sub("#", text)


def wording(text: str, longest: int = _LONGEST_WORDING) -> str:
    """The beginning of *text* with each word that has a digit in it, an id or a number, as ``#``."""
    return _normalised(text[:longest])


def family_of(record: Record) -> Hashable:
    """Who says what, apart from all details."""
    _, level, logger, what, _, error = record
    said = what.name if isinstance(what, Event) else wording(what)
    return level, logger.name, said, error.kind if error else None


def kind_of(record: Record) -> Hashable:
    """What makes two troubles the same: who says what; of whom, and with which numbers, makes no difference."""
    details = tuple(
        wording(value, _LONGEST_DETAIL)
        for name, value in record[4].items()
        if type(value) is str and name not in _ID_NAMES and not name.endswith(_ID_ENDINGS)
    )
    return family_of(record), details


@dataclass(slots=True)
class _Run:
    """One kind of trouble, and what came of it since its last line."""

    since: float
    family: Hashable
    count: int = 0
    last: Said | None = None


class Repeats:
    """The writer's gate for warnings and errors; one thread at a time uses it."""

    def __init__(self, text: Callable[[Record, Context], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._text = text
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget everything: in a forked child, what was counted is the parent's to say."""
        self._runs: dict[Hashable, _Run] = {}
        self._families: Counter[Hashable] = Counter()

    def sift(self, record: Record, context: Context) -> list[Said]:
        """What is to be written now: the first of its kind; nothing for the others, which are counted.

        What this package says of itself is bounded where it is said, and always written.
        """
        if record[2].name == "prosaas_logging":
            return [(record, context)]
        family, kind = family_of(record), kind_of(record)
        if kind not in self._runs and self._families[family] >= MOST_ALIKE:
            kind = family
        run = self._runs.get(kind)
        if run is not None:
            run.count += 1
            run.last = record, context
            return []
        said = [(record, context)]
        if len(self._runs) >= _MOST_KINDS:
            said = self._told(self._drop(next(iter(self._runs)))) + said
        self._runs[kind] = _Run(self._clock(), family)
        self._families[family] += 1
        return said

    def _drop(self, kind: Hashable) -> _Run:
        run = self._runs.pop(kind)
        self._families[run.family] -= 1
        if not self._families[run.family]:
            del self._families[run.family]
        return run

    def sweep(self, *, everything: bool = False) -> list[Said]:
        """The counts whose window is over; the kinds that stopped coming are forgotten."""
        now = self._clock()
        said = []
        for kind, run in list(self._runs.items()):
            if not everything and now - run.since < WINDOW_SECONDS:
                continue
            if run.count:
                said += self._told(run)
            else:
                self._drop(kind)
        return said

    def _told(self, run: _Run) -> list[Said]:
        """The line that tells of *run*, which begins anew before anything of it is rendered."""
        now = self._clock()
        count, last, seconds = run.count, run.last, max(1, round(now - run.since))
        run.count, run.last, run.since = 0, None, now
        if last is None:
            return []
        record, context = last
        try:
            text = self._text(record, context)
        except Exception as broken:
            text = f"<{type(broken).__name__}>"
        fields: dict[str, object] = {"count": count, "seconds": seconds, "last": text}
        return [((time.time(), record[1], record[2], REPEATED, fields, None), context)]
