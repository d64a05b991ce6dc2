"""What no event announces."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from calls_world.sockets import FakeSocket
from prosaas_calls.call.watchdog import Watchdog
from prosaas_calls.caller.playback import Piece, Playback
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.limits import Limits
from prosaas_calls.stats import CallStats
from prosaas_logging import capture_events


@dataclass
class Model:
    """A model's leg with, or without, a connection."""

    connection: Any = None
    renewals: list[float] = field(default_factory=list)

    def renew_if_due(self, now: float) -> None:
        self.renewals.append(now)


class Connection:
    def __init__(self) -> None:
        self.socket = FakeSocket()
        self.stuck_for = self.socket.stuck_for
        self.given_up: list[str] = []

    def give_up(self, why: str) -> None:
        self.given_up.append(why)


class Call:
    """The parts of a healthy call; each test makes one of them ill."""

    def __init__(self, **limits: Any) -> None:
        self.socket = FakeSocket()
        self.stuck_for = self.socket.stuck_for
        self.playback = Playback()
        self.last_frame_at = float("inf")
        self.model = Model(Connection())
        self.idle = self.silent = self.spent = 0.0
        self.noise = False
        self.unintelligible = self.sounds = self.committed = 0
        self.asked_to_wait = False
        self.nudged: list[int] = []
        self.left: list[tuple[str, EndReason]] = []
        healthy: dict[str, Any] = {
            "send": 60.0,
            "silent_stream": 60.0,
            "model_silence": 60.0,
            "idle": 60.0,
            "max_call": 60.0,
        }
        self.watchdog = Watchdog(
            limits=Limits(watch=0.01, **{**healthy, **limits}),
            stats=CallStats(),
            line=self,  # type: ignore[arg-type]
            caller=self,  # type: ignore[arg-type]
            model=self.model,  # type: ignore[arg-type]
            conversation=self,  # type: ignore[arg-type]
            floor=self,  # type: ignore[arg-type]
            nudge=self.nudged.append,
            meter=self,  # type: ignore[arg-type]
            leave=self._leave,
        )

    def noisy(self, now: float) -> bool:
        return self.noise

    def enough(self) -> None:
        self.noise = False
        self.committed += 1

    @property
    def pace(self) -> "Call":
        return self

    def idle_for(self, now: float) -> float:
        return self.idle

    def silent_for(self, now: float) -> float:
        return self.silent

    async def _leave(self, prompt: Any, reason: EndReason) -> None:
        self.left.append((prompt, reason))
        raise CallEnded(reason)

    async def end(self) -> EndReason:
        with pytest.raises(CallEnded) as ended:
            await asyncio.wait_for(self.watchdog.run(), 5)
        return ended.value.reason


async def test_a_send_that_waits_too_long_ends_the_call() -> None:
    """A caller's socket that no longer reads is half dead."""
    call = Call(send=0.05)
    call.socket.pause_writing()

    assert await call.end() is EndReason.CALLER_LOST


async def test_a_stream_without_frames_ends_the_call() -> None:
    """Twilio sends them for as long as the caller is there."""
    call = Call(silent_stream=0.05)
    call.last_frame_at = monotonic()

    assert await call.end() is EndReason.CALLER_LOST


@pytest.mark.parametrize("over", [False, True], ids=["at the bound", "over it"])
@pytest.mark.parametrize("what", ["a send", "frames", "silence", "time"])
async def test_what_is_as_long_as_it_may_be_is_not_too_long(
    monkeypatch: pytest.MonkeyPatch, what: str, over: bool
) -> None:
    call, now = Call(send=5.0, silent_stream=20.0, idle=45.0, max_call=1800.0, nudges=()), 1000.0
    much = float(over)
    monkeypatch.setattr(CallStats, "elapsed_ms", lambda _: 1_800_000 + over if what == "time" else 0)
    call.stuck_for = lambda now: 5.0 + much if what == "a send" else 0.0
    call.last_frame_at = now - 20.0 - much if what == "frames" else now
    call.idle = 45.0 + much if what == "silence" else 0.0
    with nullcontext() if not over else pytest.raises(CallEnded):
        await call.watchdog._look(now)


async def test_a_model_that_is_as_late_as_it_may_be_is_not_given_up() -> None:
    call = Call(send=5.0, model_silence=6.0)
    call.model.connection.stuck_for, call.silent = lambda _: 5.0, 6.0
    await call.watchdog._look(1000.0)
    assert (call.model.connection.given_up, call.model.renewals) == ([], [1000.0])


@pytest.mark.parametrize("sending", [True, False])
async def test_a_stream_that_died_says_whether_it_was_that_we_could_not_send(sending: bool) -> None:
    call = Call(send=5.0, silent_stream=20.0)
    call.stuck_for, call.last_frame_at = (lambda now: 6.0, 1000.0) if sending else (lambda now: 0.0, 900.0)
    with capture_events() as events, pytest.raises(CallEnded):
        await call.watchdog._look(1000.0)
    assert [event.fields["sending"] for event in events if event.level == "WARNING"] == [sending]


async def test_who_reads_along_sees_how_long_nobody_spoke_and_how_much_waits_to_be_heard() -> None:
    call = Call()
    call.idle = 3.26
    call.playback.sent(Piece(b"", 1600, "i1"))
    with capture_events() as events:
        await call.watchdog._look(1000.0)
    shown = {event.event: event.fields for event in events}
    assert (shown["WATCHDOG"]["idle_s"], shown["QUEUE_SIZE"]["size"]) == (3.3, 1600)


async def test_silence_on_both_sides_ends_the_call_with_a_sentence() -> None:
    """Nobody speaks and nobody is about to."""
    call = Call(idle=5.0)
    call.idle = 5.1

    assert await call.end() is EndReason.IDLE_TIMEOUT
    assert call.left == [("idle", EndReason.IDLE_TIMEOUT)]


async def test_the_longest_call_ends_with_a_sentence() -> None:
    """However lively it is."""
    call = Call(max_call=0.05)

    assert await call.end() is EndReason.MAX_DURATION
    assert call.left == [("limit", EndReason.MAX_DURATION)]


async def test_the_dearest_call_ends_with_a_sentence() -> None:
    """Whoever talks, it is the business that pays."""
    call = Call(max_cost=0.5, max_call=5.0)
    call.spent = 0.49
    ending = asyncio.create_task(call.end())
    await asyncio.sleep(0.05)
    assert not ending.done()
    call.spent = 0.5

    assert await ending is EndReason.LIMIT
    assert call.left == [("limit", EndReason.LIMIT)]


async def test_a_model_that_does_not_answer_is_given_up() -> None:
    """The call lives on: the model's leg connects anew."""
    call = Call(model_silence=1.0, max_call=0.05)
    call.silent = 1.5

    await call.end()

    assert set(call.model.connection.given_up) == {"it does not answer"}
    assert not call.model.renewals


async def test_a_model_that_does_not_read_is_given_up() -> None:
    """A send to it that waits is as bad as one to the caller."""
    call = Call(send=0.05, max_call=0.3)
    call.model.connection.socket.pause_writing()

    await call.end()

    assert "it does not read" in call.model.connection.given_up


async def test_a_healthy_model_is_asked_whether_its_time_is_up() -> None:
    """Without a connection there is nothing to ask."""
    call = Call(max_call=0.05)
    await call.end()
    assert call.model.renewals

    alone = Call(max_call=0.05)
    alone.model.connection = None
    await alone.end()
    assert not alone.model.renewals


async def test_a_silent_caller_is_asked_twice_whether_they_are_there() -> None:
    """What we say in between is no sign of life of theirs; the call ends when all of it was in vain."""
    call = Call(idle=45.0)
    for idle, nudged in ((7.5, []), (8.0, []), (8.1, [1]), (11.5, [1]), (12.0, [1, 2]), (20.0, [1, 2]), (24.9, [1, 2])):
        await call.watchdog._look_at_silence(idle)
        assert call.nudged == nudged

    with pytest.raises(CallEnded) as ended:
        await call.watchdog._look_at_silence(25.0)
    assert ended.value.reason is EndReason.IDLE_TIMEOUT


async def test_a_sound_of_the_callers_begins_the_count_anew() -> None:
    call = Call(idle=45.0)
    await call.watchdog._look_at_silence(9.0)
    call.sounds += 1
    await call.watchdog._look_at_silence(7.5)
    assert call.nudged == [1]
    await call.watchdog._look_at_silence(8.1)
    assert call.nudged == [1, 1]


async def test_who_asked_for_a_moment_gets_one() -> None:
    """Three times as long as anybody else."""
    call = Call(idle=45.0)
    call.asked_to_wait = True
    await call.watchdog._look_at_silence(23.0)
    assert not call.nudged
    await call.watchdog._look_at_silence(25.0)
    assert call.nudged == [1]


async def test_noise_is_committed_and_words_that_never_come_end_the_call() -> None:
    """A television answers no question."""
    call = Call(unintelligible=8)
    call.noise = True
    call.unintelligible = 8

    assert await call.end() is EndReason.IDLE_TIMEOUT
    assert call.committed == 1
