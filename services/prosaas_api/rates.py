"""Rate limits for each key: how many requests a second, how many may wait.

One key's load does not slow another's, and that of made-up keys slows nobody who has shown a good one.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from prosaas_api.problems import Problem

PER_S = 20.0
BURST = 100
# At once, of one key and of all; the others wait their turn.
ABREAST = 2
ABREAST_OF_ALL = 4
LONGEST_LINE = 100

T = TypeVar("T")


class Lane:
    """What one key has used up; a generic cell rate, so that a number is all there is to remember."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(ABREAST)
        self.inside = 0
        self._free_at = 0.0

    def wait_s(self, now: float) -> float:
        """Seconds until this key may ask again, 0 for now; a question that may be asked is counted."""
        free_at = max(self._free_at, now)
        ahead = free_at - now - (BURST - 1) / PER_S
        if ahead > 0:
            return ahead
        self._free_at = free_at + 1 / PER_S
        return 0


class Line:
    """Those who wait to be told whose their key is, one question at a time; of too many, one by lot is sent away.

    Were it whoever comes last, who asks again at once would keep out for good whoever waits before they do.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting: list[asyncio.Timeout] = []

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, or for a 429."""
        try:
            async with asyncio.timeout(None) as patience:
                self._waiting.append(patience)
                if len(self._waiting) > LONGEST_LINE:
                    self._waiting.pop(random.randrange(len(self._waiting))).reschedule(0)
                try:
                    await self._turn.acquire()
                finally:
                    if patience in self._waiting:
                        self._waiting.remove(patience)
        except TimeoutError:
            detail = "too many wait to be told whose their key is"
            raise Problem(429, detail, headers={"Retry-After": "1"}) from None
        try:
            yield
        finally:
            self._turn.release()


class Rates:
    """A lane for each key that is one: a made-up key gets none, so that they are as few as the keys."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._all = asyncio.Semaphore(ABREAST_OF_ALL)
        self._good: dict[str, Line] = {}
        self._strange = Line()

    async def asked(self, key: str, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """What *ask* finds of the key, one question at a time.

        A key that was good at its last question waits for its own questions alone; all others, which anybody can make
        up by the thousand, for each other: a 429 for one of them where their line is too long. All of them waiting
        would be more connections than we have, also for callers; and who is new and good among them gets in by and by.
        """
        async with self._good.get(key, self._strange).turn():
            found = await ask()
        if found is None:
            self._good.pop(key, None)
        else:
            self._good.setdefault(key, Line())
        return found

    @asynccontextmanager
    async def turn(self, key: str, *, paced: bool) -> AsyncIterator[asyncio.Semaphore]:
        """Wait for a place of the key's own; a 429 with Retry-After for who asks too fast or has too many in line.

        What it gives is the place among all, to be waited for once the body is here: one that is slow to come is the
        key's own trouble.
        """
        lane = self._lanes.setdefault(key, Lane())
        wait_s = lane.wait_s(time.monotonic()) if paced else 0
        if wait_s or lane.inside >= LONGEST_LINE:
            detail = f"more than {PER_S:.0f} requests a second with this key"
            raise Problem(429, detail, headers={"Retry-After": str(math.ceil(wait_s) or 1)})
        lane.inside += 1
        try:
            async with lane.turns:
                yield self._all
        finally:
            lane.inside -= 1
