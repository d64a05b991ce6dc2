"""The scope of a call, a request or a job: which of its lines are written, recorded or folded, and who is in it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Final
from uuid import uuid4

from . import budget
from .budget import Account, room_for
from .catalogue import LINES_FOLDED, SCOPE_NAMED
from .events import AnyEvent, Event
from .levels import DEBUG, ERROR, INFO
from .policy import Policy, follow, in_force
from .record import Context, Record, ours
from .remembered import GOES_BY, Remembered

_KINDS: Final = {"job_id": "job", "request_id": "request", "call_sid": "call"}
# How often the errors of one scope may have its recorder written; an abnormal end does whatever came before it.
MOST_DUMPS: Final = 10
DUMP_SECONDS: Final = 5.0


class Scope(Remembered):
    """One call, request or job. ``keep`` and ``emit`` are chosen when a policy is applied, not on each record."""

    __slots__ = ("_account", "_dumped_at", "_dumps", "_room", "_token", "emit", "ended", "keep", "level")

    keep: Callable[[Record], object]
    emit: Callable[[Record], object]

    def __init__(self, kind: str, fields: dict[str, object]) -> None:
        super().__init__(kind, fields)
        self._account = Account()
        self._room = room_for(0, kind, of_a_call=False)
        self._dumps = 0
        self._dumped_at = 0.0
        self.ended = False
        self._token: Token[Scope] | None = None
        self.level = INFO

    def add(self, **fields: object) -> None:
        """Add fields that became known later; records already made keep the ones they had.

        An id that it had to do without becomes its name, and one line says which name it went by until then.
        """
        former, known = self.id, self.context.fields
        if all(type(new) is type(known.get(name)) is str and new == known[name] for name, new in fields.items()):
            return
        self.context = self._make_context({**known, **fields})
        self.id = self._named(self.context.fields)
        self.follow()
        if self.id != former and self._timeline:
            self._say(SCOPE_NAMED, {"former": former, "now": self.id})

    def fail(self, reason: str) -> None:
        """Mark an abnormal end: what the flight recorder holds is written out, always but for a request's.

        Requests are anybody's to send, so of theirs no more are written than of errors.
        """
        with suppress(Exception):
            self._policy.dump(self, reason, self.kind in ("call", "job"))

    @property
    def folded(self) -> int:
        """How many routine lines were folded away so far."""
        return self._account.folded

    @property
    def written(self) -> int:
        """How many lines were written so far, the digests of folded ones among them."""
        return self._account.written + self._account.digests

    @property
    def untold(self) -> int:
        """How many of these no line has told of."""
        return self._account.folded - (self._account.told or 0)

    def follow(self) -> None:
        """Choose how this scope keeps and emits, for the policy in force; once more if that changes meanwhile."""
        while True:
            policy = self._policy = in_force()
            self.level = policy.threshold
            if policy.targets:
                with suppress(Exception):
                    self.level = policy.level_for(self.context.fields)
            if self.kind == "process":
                self.keep = _discard
                self.emit = _straight(policy.submit, self.context)
            else:
                self._room = room_for(policy.budget, self.kind, of_a_call="call_sid" in self.context.fields)
                if self.ring.maxlen != policy.ring:
                    self.ring = deque(self.ring, maxlen=policy.ring)
                self.keep = self.ring.append if self.level >= policy.threshold else self._sift
                self.emit = self._emit if self.level <= policy.threshold else self._sift
                if self.ended:
                    self.keep, self.emit = self._keep_late, self._emit_late
            if policy is in_force():
                return

    def _sift(self, record: Record) -> None:
        """For a scope that an operator has switched to another level than the process's."""
        with suppress(Exception):
            if record[1] >= self.level:
                self._emit(record)
            else:
                self.ring.append(record)

    def _emit_late(self, record: Record) -> None:
        """For work that outlives its scope: it follows the switch, keeps its ids, and has no ring and no budget."""
        with suppress(Exception):
            policy = in_force()
            if record[1] >= policy.level_for(self.context.fields):
                policy.submit(record, self.context)

    def _keep_late(self, record: Record) -> None:
        """Of what is only to be recorded, an operator may have asked for what is below the process's level."""
        if record[1] < in_force().threshold:
            self._emit_late(record)

    def _emit(self, record: Record) -> None:
        level = record[1]
        if level < INFO:
            self._policy.submit(record, self.context)
            return
        if isinstance(what := record[3], Event) and "folded" in what.fields:
            record = self._with_folded(record)
        with budget.accounting:
            # A call that is being watched at DEBUG shows everything.
            folds = self._account.folds(record, self._room if self.level >= INFO else None, self._in_words)
        self._timeline.append((record, folds))
        if folds:
            self._fold(record)
            self.tell(record[0])
            return
        self._policy.submit(record, self.context)
        if level >= ERROR:
            self._dump_after_error(record[0])

    def _fold(self, record: Record) -> None:
        """Keep a routine line from the log; the flight recorder, the timeline and perhaps a file have it."""
        self.ring.append(record)
        with suppress(Exception):
            self._policy.keep_folded(self, record)

    def _tell_folded(self) -> None:
        """For the end: say what was folded, of whom and where it is, if nobody has said so.

        A request or a job about a call has so small a share of its lines that it is left to the call to tell.
        """
        account = self._account
        if account.told is not None or not account.folded:
            return
        if self.kind != "call" and "call_sid" in self.context.fields:
            return
        where = self._policy.where_folded(self)
        with budget.accounting:
            count, loggers = account.tell(), account.by_logger()
        self._say(LINES_FOLDED, {"count": count, "loggers": loggers, "where": where})

    def tell(self, now: float) -> None:
        """Write the digest of what was folded, if one is due."""
        with budget.accounting:
            digest = self._account.due(now, self._room)
        if digest is not None:
            self._policy.submit(digest, self.context)

    def _dump_after_error(self, moment: float) -> None:
        """Have written what was recorded since the last error, if that is not too often."""
        if self._dumps >= MOST_DUMPS or 0 <= moment - self._dumped_at < DUMP_SECONDS:
            return
        with suppress(Exception):
            if self._policy.dump(self, "error", False):
                self._dumps += 1
                self._dumped_at = moment

    def _with_folded(self, record: Record) -> Record:
        """The line that ends a call, with how much was folded; what no digest has told yet is told before it."""
        moment, level, logger, what, fields, error = record
        with budget.accounting:
            digest = self._account.closing(moment) if self._room else None
            told = self._account.tell()
        if digest is not None:
            self._policy.submit(digest, self.context)
        if told and fields.get("folded") is None:
            fields = {**fields, "folded": told}
        return moment, level, logger, what, fields, error

    def _say(self, event: AnyEvent, fields: dict[str, object]) -> None:
        """Say something of the scope itself, which never folds."""
        record = ours(event, fields)
        self._timeline.append((record, False))
        if self.level <= event.level:
            with suppress(Exception):
                self._policy.submit(record, self.context)

    def __enter__(self) -> Scope:
        self.started = time.time()
        self._token = _current.set(self)
        _live.add(self)
        self.follow()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(Exception):
            self._tell_folded()
        if isinstance(exc, Exception):
            self.fail(type(exc).__name__)
        _live.discard(self)
        if self._token is not None:
            try:
                _current.reset(self._token)
            except ValueError:
                # Left in another context than it was entered in, as an async generator's clean-up may do.
                _current.set(PROCESS)
        self.ended = True
        self.keep, self.emit = self._keep_late, self._emit_late
        self.ring.clear()


def _straight(submit: Callable[[Record, Context], None], context: Context) -> Callable[[Record], None]:
    return lambda record: submit(record, context)


def _discard(record: Record) -> None:
    """Outside every scope nobody will ask for what was below the level."""


def scope(*, kind: str | None = None, **fields: object) -> Scope:
    """A call (``call_sid``), a request (``request_id``) or a job (``job_id``) to use in a ``with`` statement.

    What surrounds it is inherited, and everything started inside it, tasks and threads included, belongs to it. One
    whose id is not known yet is begun by its *kind* (call, request, job; any other is a field), goes by a
    ``request_id`` of its own until then, and is told the id by ``add``.
    """
    if kind is not None and kind not in _KINDS.values():
        fields["kind"], kind = kind, None
    found = kind or next((kind for name, kind in _KINDS.items() if name in fields), "part")
    fields = {**_current.get().context.fields, **fields}
    if kind is not None and not any(fields.get(name) for name in GOES_BY[kind]):
        fields["request_id"] = uuid4().hex[:16]
    return Scope(found, fields)


def enter(entered: Scope) -> Token[Scope]:
    """Be in a scope that somebody else has opened and will close, until ``leave``."""
    return _current.set(entered)


def leave(token: Token[Scope]) -> None:
    """Be in the former scope again; nothing where that was another context's."""
    with suppress(ValueError):
        _current.reset(token)


def watched() -> bool:
    """Whether the DEBUG lines of this scope are written, and not only kept for a flight recorder.

    For what comes fifty times a second: a recorder that kept all of it would remember three seconds of a call.
    """
    scope = current()
    return (in_force().level_for(scope.context.fields) if scope.ended else scope.level) <= DEBUG


def live_scopes() -> list[Scope]:
    """The scopes that are open at this moment in this process."""
    return list(_live)


def tell_all(now: float) -> None:
    """Write the digests that are due at *now*, of scopes in which nobody says anything at the moment too."""
    for live in _live.copy():
        with suppress(Exception):
            live.tell(now)


def _rewire(policy: Policy) -> None:
    for live in (PROCESS, *_live.copy()):
        live.follow()


_live: set[Scope] = set()
PROCESS: Final = Scope("process", {})  # outside of every scope
_current: ContextVar[Scope] = ContextVar("prosaas_scope", default=PROCESS)
current: Final = _current.get
follow(_rewire)
