"""A tool that the model has called, whatever becomes of the call around it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from calls_world.waiting import until
from prosaas_calls.call import tool_calls
from prosaas_calls.call.history import History
from prosaas_calls.call.promises import Promises
from prosaas_calls.call.tool_calls import ToolCalls
from prosaas_calls.caller.playback import Playback
from prosaas_calls.ending import EndReason
from prosaas_calls.limits import Limits
from prosaas_calls.model.events import Item
from prosaas_calls.model.turns import Turns
from prosaas_calls.stats import CallStats
from prosaas_calls.tools.base import Answer

BOOKED = Answer("booked", "-", wrote=31)


class Stage:
    """A call's tools, with a model that notes what it is told and a parting that notes what it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, run: Callable[[], Awaitable[Answer]], **limits: float) -> None:
        async def use(context: object, name: str, arguments: str, *, limit: float) -> Answer:
            return await run()

        monkeypatch.setattr(tool_calls, "use", use)
        self.connection = object()
        self.told: list[Any] = []
        self.asked: list[bool] = []
        self.parted: list[EndReason] = []
        self.said = asyncio.Event()
        self.turns, self.stats, self.history = Turns(), CallStats(), History(lambda: 0)
        self.promises = Promises(self.history, self.turns, Playback())
        self.running: list[asyncio.Task[None]] = []
        around: dict[str, Any] = {"model": self, "parting": self, "context": self.context}
        self.calls = ToolCalls(
            limits=Limits(**limits),  # type: ignore[arg-type]
            turns=self.turns,
            stats=self.stats,
            history=self.history,
            promises=self.promises,
            ask_if_due=lambda: self.asked.append(self.turns.may_ask),
            spawn=lambda work: self.running.append(asyncio.create_task(work)),
            **around,
        )

    async def context(self) -> None: ...

    def use(self, name: str = "book_appointment") -> None:
        call = Item(id="i1", type="function_call", call_id=f"c{self.stats.tools}", name=name, arguments="{}")
        self.calls.use(call)

    def answer(self, asked_on: object, output: bytes, *, otherwise: bytes) -> None:
        self.told.append((asked_on, json.loads(output)["item"], json.loads(otherwise)["item"]))

    async def last_words(self) -> None:
        await self.said.wait()

    async def part(self, reason: EndReason) -> None:
        self.parted.append(reason)


async def test_a_tool_that_was_called_as_the_caller_hung_up_is_done_though_nothing_of_the_call_came_to_run_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that belongs to the call is cancelled before it takes its first step."""

    async def run() -> Answer:
        await asyncio.sleep(0)
        return BOOKED

    stage = Stage(monkeypatch, run)
    stage.use()
    stage.running[0].cancel()
    await stage.calls.settle()
    assert stage.promises.deeds == [{"tool": "book_appointment", "id": 31}]


async def test_a_tool_that_does_not_come_to_its_end_is_cut_off_a_moment_after_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for it longer; one that answers within that moment has done what it was to do."""
    cut_off = asyncio.Event()

    async def run() -> Answer:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut_off.set()
            raise
        raise AssertionError

    stage = Stage(monkeypatch, run, settle=0.01)
    stage.use()
    await asyncio.sleep(0)
    await asyncio.wait_for(stage.calls.settle(), 5)
    await asyncio.wait_for(cut_off.wait(), 5)
    assert stage.promises.deeds == []


async def test_what_a_tool_was_committing_as_it_was_cut_off_is_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done: who is to be held to their promise has kept it."""

    async def run() -> Answer:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # The database's answer takes a few turns.
            for _ in range(50):
                await asyncio.sleep(0)
        return BOOKED

    stage = Stage(monkeypatch, run, settle=0.4)
    stage.use()
    await stage.calls.settle()
    assert stage.promises.deeds == [{"tool": "book_appointment", "id": 31}]


async def test_while_a_tool_runs_nobody_asks_the_model_and_then_it_is_told_and_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it spoke before or not. The session that asked is told the answer, another one in words what was done."""
    answered = asyncio.Event()

    async def run() -> Answer:
        await answered.wait()
        return BOOKED

    stage = Stage(monkeypatch, run)
    stage.turns.spoke = True
    stage.use()
    stage.turns.want()
    assert not stage.turns.may_ask
    stage.turns.unwant()
    assert stage.stats.tools == 1
    stage.history.words("m1", "ai", "קבעתי לכם תור ליום שלישי בעשר.")
    stage.promises.said("m1")
    stage.promises.judge()
    answered.set()
    await until(lambda: stage.asked)

    assert stage.asked == [True]
    ((asked_on, output, otherwise),) = stage.told
    assert asked_on is stage.connection
    assert (output["call_id"], output["output"]) == ("c0", "booked")
    done = "book_appointment({}): booked"
    assert (otherwise["role"], otherwise["content"][0]["text"]) == ("system", done)
    assert list(stage.history.told())[-1] == ("system", done)
    assert stage.parted == []
    assert not stage.promises.unkept


async def test_a_promise_is_judged_as_soon_as_the_tool_that_was_to_keep_it_has_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> Answer:
        return Answer("closed", "-", refused=True)

    stage = Stage(monkeypatch, run)
    stage.use()
    stage.history.words("m1", "ai", "קבעתי לכם תור ליום שלישי בעשר.")
    stage.promises.said("m1")
    stage.promises.judge()
    assert not stage.promises.unkept
    await until(lambda: stage.asked)
    assert stage.promises.unkept


@pytest.mark.parametrize("spoke", [False, True], ids=["called in silence", "called with its last words"])
async def test_a_call_is_parted_from_after_the_last_words_which_are_asked_for_where_none_were_said(
    monkeypatch: pytest.MonkeyPatch, spoke: bool
) -> None:
    async def run() -> Answer:
        return Answer("-", "-", then=EndReason.AGENT_ENDED)

    stage = Stage(monkeypatch, run)
    stage.turns.spoke = spoke
    stage.use("end_call")
    await until(lambda: stage.asked)
    assert stage.asked == [not spoke]
    assert stage.parted == []
    stage.said.set()
    await asyncio.wait_for(stage.running[0], 5)
    assert stage.parted == [EndReason.AGENT_ENDED]


async def test_a_parting_is_withdrawn_by_the_next_tool_that_the_model_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Answer("-", "-", then=EndReason.AGENT_ENDED), Answer("stays", "-")]

    async def run() -> Answer:
        return answers.pop(0)

    stage = Stage(monkeypatch, run)
    stage.use("end_call")
    await until(lambda: stage.asked)
    stage.use("stay_on_the_line")
    stage.said.set()
    await asyncio.wait_for(asyncio.gather(*stage.running), 5)
    assert stage.parted == []
    assert stage.stats.tools == 2
