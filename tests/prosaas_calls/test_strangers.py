"""Who was shown out is told without being a flood."""

import asyncio

import pytest

from calls_world.waiting import until
from prosaas_calls import strangers as module
from prosaas_calls.strangers import Strangers
from prosaas_logging import EventRecord, capture_events


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.02)


def counted(events: list[EventRecord]) -> list[object]:
    return [event.fields["count"] for event in events if event.event == "STRANGERS_SHOWN_OUT"]


async def test_one_alone_is_told_as_they_come_and_counted_nowhere() -> None:
    strangers, said = Strangers(), list[str]()
    with capture_events() as events:
        strangers.shown_out("no start", said.append)
        await asyncio.sleep(0.1)
        strangers.shown_out("no start again", said.append)
        await asyncio.sleep(0.1)
    assert said == ["no start", "no start again"]
    assert counted(events) == []


async def test_those_of_the_second_after_are_told_together_each_once_and_with_the_last_reason() -> None:
    strangers, said = Strangers(), list[str]()
    with capture_events() as events:
        strangers.shown_out("first", said.append)
        strangers.shown_out("second", said.append)
        strangers.shown_out("third", said.append, count=3)
        await until(lambda: counted(events))
        strangers.shown_out("fourth", said.append)
        await until(lambda: len(counted(events)) == 2)
    assert said == ["first"]
    assert counted(events) == [4, 1]
    assert [event.fields["error"] for event in events if event.event == "STRANGERS_SHOWN_OUT"] == ["third", "fourth"]


async def test_the_next_line_is_due_a_second_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    waits: list[float] = []
    with monkeypatch.context() as patched:
        patched.setattr(asyncio.get_running_loop(), "call_later", lambda seconds, _: waits.append(seconds))
        Strangers().shown_out("no start", lambda _: None)
    assert waits == [1.0]


async def test_several_at_once_are_one_told_and_the_others_counted() -> None:
    strangers, said = Strangers(), list[str]()
    with capture_events() as events:
        strangers.shown_out("a crowd", said.append, count=7)
        await until(lambda: counted(events))
    assert (said, counted(events)) == (["a crowd"], [6])
