"""The simulator, the reference bridge, and calls between the two."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession, encode_basic_auth
from aiohttp.test_utils import TestServer

from simulator.app import CONTROL
from simulator.control import CallOrder
from simulator.live import Note
from simulator_world.bridge import Bridge

TOKEN = "twilio-token"
META_SECRET = "meta-secret"
PUBLIC_URL = "https://phone.example"
SPEED = 12.0


class World:
    """Everything running, and shorthand for what tests do with it."""

    def __init__(self, simulator: TestServer, bridge: Bridge, http: ClientSession) -> None:
        self.simulator = simulator
        self.bridge = bridge
        self.http = http
        self.notes: list[Note] = []
        self._seen: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def call(self, overrides: Mapping[str, Any] | None = None, **order: Any) -> dict[str, Any]:
        """Place one call and return its result."""
        wanted = {"scenario": "demo", "speed": SPEED, "overrides": overrides or {}, **order}
        return await self.simulator.app[CONTROL].place(CallOrder(**wanted), self._note)

    def _note(self, note: Note) -> None:
        self.notes.append(note)
        self._seen[note["what"]].set()

    def noted(self, what: str) -> list[Note]:
        """Return the notes of one kind."""
        return [note for note in self.notes if note["what"] == what]

    async def seen(self, what: str) -> None:
        """Wait until something of this kind was noted."""
        async with asyncio.timeout(10):
            await self._seen[what].wait()

    async def update_call(self, call_sid: str, form: Mapping[str, str]) -> int:
        """Update a live call through Twilio's REST interface; return the status."""
        headers = {"Authorization": encode_basic_auth("AC1", TOKEN)}
        path = f"/2010-04-01/Accounts/AC1/Calls/{call_sid}.json"
        async with self.http.post(self.url(path), data=form, headers=headers) as response:
            return response.status

    def url(self, path: str) -> str:
        """Return an address in the simulator."""
        return str(self.simulator.make_url(path))
