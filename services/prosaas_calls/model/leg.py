"""Keeps one call connected to the model: connect, try again, renew before the session's time is up."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any, Protocol

from prosaas_calls.limits import Limits
from prosaas_calls.model import events
from prosaas_calls.model.events import ServerEvent
from prosaas_calls.model.realtime import RealtimeConnection, RealtimeLost
from prosaas_calls.model.turns import Turns
from prosaas_core import tracing
from prosaas_logging import get_logger
from prosaas_logging.catalogue import REALTIME_CONNECTED, REALTIME_RENEWED, REALTIME_RETRY

log = get_logger(__name__)

_FIRST_DELAY = 0.25
_LONGEST_DELAY = 4.0
_RENEW_AGAIN_AFTER = 30.0
# Ten seconds of the caller's frames wait for a connection; the oldest go first.
_HELD_FRAMES = 500
_HELD_EVENTS = 50
_LOSSES_WITHOUT_AN_ANSWER = 2


# Starts what belongs to the call: its end ends it, and its failure is the call's.
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Listener(Protocol):
    """Who hears what the model says."""

    answered: bool

    def handle(self, event: ServerEvent) -> None: ...

    def ask_if_due(self) -> None: ...

    def reconnected(self) -> None: ...


class ModelFailed(Exception):
    """The model cannot go on, and trying again would not help."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ModelUnreachable(Exception):
    """No connection to the model within the time that a caller can be asked to wait."""


class ModelLeg:
    """The model's side of one call.

    `brief` gives what a new session is told, in order: the session, the conversation so far, the greeting if it is due.
    """

    __slots__ = (
        "_brief",
        "_current",
        "_held_audio",
        "_held_events",
        "_limits",
        "_next",
        "_open",
        "_renew_at",
        "_renewal",
        "_spawn",
        "_turns",
    )

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[RealtimeConnection]],
        brief: Callable[[], Awaitable[list[bytes]]],
        spawn: Spawn,
        turns: Turns,
        limits: Limits,
    ) -> None:
        self._open = connect
        self._brief = brief
        self._spawn = spawn
        self._turns = turns
        self._limits = limits
        self._current: RealtimeConnection | None = None
        self._next: RealtimeConnection | None = None
        self._renew_at = 0.0
        self._renewal: asyncio.Task[None] | None = None
        self._held_audio: deque[bytes] = deque(maxlen=_HELD_FRAMES)
        self._held_events: deque[bytes] = deque(maxlen=_HELD_EVENTS)

    def hear(self, payload: bytes) -> None:
        """Pass the caller's audio on, as base64; keep it while there is no connection."""
        connection = self._current
        if connection is None:
            self._held_audio.append(payload)
            return
        try:
            connection.send_audio(events.append_audio(payload))
        except ConnectionError:
            # The reader of the connection notices the same break, and reconnects.
            self._held_audio.append(payload)

    def send(self, event: bytes) -> None:
        """Send an event; keep it while there is no connection, unless it is of what the next one never had."""
        connection = self._current
        of_the_last_one = events.OF_AN_ITEM
        if connection is not None:
            try:
                connection.send(event)
                return
            except ConnectionError:
                # The reader of the connection notices the same break, and has an answer that is due asked for again.
                of_the_last_one = events.OF_A_SESSION
        if not event.startswith(of_the_last_one):
            self._held_events.append(event)

    def answer(self, asked_on: RealtimeConnection | None, output: bytes, *, otherwise: bytes) -> None:
        """Send a tool's output to the session that asked for it, or `otherwise` to one that knows of no question."""
        connection = self._current
        if connection is not None and connection is asked_on:
            try:
                connection.send(output)
            except ConnectionError:
                self._held_events.append(otherwise)
        else:
            self.send(otherwise)

    @property
    def connection(self) -> RealtimeConnection | None:
        """The connection in use, while there is one."""
        return self._current

    async def run(self, conversation: Listener) -> None:
        """Converse until cancelled; ModelFailed or ModelUnreachable when the model is gone for good."""
        try:
            losses = 0
            while True:
                fresh, self._next = self._next, None
                connection = fresh or await self._connect()
                try:
                    async with connection:
                        await self._begin(connection)
                        conversation.ask_if_due()
                        await connection.read(conversation.handle)
                except (RealtimeLost, ConnectionError) as lost:
                    losses = 1 if conversation.answered else losses + 1
                    if isinstance(lost, RealtimeLost) and not lost.retriable:
                        raise ModelFailed(str(lost)) from lost
                    log.event(REALTIME_RETRY, attempt=losses, error=str(lost))
                    if losses > _LOSSES_WITHOUT_AN_ANSWER:
                        raise ModelUnreachable from lost
                else:
                    # It was renewed: one that stood for its time was not lost.
                    losses = 0
                finally:
                    self._current = None
                conversation.reconnected()
                if losses > 1:
                    # It comes back and goes again: the last try is worth a pause.
                    await asyncio.sleep(_FIRST_DELAY * 2**losses)
        finally:
            if self._renewal is not None:
                self._renewal.cancel()
            if self._next is not None:
                await self._next.close()

    def renew_if_due(self, now: float) -> None:
        """Begin to move to a fresh session when this one grows old."""
        if self._current is not None and self._renewal is None and now >= self._renew_at:
            self._renewal = self._spawn(self._renew())

    async def _renew(self) -> None:
        """Open the next session first, and change over between two turns."""
        started = monotonic()
        fresh: RealtimeConnection | None = None
        try:
            fresh = await self._open()
            opened_in = round((monotonic() - started) * 1000)
            while not self._turns.settled.is_set():
                await self._turns.settled.wait()
            old, self._current = self._current, None
            if old is not None:
                self._next, fresh = fresh, None
                log.event(REALTIME_RENEWED, ms=opened_in)
                await old.close()
        except RealtimeLost as lost:
            log.event(REALTIME_RETRY, attempt=1, error=str(lost))
            self._renew_at = monotonic() + _RENEW_AGAIN_AFTER
        finally:
            self._renewal = None
            if fresh is not None:
                await fresh.close()

    async def _begin(self, connection: RealtimeConnection) -> None:
        for event in await self._brief():
            connection.send(event)
        while self._held_events:
            connection.send(self._held_events.popleft())
        while self._held_audio:
            connection.send_audio(events.append_audio(self._held_audio.popleft()))
        self._renew_at = connection.opened_at + self._limits.model_renew
        self._current = connection

    async def _connect(self) -> RealtimeConnection:
        started = monotonic()
        delay = _FIRST_DELAY
        attempt = 0
        while True:
            attempt += 1
            try:
                with tracing.span("connect", kind="client", gen_ai_provider_name="openai"):
                    connection = await self._open()
            except RealtimeLost as lost:
                if not lost.retriable:
                    raise ModelFailed(str(lost)) from lost
                log.event(REALTIME_RETRY, attempt=attempt, error=str(lost))
                if monotonic() + delay - started > self._limits.model_retry:
                    raise ModelUnreachable from lost
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY)
                continue
            log.event(REALTIME_CONNECTED, ms=connection.ms)
            return connection
