"""A tool that the model has called, whatever becomes of the call around it."""

import asyncio
from typing import Any

import pytest

from prosaas_calls.call import tool_calls
from prosaas_calls.call.history import History
from prosaas_calls.call.promises import Promises
from prosaas_calls.call.tool_calls import ToolCalls
from prosaas_calls.caller.playback import Playback
from prosaas_calls.limits import Limits
from prosaas_calls.model.events import Item
from prosaas_calls.model.turns import Turns
from prosaas_calls.stats import CallStats
from prosaas_calls.tools.base import Answer


class Model:
    connection = None


async def test_a_tool_that_was_called_as_the_caller_hung_up_is_done_though_nothing_of_the_call_came_to_run_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that belongs to the call is cancelled before it takes its first step."""

    async def use(context: object, name: str, arguments: str, *, limit: float) -> Answer:
        await asyncio.sleep(0)
        return Answer("booked", "-", wrote=31)

    monkeypatch.setattr(tool_calls, "use", use)
    history, turns = History(lambda: 0), Turns()
    promises = Promises(history, turns, Playback())
    around: dict[str, Any] = {"model": Model(), "parting": None, "context": lambda: None}
    calls = ToolCalls(
        limits=Limits(),
        turns=turns,
        stats=CallStats(),
        history=history,
        promises=promises,
        ask_if_due=lambda: None,
        spawn=lambda work: asyncio.create_task(work).cancel(),
        **around,
    )
    calls.use(Item(id="i1", type="function_call", call_id="c1", name="book_appointment", arguments="{}"))
    await calls.settle()
    assert promises.deeds == [{"tool": "book_appointment", "id": 31}]
