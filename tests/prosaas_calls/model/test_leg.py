"""The model's side of a call: what is kept while it is away, and how one session replaces another."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Self

import pytest

from calls_world.waiting import until
from clocks import Clock
from prosaas_calls.limits import Limits
from prosaas_calls.model import events
from prosaas_calls.model.events import ServerEvent
from prosaas_calls.model.leg import ModelFailed, ModelLeg, ModelUnreachable
from prosaas_calls.model.realtime import RealtimeLost
from prosaas_calls.model.turns import Turns
from prosaas_logging import capture_events


@dataclass
class Connection:
    """A session on paper."""

    sent: list[bytes] = field(default_factory=list)
    incoming: asyncio.Queue[ServerEvent | RealtimeLost | None] = field(default_factory=asyncio.Queue)
    closed: bool = False
    ms: int = 234
    opened_at: float = field(default_factory=monotonic)

    def send(self, event: bytes) -> None:
        self.sent.append(event)

    send_audio = send

    async def close(self) -> None:
        self.closed = True
        self.incoming.put_nowait(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True

    async def read(self, handle: Callable[[ServerEvent], None]) -> None:
        while (received := await self.incoming.get()) is not None:
            if isinstance(received, RealtimeLost):
                raise received
            handle(received)


@dataclass
class Conversation:
    """Counts what it is given."""

    handled: list[ServerEvent] = field(default_factory=list)
    reconnections: int = 0
    answered: bool = False

    def handle(self, event: ServerEvent) -> None:
        self.handled.append(event)

    def ask_if_due(self) -> None: ...

    def reconnected(self) -> None:
        self.reconnections += 1


class Stage:
    """A leg that gets these connections, or these refusals, one after the other; then none."""

    def __init__(self, outcomes: Sequence[Connection | RealtimeLost], **limits: float) -> None:
        self.outcomes = list(outcomes)
        self.takes: Callable[[], None] = lambda: None
        self.turns = Turns()
        self.conversation: Any = Conversation()
        self.leg = ModelLeg(
            connect=self._connect,  # type: ignore[arg-type]
            brief=self._brief,
            spawn=asyncio.create_task,
            turns=self.turns,
            limits=Limits(**limits),  # type: ignore[arg-type]
        )

    async def _connect(self) -> Connection:
        outcome = self.outcomes.pop(0) if self.outcomes else RealtimeLost("nobody there", retriable=True)
        if isinstance(outcome, RealtimeLost):
            raise outcome
        self.takes()
        return outcome

    async def _brief(self) -> list[bytes]:
        return [b"brief"]

    def start(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.leg.run(self.conversation))


async def test_what_the_caller_says_before_the_connection_stands_is_not_lost() -> None:
    """First the briefing, then what was added, then the audio, in order."""
    connection = Connection()
    stage = Stage([connection])
    stage.leg.hear(b"AAAA")
    stage.leg.send(b"event")
    stage.leg.hear(b"BBBB")

    running = stage.start()
    await until(lambda: stage.leg.connection)
    stage.leg.hear(b"CCCC")

    audio = [events.append_audio(payload) for payload in (b"AAAA", b"BBBB", b"CCCC")]
    assert connection.sent == [b"brief", b"event", *audio]
    running.cancel()


class Broken(Connection):
    """A session that is gone as soon as it is briefed, though nobody has noticed."""

    def send(self, event: bytes) -> None:
        if event != b"brief":
            raise ConnectionResetError


async def test_what_was_asked_of_a_session_as_it_broke_is_not_asked_of_the_next_one_again() -> None:
    """It would be answered twice, for an answer that is due is asked for anyway; or its greeting would be cancelled."""
    first, second = Broken(), Connection()
    stage = Stage([first, second])
    running = stage.start()
    await until(lambda: stage.leg.connection)
    for event in (events.create_response(), events.CANCEL, events.COMMIT):
        stage.leg.send(event)
    first.incoming.put_nowait(RealtimeLost("gone", retriable=True))
    await until(lambda: second.sent)

    assert second.sent == [b"brief"]
    running.cancel()


async def test_what_is_asked_for_while_there_is_no_session_is_asked_of_the_next_one() -> None:
    connection = Connection()
    stage = Stage([connection])
    stage.leg.send(events.create_response())
    running = stage.start()
    await until(lambda: stage.leg.connection)

    assert connection.sent == [b"brief", events.create_response()]
    running.cancel()


async def test_what_was_to_be_said_of_an_item_is_not_said_to_a_session_that_never_had_it() -> None:
    """The connection was lost while it was said, or breaks as it is."""
    first, second = Broken(), Connection()
    stage = Stage([first, second])
    stage.leg.send(events.truncate("i1", 200))
    running = stage.start()
    await until(lambda: stage.leg.connection)
    for event in (events.delete("i2"), events.message("system", "kept"), events.truncate("i3", 200)):
        stage.leg.send(event)
    first.incoming.put_nowait(RealtimeLost("gone", retriable=True))
    await until(lambda: second.sent)

    assert second.sent == [b"brief", events.message("system", "kept")]
    running.cancel()


async def test_only_the_last_ten_seconds_wait() -> None:
    """What was said long ago would only delay the answer."""
    connection = Connection()
    stage = Stage([connection])
    for number in range(600):
        stage.leg.hear(b"%04d" % number)

    running = stage.start()
    await until(lambda: stage.leg.connection)

    assert connection.sent[1:] == [events.append_audio(b"%04d" % number) for number in range(100, 600)]
    running.cancel()


async def test_only_the_last_fifty_events_wait() -> None:
    connection = Connection()
    stage = Stage([connection])
    for number in range(60):
        stage.leg.send(b"%d" % number)

    running = stage.start()
    await until(lambda: stage.leg.connection)

    assert connection.sent == [b"brief", *(b"%d" % number for number in range(10, 60))]
    running.cancel()


async def test_a_refusal_that_cannot_heal_is_final() -> None:
    """No second try with a wrong key."""
    stage = Stage([RealtimeLost("HTTP 401", retriable=False), Connection()])

    with pytest.raises(ModelFailed, match="401"):
        await stage.start()
    assert len(stage.outcomes) == 1


async def test_failures_that_may_heal_are_tried_for_as_long_as_a_caller_waits() -> None:
    """With a WARNING for each try."""
    stage = Stage([], model_retry=0.4)

    with capture_events() as said, pytest.raises(ModelUnreachable):
        await stage.start()

    assert [event.fields["attempt"] for event in said if event.event == "REALTIME_RETRY"] == [1, 2]


async def test_tries_come_at_longer_and_longer_distances_up_to_four_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a model that is away many calls ask at once."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 7:
            raise asyncio.CancelledError

    monkeypatch.setattr("prosaas_calls.model.leg.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await Stage([], model_retry=60.0).start()
    assert waited == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


async def test_a_session_that_never_answers_is_not_reopened_for_ever() -> None:
    """Each opens, and each is lost before it said anything."""
    flapping = [Connection() for _ in range(10)]
    for connection in flapping:
        connection.incoming.put_nowait(RealtimeLost("closed with 1011", retriable=True))
    stage = Stage(flapping)

    with capture_events() as said, pytest.raises(ModelUnreachable):
        await asyncio.wait_for(stage.start(), 5)
    assert len(stage.outcomes) == 7
    assert [event.fields["attempt"] for event in said if event.event == "REALTIME_RETRY"] == [1, 2, 3]


async def test_a_session_that_is_lost_twice_without_an_answer_is_opened_again_after_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first loss costs the caller nothing; a model that flaps has a moment to come back."""
    flapping = [Connection() for _ in range(3)]
    for connection in flapping:
        connection.incoming.put_nowait(RealtimeLost("closed with 1011", retriable=True))
    stage, left = Stage(flapping), []

    async def sleep(seconds: float) -> None:
        left.append((seconds, len(stage.outcomes)))

    monkeypatch.setattr("prosaas_calls.model.leg.asyncio.sleep", sleep)
    with pytest.raises(ModelUnreachable):
        await stage.start()
    assert left == [(1.0, 1)]


async def test_a_renewal_waits_for_nothing_however_often_the_model_was_lost_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next session stands already, and a caller may be about to speak."""
    flapping, old, new = [Connection() for _ in range(2)], Connection(), Connection()
    for connection in flapping:
        connection.incoming.put_nowait(RealtimeLost("closed with 1011", retriable=True))
    stage, left = Stage([*flapping, old, new]), list[float]()
    at_once = asyncio.sleep

    async def sleep(seconds: float) -> None:
        left.append(seconds)
        await at_once(0)

    monkeypatch.setattr("prosaas_calls.model.leg.asyncio.sleep", sleep)
    running = stage.start()
    while stage.leg.connection is not old:
        await at_once(0)
    stage.leg.renew_if_due(float("inf"))
    while stage.leg.connection is not new:
        await at_once(0)
    assert left == [1.0]
    running.cancel()


async def test_a_session_that_is_ended_for_good_is_not_opened_again() -> None:
    """The account may be closed in the midst of a call."""
    only = Connection()
    only.incoming.put_nowait(RealtimeLost("closed with 1008", retriable=False))
    stage = Stage([only, Connection()])

    with pytest.raises(ModelFailed, match="1008"):
        await stage.start()
    assert len(stage.outcomes) == 1


class Deaf(Connection):
    """A session that breaks as it is briefed."""

    def send(self, event: bytes) -> None:
        raise ConnectionResetError


async def test_a_session_that_breaks_as_it_is_briefed_is_replaced() -> None:
    second = Connection()
    stage = Stage([Deaf(), second])
    running = stage.start()
    await until(lambda: stage.leg.connection is second)

    assert second.sent == [b"brief"]
    running.cancel()


async def test_a_session_is_renewed_only_between_turns() -> None:
    """The next one is opened first; the change waits until nobody is in the middle of anything."""
    old, new = Connection(), Connection()
    stage = Stage([old, new])
    running = stage.start()
    await until(lambda: stage.leg.connection)
    stage.turns.created("r1")

    stage.leg.renew_if_due(float("inf"))
    await until(lambda: not stage.outcomes)
    assert not old.closed
    stage.turns.done("r1")
    await until(lambda: stage.leg.connection is new)

    assert old.closed
    assert new.sent == [b"brief"]
    assert stage.conversation.reconnections == 1
    running.cancel()


async def test_each_session_is_renewed_when_it_has_stood_for_its_time_and_not_before() -> None:
    """The one that came by a renewal as well as the first."""
    first, second, third = Connection(), Connection(), Connection()
    stage = Stage([first, second, third], model_renew=3300.0)
    running = stage.start()
    for old, new in ((first, second), (second, third)):
        await until(lambda: stage.leg.connection is old)  # noqa: B023
        stage.leg.renew_if_due(monotonic() + 3290)
        await asyncio.sleep(0)
        assert stage.outcomes[0] is new
        stage.leg.renew_if_due(monotonic() + 3301)
        await until(lambda: stage.leg.connection is new)  # noqa: B023
    running.cancel()


async def test_a_sessions_time_counts_from_when_it_was_opened() -> None:
    """As OpenAI counts it: not from when it got the call, for which it may have stood by."""
    old, new = Connection(opened_at=monotonic() - 240), Connection()
    stage = Stage([old, new], model_renew=3300.0)
    running = stage.start()
    await until(lambda: stage.leg.connection is old)
    stage.leg.renew_if_due(monotonic() + 3050)
    await asyncio.sleep(0)
    assert stage.outcomes == [new]
    stage.leg.renew_if_due(monotonic() + 3061)
    await until(lambda: stage.leg.connection is new)
    running.cancel()


async def test_one_renewal_is_under_way_at_a_time_and_none_without_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long the next session took to open is told."""
    clock, old, new = Clock(), Connection(), Connection()
    monkeypatch.setattr("prosaas_calls.model.leg.monotonic", clock)
    stage = Stage([old, new, Connection()])

    def opens_slowly() -> None:
        clock.now += 2.5

    stage.takes = opens_slowly
    stage.leg.renew_if_due(float("inf"))
    await asyncio.sleep(0)
    assert len(stage.outcomes) == 3

    running = stage.start()
    await until(lambda: stage.leg.connection is old)
    stage.turns.created("r1")
    with capture_events() as said:
        stage.leg.renew_if_due(float("inf"))
        stage.leg.renew_if_due(float("inf"))
        await asyncio.sleep(0)
        clock.now += 60.0
        stage.turns.done("r1")
        await until(lambda: stage.leg.connection is new)
    assert len(stage.outcomes) == 1
    assert [event.fields["ms"] for event in said if event.event == "REALTIME_RENEWED"] == [2500]
    running.cancel()


async def test_a_renewal_that_the_call_did_not_live_to_see_leaves_nothing_open() -> None:
    """The prepared session is closed with the call."""
    old, new = Connection(), Connection()
    stage = Stage([old, new])
    running = stage.start()
    await until(lambda: stage.leg.connection)
    stage.turns.created("r1")
    stage.leg.renew_if_due(float("inf"))
    await until(lambda: not stage.outcomes)

    running.cancel()

    await until(lambda: old.closed and new.closed)


async def test_a_renewal_that_fails_is_tried_again_later() -> None:
    """The old session is still good: half a minute later is soon enough, and then it is renewed."""
    old, new = Connection(), Connection()
    stage = Stage([old, RealtimeLost("busy", retriable=True), new])
    running = stage.start()
    await until(lambda: stage.leg.connection)

    with capture_events() as said:
        stage.leg.renew_if_due(float("inf"))
        await until(lambda: [event for event in said if event.event == "REALTIME_RETRY"])
        for later in (0.0, 25.0):
            stage.leg.renew_if_due(monotonic() + later)
            await asyncio.sleep(0)
        assert stage.leg.connection is old
        assert not old.closed
        assert stage.outcomes == [new]

        stage.leg.renew_if_due(monotonic() + 30.5)
        await until(lambda: stage.leg.connection is new)

    assert old.closed
    assert [event.event for event in said if event.event == "REALTIME_RENEWED"]
    assert [event.fields["attempt"] for event in said if event.event == "REALTIME_RETRY"] == [1]
    running.cancel()


async def test_a_session_that_waits_for_its_turn_is_closed_with_the_call() -> None:
    """The call ends between the goodbye to the old session and the first word to the new one."""
    old, new = Connection(), Connection()
    stage = Stage([old, new])
    old.close = asyncio.Event().wait  # type: ignore[assignment,method-assign]
    running = stage.start()
    await until(lambda: stage.leg.connection)
    stage.leg.renew_if_due(float("inf"))
    await until(lambda: stage.leg.connection is None)

    running.cancel()
    await until(lambda: new.closed)


async def test_losses_are_counted_from_the_last_answer() -> None:
    """A long call may lose its model many times, as long as it answers in between; twice in a row is enough."""
    connections = [Connection() for _ in range(20)]
    stage = Stage(connections)
    running = stage.start()
    for connection in connections[:8]:
        await until(lambda: stage.leg.connection is connection)  # noqa: B023
        stage.conversation.answered = True
        connection.incoming.put_nowait(RealtimeLost("gone", retriable=True))
    assert not running.done()

    for connection in connections[8:11]:
        await until(lambda: stage.leg.connection is connection or running.done())  # noqa: B023
        stage.conversation.answered = False
        connection.incoming.put_nowait(RealtimeLost("gone", retriable=True))
    with pytest.raises(ModelUnreachable):
        await asyncio.wait_for(running, 5)
    assert len(stage.outcomes) == 10


async def test_a_tools_answer_goes_to_the_session_that_asked_or_as_words_to_the_next() -> None:
    """A session refuses the answer to a question that it never asked, and the model would never learn of it."""
    first, second = Connection(), Connection()
    stage = Stage([first, second])
    running = stage.start()
    await until(lambda: stage.leg.connection is first)
    stage.leg.answer(first, b"output", otherwise=b"words")  # type: ignore[arg-type]
    assert first.sent[-1] == b"output"

    def broken(event: bytes) -> None:
        raise ConnectionResetError

    first.send = broken  # type: ignore[method-assign]
    # The connection is broken, but its reader has not had its turn.
    stage.leg.answer(first, b"late output", otherwise=b"late words")  # type: ignore[arg-type]
    first.incoming.put_nowait(RealtimeLost("gone", retriable=True))
    await until(lambda: stage.leg.connection is second)
    stage.leg.answer(first, b"later output", otherwise=b"later words")  # type: ignore[arg-type]

    assert second.sent == [b"brief", b"late words", b"later words"]
    running.cancel()
