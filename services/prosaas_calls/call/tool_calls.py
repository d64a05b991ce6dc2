"""The tools that the model calls: each runs to its end, also when the caller hangs up, and the model is told."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from prosaas_calls.call.history import History
from prosaas_calls.call.parting import Parting
from prosaas_calls.call.promises import Promises
from prosaas_calls.limits import Limits
from prosaas_calls.model import events
from prosaas_calls.model.events import Item
from prosaas_calls.model.leg import ModelLeg
from prosaas_calls.model.realtime import RealtimeConnection
from prosaas_calls.model.turns import Turns
from prosaas_calls.stats import CallStats
from prosaas_calls.tools.base import Answer, ToolContext
from prosaas_calls.tools.use import use

# The share of the moment in which tools settle that a commit has which the cut finds under way.
_AFTER_THE_CUT = 0.25


class ToolCalls:
    """The tools of one call, while they run and as they answer."""

    def __init__(
        self,
        *,
        limits: Limits,
        context: Callable[[], Awaitable[ToolContext]],
        model: ModelLeg,
        turns: Turns,
        stats: CallStats,
        history: History,
        promises: Promises,
        parting: Parting,
        ask_if_due: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._limits = limits
        self._context = context
        self._model = model
        self._turns = turns
        self._stats = stats
        self._history = history
        self._promises = promises
        self._parting = parting
        self._ask_if_due = ask_if_due
        self._spawn = spawn
        self._works: list[asyncio.Task[Answer]] = []

    def use(self, item: Item) -> None:
        """Begin it: until it has answered, and the model knows, nobody else asks the model."""
        self._turns.work_begins()
        self._promises.begins()
        self._stats.tools += 1
        # What was agreed is done, also for a caller who hangs up at once; settle() waits for it.
        work = asyncio.create_task(self._do(item))
        self._works.append(work)
        asked_on, number, spoke = self._model.connection, self._stats.tools, self._turns.spoke
        self._spawn(self._run(item, work, asked_on, number=number, spoke=spoke))

    async def settle(self) -> None:
        """Let the tools that still run when the call is over come to their end, for a moment; then cut them off."""
        if not self._works:
            return
        moment = self._limits.settle
        await asyncio.wait(self._works, timeout=moment * (1 - _AFTER_THE_CUT))
        await self.cut(moment * _AFTER_THE_CUT)

    async def cut(self, moment: float) -> None:
        """Cut off what still runs: what was being committed then is done all the same, and belongs into the record."""
        for work in self._works:
            work.cancel()
        if self._works:
            await asyncio.wait(self._works, timeout=moment)

    async def _run(
        self,
        item: Item,
        work: asyncio.Task[Answer],
        asked_on: RealtimeConnection | None,
        *,
        number: int,
        spoke: bool,
    ) -> None:
        answer = await asyncio.shield(work)
        said = f"{item.name}({item.arguments}): {answer.text}"
        self._model.answer(
            asked_on, events.tool_output(item.call_id, answer.text), otherwise=events.message("system", said)
        )
        self._history.done(item.call_id, said)
        self._promises.judge()
        if answer.then is None or not spoke:
            self._turns.want()
        self._turns.work_ends()
        self._ask_if_due()
        if answer.then is not None:
            await self._parting.last_words()
            # Only the model withdraws what it decided, by calling another tool: a "thank you" over a goodbye does not.
            if self._stats.tools == number:
                await self._parting.part(answer.then)

    async def _do(self, item: Item) -> Answer:
        answer = await use(await self._context(), item.name, item.arguments, limit=self._limits.tool)
        self._promises.done(item.name, answer)
        return answer
