"""No wait of a caller is silent: one rule for the model, its tools and its connection."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from prosaas_calls.caller.line import CallerLine
from prosaas_calls.limits import Limits
from prosaas_calls.model.turns import Turns


class Waits:
    """Says a word of comfort when something is due to the caller and they have heard nothing for a while.

    It looks a few times a second rather than being told: what a caller waits for has many beginnings and ends.
    """

    def __init__(
        self, *, limits: Limits, turns: Turns, line: CallerLine, comfort: Callable[[], Awaitable[None]]
    ) -> None:
        self._limits = limits
        self._turns = turns
        self._line = line
        self._comfort = comfort
        self._quiet_since = monotonic()
        self._patience = limits.comfort

    async def run(self) -> None:
        """Watch until the call ends."""
        while True:
            await asyncio.sleep(self._limits.comfort_look)
            if self.due(monotonic()):
                await self._comfort()
                self._quiet_since = monotonic()
                self._patience = self._limits.comfort_again

    def due(self, now: float) -> bool:
        """Whether the caller has waited so long, in silence, that they have to hear something."""
        if self._line.playback.holding or self._turns.caller_speaking:
            self._quiet_since = now
            return False
        if self._turns.settled.is_set():
            self._quiet_since = now
            self._patience = self._limits.comfort
            return False
        return now - self._quiet_since > self._patience
