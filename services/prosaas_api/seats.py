"""Which prosaas-calls takes the next call: of all that DNS names the ready one with the fewest."""

import asyncio
import re
import socket
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import httpx

from prosaas_core.settings import Settings
from prosaas_logging import get_logger

TIMEOUT_S = 0.3
FRESH_S = 0.5
# One that is in DNS and too busy to answer is as it last said: without a seat a call would go to any, draining or not.
REMEMBERED_S = 10.0
# Replicas and generations of one host; more than these are not asked.
MOST_SEATS = 64

Door: TypeAlias = Literal["open", "draining", "full"]

# A container's own name, which the front door finds in the engine's DNS and nowhere else.
_SEAT = re.compile(r"[0-9a-f]{12}")

log = get_logger(__name__)


@dataclass(slots=True)
class Seat:
    """One prosaas-calls as it last said itself; `name` is empty where no front door could lead to it by name.

    One that is `silent` did not answer when it was last asked: it is busy, or its machine is gone.
    """

    name: str
    status: str
    active: int
    capacity: int
    silent: bool = False

    @property
    def says(self) -> str:
        """Its status, with those whom we led there since."""
        return "full" if self.status == "ready" and self.active >= self.capacity else self.status


class Seats:
    """Asks each prosaas-calls, at most twice a second however many calls come in."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        asked = urlsplit(settings.calls_internal_url)
        self._scheme, self._host, self._port = asked.scheme, asked.hostname or "", asked.port or 80
        # Where calls have an address of their own, no front door of ours stands before them.
        self._named = settings.calls_public_url == settings.public_url
        self._client = client
        self._lock = asyncio.Lock()
        self._seats: list[Seat] = []
        self._said: dict[str, tuple[float, Seat]] = {}
        self._asked_at = float("-inf")
        # Whom we led where since: the front door asks again for one whose answer it did not get.
        self._led: dict[str, Seat] = {}

    async def state(self, call_sid: str = "") -> Door:
        """Open, draining or full; for a call that was just led to a place, open.

        Without an answer it is open: the TwiML has a sentence for a failing stream.
        """
        async with self._lock:
            if time.monotonic() - self._asked_at >= FRESH_S:
                self._seats = await self._ask()
                self._asked_at = time.monotonic()
                self._led = {}
        said = {seat.says for seat in self._reached}
        if not said or "ready" in said or call_sid in self._led:
            return "open"
        return "full" if "full" in said else "draining"

    def take(self, call_sid: str) -> str:
        """The name of the seat that gets this call; "" where any will do. Of the last `state`.

        Asked again, it is the same one, and the call is counted there once.
        """
        if led := self._led.get(call_sid):
            return led.name
        ready = [seat for seat in self._reached if seat.says == "ready"]
        if not ready:
            return ""
        best = min(ready, key=lambda seat: seat.active)
        best.active += 1
        self._led[call_sid] = best
        return best.name

    def knows(self, name: str) -> bool:
        """Whether a seat of that name was there at the last `state`; one that is gone holds no call any more."""
        return any(seat.name == name for seat in self._seats if name)

    @property
    def _reached(self) -> list[Seat]:
        """Those that answer; where none of the ready ones does, also those that are silent."""
        answering = [seat for seat in self._seats if not seat.silent]
        return answering if {seat.says for seat in answering} - {"draining"} else self._seats

    async def _ask(self) -> list[Seat]:
        try:
            found = await asyncio.wait_for(
                asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM), TIMEOUT_S
            )
        except (OSError, TimeoutError) as error:
            log.warning("prosaas-calls is not to be found", error=f"{type(error).__name__}: {error}")
            # For a moment all are where they were: a call without a seat would go to any, one that drains among them.
            return self._remembered(set())
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MOST_SEATS]
        answered = await asyncio.gather(*map(self._ask_one, addresses))
        now = time.monotonic()
        said = {address: (now, seat) for address, seat in zip(addresses, answered, strict=True) if seat is not None}
        before = {address: self._said[address] for address in addresses if address in self._said}
        self._said = before | said
        return self._remembered(said)

    def _remembered(self, answered: Collection[str]) -> list[Seat]:
        now = time.monotonic()
        self._said = {address: one for address, one in self._said.items() if now - one[0] < REMEMBERED_S}
        for address, (_, seat) in self._said.items():
            seat.silent = address not in answered
        answers = [seat for _, seat in self._said.values()]
        # A container in two networks of ours has two addresses.
        return list({seat.name or str(number): seat for number, seat in enumerate(answers)}.values())

    async def _ask_one(self, address: str) -> Seat | None:
        host = f"[{address}]" if ":" in address else address
        try:
            # httpx has a time for each step alone.
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._client.get(f"{self._scheme}://{host}:{self._port}/readyz", timeout=TIMEOUT_S)
            said = response.json()
            name = str(said.get("seat", ""))
            named = self._named and _SEAT.fullmatch(name)
            active, capacity = int(said.get("active", 0)), int(said.get("capacity", sys.maxsize))
            return Seat(name if named else "", str(said["status"]), active, capacity)
        except (httpx.HTTPError, TimeoutError, ValueError, LookupError, TypeError, AttributeError) as error:
            # One that ends just now is in DNS for another moment: only the others' silence is worth a warning.
            log.debug("a prosaas-calls does not say whether it takes calls", error=f"{type(error).__name__}: {error}")
            return None
