"""What a call, a request or a job carries: its ids, its flight recorder, its line budget and its timeline."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple

from .errors import ErrorInfo
from .events import AnyEvent, Event
from .levels import DEBUG, ERROR, INFO, WARNING, level_name

if TYPE_CHECKING:
    from .logger import Logger

# (time, level, logger, event or text, fields, error): flat, because a ring holds hundreds of them for each call.
Record = tuple[float, int, "Logger", AnyEvent | str, dict[str, object], ErrorInfo | None]

_TAIL_NAMES: Final = {
    "call": ("call_sid",),
    "request": ("request_id", "call_sid", "message_id"),
    "job": ("job_id", "call_sid", "message_id"),
    "part": ("request_id", "job_id", "call_sid", "message_id"),
    "process": (),
}
_TIMELINE_LENGTH: Final = 2000
# The ending of a call: CALL_END, and a warning or two.
ENDING_ROOM: Final = 3


class Context:
    """A scope's fields at the moment of a record, and the ids that the human line shows at its end."""

    __slots__ = ("encoded", "fields", "tail")

    def __init__(self, fields: dict[str, object], tail: tuple[str, ...] = ()) -> None:
        self.fields: Final = fields
        self.tail: Final = tail
        # The fields as JSON, for whoever rendered them first to leave them to the next line.
        self.encoded: bytes | None = None


class TimelineEntry(NamedTuple):
    """One line of a call's own history, as its database record keeps it."""

    t_ms: int
    level: str
    event: str | None
    text: str
    folded: bool


class Wiring(NamedTuple):
    """What the running configuration gives every scope; replaced as a whole, so that scopes never see a half of one."""

    submit: Callable[[Record, Context], None]
    threshold: int
    ring: int
    budget: int
    level_for: Callable[[dict[str, object]], int | None]
    dump: Callable[[Scope, str], object]
    render_entry: Callable[[Record, Context], str]


class Scope:
    """One call, request or job. ``keep`` and ``emit`` are chosen when it is wired, not on each record."""

    __slots__ = (
        "_folded",
        "_spent",
        "_timeline",
        "_token",
        "_tripped",
        "context",
        "emit",
        "id",
        "keep",
        "kind",
        "level",
        "ring",
        "started",
    )

    keep: Callable[[Record], object]
    emit: Callable[[Record], object]

    def __init__(self, kind: str, fields: dict[str, object]) -> None:
        self.kind: Final = kind
        self.id = next((str(fields[name]) for name in _TAIL_NAMES[kind] if fields.get(name)), kind)
        self.ring: deque[Record] = deque(maxlen=0)
        self.level = INFO
        self.started: float = 0.0
        self._spent = 0
        self._folded = 0
        self._tripped = False
        self._timeline: deque[tuple[Record, bool]] = deque(maxlen=_TIMELINE_LENGTH)
        self._token: Token[Scope] | None = None
        self.context = self._make_context(fields)

    def add(self, **fields: object) -> None:
        """Add fields that became known later; records already made keep the ones they had."""
        self.context = self._make_context({**self.context.fields, **fields})
        self.wire(_wiring)

    def fail(self, reason: str) -> None:
        """Mark an abnormal end: the flight recorder is written out, once."""
        if not self._tripped:
            self._tripped = True
            _wiring.dump(self, reason)

    @property
    def folded(self) -> int:
        """How many routine lines were folded away so far."""
        return self._folded

    @property
    def timeline(self) -> list[TimelineEntry]:
        """The call's lines at INFO and above so far, the folded ones too, for its database record."""
        entries = []
        for record, folded in list(self._timeline):
            moment, level, _, what, _, _ = record
            entries.append(
                TimelineEntry(
                    t_ms=max(0, round((moment - self.started) * 1000)),
                    level=level_name(level),
                    event=what.name if isinstance(what, Event) else None,
                    text=_wiring.render_entry(record, self.context),
                    folded=folded,
                )
            )
        return entries

    def wire(self, wiring: Wiring) -> None:
        """Choose how this scope keeps and emits, for the configuration in force."""
        if self.kind == "process":
            self.level = wiring.threshold
            self.keep = _discard
            self.emit = lambda record: wiring.submit(record, self.context)
            return
        override = wiring.level_for(self.context.fields)
        self.level = wiring.threshold if override is None else override
        if self.ring.maxlen != wiring.ring:
            self.ring = deque(self.ring, maxlen=wiring.ring)
        self.keep = self.ring.append if self.level >= wiring.threshold else self._sift
        self.emit = self._emit if self.level <= wiring.threshold else self._sift

    def _sift(self, record: Record) -> None:
        """For a scope that an operator has switched to another level than the process's."""
        if record[1] >= self.level:
            self._emit(record)
        else:
            self.ring.append(record)

    def _emit(self, record: Record) -> None:
        level = record[1]
        if self.kind == "call" and level >= INFO:
            if level < WARNING and self._folds(record[3]):
                self._folded += 1
                self._timeline.append((record, True))
                self.ring.append(record)
                return
            self._spent += 1
            record = self._with_folded(record)
            self._timeline.append((record, False))
        if level >= ERROR and not self._tripped:
            self._tripped = True
            _wiring.submit(record, self.context)
            _wiring.dump(self, "error")
            return
        _wiring.submit(record, self.context)

    def _with_folded(self, record: Record) -> Record:
        """The record, and how much was folded if it is of the kind that says so."""
        moment, level, logger, what, fields, error = record
        if self._folded and isinstance(what, Event) and "folded" in what.fields and fields.get("folded") is None:
            return moment, level, logger, what, {**fields, "folded": self._folded}, error
        return record

    def _folds(self, what: AnyEvent | str) -> bool:
        """Whether a routine line no longer fits; a call that is being watched at DEBUG shows everything."""
        budget = _wiring.budget
        if not budget or self.level < INFO or self._spent < budget - ENDING_ROOM:
            return False
        return not isinstance(what, Event) or what.folds

    def _make_context(self, fields: dict[str, object]) -> Context:
        tail = tuple(f"{name}={fields[name]}" for name in _TAIL_NAMES[self.kind] if fields.get(name))
        return Context(fields, tail)

    def __enter__(self) -> Scope:
        self.started = time.time()
        self._token = _current.set(self)
        _live.add(self)
        self.wire(_wiring)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(exc, Exception):
            self.fail(type(exc).__name__)
        _live.discard(self)
        if self._token is not None:
            try:
                _current.reset(self._token)
            except ValueError:
                # Left in another context than it was entered in, as an async generator's clean-up may do.
                _current.set(_root)
        self.ring.clear()


def _discard(record: Record) -> None:
    """Outside every scope nobody will ask for what was below the level."""


def scope(**fields: object) -> Scope:
    """A call (``call_sid``), a request (``request_id``) or a job (``job_id``) to use in a ``with`` statement.

    What surrounds it is inherited, and everything started inside it, tasks included, belongs to it.
    """
    kind = (
        "job"
        if "job_id" in fields
        else "request"
        if "request_id" in fields
        else "call"
        if "call_sid" in fields
        else "part"
    )
    return Scope(kind, {**_current.get().context.fields, **fields})


def watched() -> bool:
    """Whether the DEBUG lines of this scope are written, and not only kept for a flight recorder.

    For what comes fifty times a second: a recorder that kept all of it would remember three seconds of a call.
    """
    return current().level <= DEBUG


def rewire(wiring: Wiring) -> None:
    """Put *wiring* in force for the process and for every scope that is open now."""
    global _wiring
    _wiring = wiring
    _root.wire(wiring)
    for live in list(_live):
        live.wire(wiring)


def live_scopes() -> list[Scope]:
    """The scopes that are open at this moment in this process."""
    return list(_live)


_wiring = Wiring(
    submit=lambda record, context: None,
    threshold=INFO,
    ring=0,
    budget=0,
    level_for=lambda fields: None,
    dump=lambda ended, reason: None,
    render_entry=lambda record, context: "",
)
_live: set[Scope] = set()
_root: Final = Scope("process", {})
_root.wire(_wiring)
_current: ContextVar[Scope] = ContextVar("prosaas_scope", default=_root)
current: Final = _current.get
