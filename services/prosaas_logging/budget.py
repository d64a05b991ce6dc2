"""How many routine lines a call, a request or a job may write, which make room first, and what tells of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from .catalogue import (
    BARGE_IN,
    CALL_DIGEST,
    CALL_GOES_ON,
    TOOL_CALL,
    TOOL_FAILED,
    TOOL_REFUSED,
    TOOL_RESULT,
    TRANSCRIPT_CUSTOMER,
)
from .events import AnyEvent, Event
from .levels import INFO, WARNING
from .real import RLock
from .record import OURS, Record

# What one call may cost in prosaas-api, prosaas-calls and the worker, of LOG_CALL_BUDGET.
SHARES: Final = {"request": 2, "call": 25, "job": 3}
# What a digest waits for after the line before it: a minute at first, then longer, for they are few.
DIGEST_SECONDS: Final = (60.0, 60.0, 60.0, 300.0, 900.0)
# A line for the job that keeps the record of a call which has ended.
_AFTER_THE_END: Final = 1
_MOST_OUTCOMES: Final = 40
_LONGEST_OUTCOME: Final = 120
_LONGEST_WORDS: Final = 80
# Of the loggers whose lines were folded, so many are counted by name, and so many shown.
_MOST_LOGGERS: Final = 64
_MOST_SHOWN: Final = 5


class Room(NamedTuple):
    """How many lines of each worth fit: those of ``fold=1`` make room first, all other routine ones after them."""

    first: int
    routine: int
    digests: int


@cache
def room_for(budget: int, kind: str, *, of_a_call: bool) -> Room | None:
    """What fits into *budget*; nothing is bounded without one, nor in what is neither call, request nor job.

    What is about a call has its share of the call's budget, anything else a budget of its own. In a call a quarter is
    kept for digests and a line for its end; two fifths of the rest are for everybody.
    """
    if not budget or kind not in SHARES:
        return None
    lines = budget * SHARES[kind] // sum(SHARES.values()) if of_a_call else budget
    digests = min(lines // 4, 1 + len(DIGEST_SECONDS)) if kind == "call" else 0
    routine = max(0 if kind == "call" else 1, lines - 1 - digests)
    return Room(routine * 2 // 5 if kind == "call" else routine, routine, digests)


class Account:
    """What one scope has written and folded; ``accounting`` is held by whoever uses it."""

    __slots__ = ("_asked", "_barge_ins", "_began", "_digests", "_ended_at", "_lines", "_loggers", "_news", "_outcomes",
                 "_said_at", "_turns", "_words", "digests", "folded", "told", "written")  # fmt: skip

    def __init__(self) -> None:
        self.written = 0
        self.folded = 0
        # The digests that were handed out: lines of the log beside those written.
        self.digests = 0
        # How many of the folded ones a line has told of, once one has; what folds after it is the chatter of an ending.
        self.told: int | None = None
        self._loggers: Counter[str] = Counter()
        self._said_at = 0.0
        self._ended_at: int | None = None
        self._digests = 0
        # Turns of the caller's in which there was a word, in the whole call.
        self._turns = 0
        self._asked: dict[str, str] = {}
        self._forget()

    def _forget(self) -> None:
        self._began = 0.0
        self._lines = 0
        self._barge_ins = 0
        self._words: object = None
        self._outcomes: Counter[str] = Counter()
        # Whether a digest would have more to tell than that the agent responded.
        self._news = False

    def folds(self, record: Record, room: Room | None, in_words: Callable[[Record], str]) -> bool:
        """Whether *record* makes room; if not, it is counted as written."""
        moment, level, _, what, _, _ = record
        self._turns += what is TRANSCRIPT_CUSTOMER
        if room is not None and level < WARNING and self._is_over(what, room):
            self._began = self._began or self._said_at or moment
            self.folded += 1
            self._lines += 1
            name = record[2].name
            self._loggers[name if name in self._loggers or len(self._loggers) < _MOST_LOGGERS else "…"] += 1
            self._keep(record, in_words)
            return True
        if what is TOOL_FAILED and self._asked:
            self._outcome(record, f"❌ {record[4].get('error', '')}"[:_LONGEST_OUTCOME].rstrip())
        self.written += room is not None
        self._said_at = moment
        return False

    def _is_over(self, what: object, room: Room) -> bool:
        fold = what.fold if isinstance(what, Event) else 2
        if not fold:
            return False
        if self._ended_at is not None:
            return self.written >= self._ended_at + _AFTER_THE_END
        return self.written >= (room.first if fold == 1 else room.routine)

    def _keep(self, record: Record, in_words: Callable[[Record], str]) -> None:
        """Remember of a folded line what its digest tells."""
        _, _, _, what, fields, _ = record
        if isinstance(what, Event) and what.fold == 1:
            return
        self._news = True
        if what is TRANSCRIPT_CUSTOMER:
            self._words = str(fields.get("text", ""))[:_LONGEST_WORDS]
        elif what is BARGE_IN:
            self._barge_ins += 1
        elif what is TOOL_CALL and len(self._asked) < _MOST_OUTCOMES:
            self._asked[str(fields.get("tool"))] = in_words(record)[:_LONGEST_OUTCOME]
        elif what is TOOL_RESULT or what is TOOL_REFUSED:
            self._outcome(record, in_words(record)[:_LONGEST_OUTCOME])

    def _outcome(self, record: Record, outcome: str) -> None:
        asked = self._asked.pop(str(record[4].get("tool")), "")
        told = f"{asked} → {outcome}" if asked else f"→ {outcome}"
        if told not in self._outcomes and len(self._outcomes) >= _MOST_OUTCOMES:
            told = "…"
        self._outcomes[told] += 1

    def due(self, now: float, room: Room | None) -> Record | None:
        """The digest that is due at *now*, if there is news and the last line is old enough."""
        if room is None or not self._news or self._digests >= min(len(DIGEST_SECONDS), room.digests - 1):
            return None
        # A clock that was put back would keep a call quiet for as long.
        self._said_at = min(self._said_at, now)
        if now - self._said_at < DIGEST_SECONDS[self._digests]:
            return None
        self._digests += 1
        return self._digest(now, CALL_GOES_ON)

    def closing(self, now: float) -> Record | None:
        """The digest of what no line has told, before the line that ends a call; after it one more line fits."""
        told = None
        if self._news:
            for asked in self._asked.values():
                self._outcomes[asked] += 1
            told = self._digest(now, CALL_DIGEST)
        self._ended_at = self.written + 1
        return told

    def tell(self) -> int:
        """How many lines are folded, for a line that says so."""
        self.told = self.folded
        return self.folded

    def by_logger(self) -> str:
        """Whose lines were folded, the most frequent first."""
        shown = ", ".join(f"{name} {count}" for name, count in self._loggers.most_common(_MOST_SHOWN))
        more = len(self._loggers) - _MOST_SHOWN
        return f"{shown}, +{more}" if more > 0 else shown

    def _digest(self, now: float, event: AnyEvent) -> Record:
        outcomes = [f"{told} ×{count}" if count > 1 else told for told, count in self._outcomes.items()]
        fields: dict[str, object] = {
            "turns": self._turns,
            "seconds": round(now - self._began),
            "barge_ins": self._barge_ins or None,
            "tools": "; ".join(outcomes) or None,
            "last": self._words,
            "lines": self._lines,
        }
        self._said_at = now
        self.digests += 1
        self._forget()
        return now, INFO, OURS, event, fields, None


def _restart_after_fork() -> None:
    """Another thread of the parent may have held the lock, and does not exist here to give it back."""
    global accounting
    accounting = RLock()


# Reentrant, for a signal handler may log in the middle of it.
accounting = RLock()
os.register_at_fork(after_in_child=_restart_after_fork)
