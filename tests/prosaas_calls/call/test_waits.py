"""When a caller who waits hears a word of comfort."""

import asyncio
from time import monotonic

import pytest

from calls_world.sockets import FakeSocket
from clocks import Clock
from prosaas_calls.call import waits as module
from prosaas_calls.call.waits import Waits
from prosaas_calls.caller.line import CallerLine
from prosaas_calls.ending import CallEnded, EndReason
from prosaas_calls.limits import Limits
from prosaas_calls.model.turns import Turns


class Stage:
    """A caller's line, and whose turn it is."""

    def __init__(self, **limits: float) -> None:
        self.turns, self.line = Turns(), CallerLine(FakeSocket(), "MZ1", prompt_grace=1.0)
        self.comforted = asyncio.Event()
        self.waits = Waits(limits=Limits(**limits), turns=self.turns, line=self.line, comfort=self._comfort)  # type: ignore[arg-type]

    async def _comfort(self) -> None:
        self.comforted.set()

    def due_after(self, *seconds: float) -> list[bool]:
        """Look at these moments of the clock."""
        began = self.waits._quiet_since
        return [self.waits.due(began + each) for each in seconds]


def test_a_caller_who_waits_for_an_answer_is_comforted_after_two_and_a_half_seconds() -> None:
    stage = Stage()
    stage.turns.want()

    assert stage.due_after(0.5, 2.4, 2.6) == [False, False, True]


def test_a_slow_tool_is_a_wait_like_any_other() -> None:
    stage = Stage()
    stage.turns.created("r1")
    stage.turns.work_begins()
    stage.turns.done("r1")

    assert stage.due_after(2.6) == [True]


def test_who_hears_something_does_not_wait() -> None:
    """A preamble is heard, and only then the silence begins."""
    stage = Stage()
    stage.turns.work_begins()
    stage.line.play(b"AAAA", 1600, "i1")

    heard = monotonic() + 60
    assert not stage.waits.due(heard)
    stage.line.cut()
    assert [stage.waits.due(heard + each) for each in (2.4, 2.6)] == [False, True]


def test_who_speaks_or_is_owed_nothing_does_not_wait() -> None:
    stage = Stage()
    assert stage.due_after(9.0) == [False]
    stage.turns.want()
    stage.turns.caller_starts()
    assert stage.due_after(9.0) == [False]


async def test_the_next_word_of_comfort_comes_later_than_the_first() -> None:
    stage = Stage(comfort=0.0, comfort_look=0.001)
    stage.turns.want()
    watching = asyncio.create_task(stage.waits.run())
    await asyncio.wait_for(stage.comforted.wait(), 5)

    assert stage.due_after(5.9, 6.1) == [False, True]
    watching.cancel()


async def test_the_next_word_is_waited_for_from_the_end_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which takes its time, and is no silence."""
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    stage = Stage(comfort_look=0.001)

    async def comfort() -> None:
        clock.now += 5
        stage.comforted.set()

    stage.waits._comfort = comfort
    stage.turns.want()
    clock.now += 3
    watching = asyncio.create_task(stage.waits.run())
    await asyncio.wait_for(stage.comforted.wait(), 5)
    watching.cancel()
    assert [stage.waits.due(clock.now + each) for each in (6.0, 6.1)] == [False, True]


async def test_a_wait_for_the_next_answer_is_a_new_one() -> None:
    """However long all was settled in between, and however often the caller was comforted before."""
    stage = Stage(comfort_look=0.001)
    stage.turns.want()
    stage.waits._quiet_since -= 3
    watching = asyncio.create_task(stage.waits.run())
    await asyncio.wait_for(stage.comforted.wait(), 5)
    watching.cancel()
    stage.turns.unwant()
    settled = monotonic() + 60
    assert not stage.waits.due(settled)
    stage.turns.want()

    assert [stage.waits.due(settled + each) for each in (2.4, 2.6)] == [False, True]


async def test_a_comfort_that_fails_is_the_calls_failure() -> None:
    """The caller hung up while nobody answered: the call learns of it."""
    stage = Stage(comfort=0.0, comfort_look=0.001)

    async def fail() -> None:
        raise CallEnded(EndReason.CUSTOMER_HANGUP)

    stage.waits._comfort = fail
    stage.turns.want()
    with pytest.raises(CallEnded):
        await asyncio.wait_for(stage.waits.run(), 5)
