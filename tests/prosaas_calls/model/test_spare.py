"""A connection that stands before anybody calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from calls_world.waiting import until
from calls_world.world import calls_world
from prosaas_calls.model import spare
from prosaas_calls.model.realtime import RealtimeLost
from prosaas_calls.model.spare import Spare
from prosaas_logging import capture_events


class Connection:
    """A session on paper."""

    def __init__(self) -> None:
        self.stands = True

    def give_up(self, why: str) -> None:
        self.stands = False

    async def close(self) -> None:
        self.stands = False


class Model:
    """Makes connections while it is there."""

    def __init__(self) -> None:
        self.made: list[Connection] = []
        self.away = False
        self.asked = 0

    async def connect(self) -> Any:
        self.asked += 1
        if self.away:
            raise RealtimeLost("refused", retriable=True)
        self.made.append(Connection())
        return self.made[-1]

    def has_made(self, count: int) -> bool:
        return len(self.made) == count

    @property
    def standing(self) -> int:
        return sum(connection.stands for connection in self.made)


@asynccontextmanager
async def kept(model: Model) -> AsyncIterator[Spare]:
    """A spare that stands."""
    beside = Spare(model.connect)
    running = asyncio.create_task(beside.run())
    await until(lambda: model.made)
    try:
        yield beside
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_who_calls_gets_the_one_that_stands_and_the_next_is_made_at_once() -> None:
    model = Model()
    async with kept(model) as beside:
        for number in range(3):
            await until(partial(model.has_made, number + 1))
            assert await beside.take() is model.made[number]
        await until(lambda: len(model.made) == 4)
    assert model.standing == 3


async def test_one_that_the_model_has_ended_is_nobodys() -> None:
    """It went unnoticed, for nobody reads from it: the caller gets a new one."""
    model = Model()
    async with kept(model) as beside:
        model.made[0].stands = False
        assert await beside.take() is model.made[1]


async def test_one_that_has_stood_for_minutes_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session's hour runs, and a call has to have most of it."""
    monkeypatch.setattr(spare, "_GOOD_FOR_S", 0.05)
    monkeypatch.setattr(spare, "_LOOK_S", 0.01)
    model = Model()
    async with kept(model):
        await until(lambda: len(model.made) >= 3)
        assert model.standing <= 1


async def test_one_that_has_stood_too_long_as_it_is_taken_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else would ever end it."""
    model = Model()
    async with kept(model) as beside:
        monkeypatch.setattr(spare, "_GOOD_FOR_S", 0.0)
        taken: Any = await beside.take()
        assert taken is model.made[1]
        assert not model.made[0].stands


async def test_while_none_is_to_be_had_calls_do_not_make_it_ask_sooner() -> None:
    """A model that is away is asked by each call, and beside them once in a while."""
    model = Model()
    async with kept(model) as beside:
        model.away = True
        with capture_events() as events:
            await beside.take()
            await until(lambda: model.asked == 2)
            for _ in range(3):
                with pytest.raises(RealtimeLost):
                    await beside.take()
                for _ in range(5):
                    await asyncio.sleep(0)
    assert model.asked == 5
    assert {event.level for event in events if "no spare connection" in event.line} == {"DEBUG"}


async def test_while_none_is_to_be_had_each_call_learns_it_for_itself_and_then_there_is_one_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spare, "_LOOK_S", 0.01)
    model = Model()
    async with kept(model) as beside:
        model.away = True
        await beside.take()
        with pytest.raises(RealtimeLost):
            await beside.take()
        model.away = False
        await until(lambda: len(model.made) == 2)
        assert await beside.take() is model.made[1]


async def test_the_first_caller_of_all_does_not_wait_for_a_connection() -> None:
    """Nobody can connect any more; the greeting, which nobody has kept, is heard over a connection made before."""
    talk = {"turns": [{"caller": "שלום", "agent": "שלום, במה אפשר לעזור?"}]}
    async with calls_world(spare=True) as world:
        await world.faults(realtime={"connect_delay_ms": 300})
        (await world.spare.take()).give_up("it was made before the model became slow")
        await until(lambda: world.spare.ready)
        await world.faults(realtime={"refuse": 1000})
        with capture_events() as events:
            result = await world.call(talk)
            await until(lambda: world.store.records)
    assert result["ok"], result["problems"]
    assert world.store.records[0].metrics["first_audio_ms"] is not None
    # What connecting took is told all the same: that is how a slow way to the model is noticed.
    (connected,) = [event for event in events if event.event == "REALTIME_CONNECTED"]
    assert 300 <= int(str(connected.fields["ms"])) < 60_000
