"""What is remembered of one call, request or job: its ids, its flight recorder's ring, and the timeline of a call."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import Final, NamedTuple

from .events import Event
from .levels import level_name
from .policy import in_force
from .record import Context, Record, drain

# By which ids each kind goes, the first that it has, and which the human line shows at its end.
GOES_BY: Final = {
    "call": ("call_sid", "request_id"),
    "request": ("request_id", "call_sid", "message_id"),
    "job": ("job_id", "call_sid", "message_id"),
    "part": ("request_id", "job_id", "call_sid", "message_id"),
    "process": (),
}
_TIMELINE_LENGTH: Final = 2000
_NO_TIMELINE: Final[deque[tuple[Record, bool]]] = deque(maxlen=0)
_NO_RING: Final[deque[Record]] = deque(maxlen=0)


class TimelineEntry(NamedTuple):
    """One line of a call's own history, as its database record keeps it."""

    t_ms: int
    level: str
    event: str | None
    text: str
    folded: bool


class Remembered:
    """A scope as the recorder and a call's database record see it."""

    __slots__ = ("_policy", "_timeline", "context", "id", "kind", "ring", "started")

    def __init__(self, kind: str, fields: dict[str, object]) -> None:
        self.kind: Final = kind
        self.id = self._named(fields)
        self.ring: deque[Record] = _NO_RING
        self.started: float = 0.0
        self._timeline = deque(maxlen=_TIMELINE_LENGTH) if kind == "call" else _NO_TIMELINE
        self.context = self._make_context(fields)
        self._policy = in_force()

    def drain(self) -> list[Record]:
        """Take what was recorded."""
        return drain(self.ring)

    @property
    def timeline(self) -> list[TimelineEntry]:
        """The call's lines at INFO and above so far, the folded ones too, for its database record."""
        return self.timeline_after()[0]

    def timeline_after(self, mark: object = None) -> tuple[list[TimelineEntry], object]:
        """The entries that came after *mark*, which an earlier answer gave, and the mark of this one.

        For who keeps a timeline elsewhere while it grows; any thread may ask, and nothing new costs next to nothing.
        """
        if not self._timeline or self._timeline[-1] is mark:
            return [], mark
        kept = self._timeline.copy()
        fresh = list(takewhile(lambda each: each is not mark, reversed(kept)))
        return [self._entry(*each) for each in reversed(fresh)], kept[-1]

    def _entry(self, record: Record, folded: bool) -> TimelineEntry:
        moment, level, _, what, _, _ = record
        return TimelineEntry(
            t_ms=max(0, round((moment - self.started) * 1000)),
            level=level_name(level),
            event=what.name if isinstance(what, Event) else None,
            text=self._in_words(record),
            folded=folded,
        )

    def _in_words(self, record: Record) -> str:
        try:
            return self._policy.render_entry(record, self.context)
        except Exception as broken:
            return f"<{type(broken).__name__}>"

    def _named(self, fields: dict[str, object]) -> str:
        for name in GOES_BY[self.kind]:
            if fields.get(name):
                return str(fields[name])
        return self.kind

    def _make_context(self, fields: dict[str, object]) -> Context:
        names = GOES_BY[self.kind]
        if self.kind == "call" and fields.get("call_sid"):
            names = names[:1]
        return Context(fields, tuple([f"{name}={fields[name]}" for name in names if fields.get(name)]))
