"""The simulator, the reference bridge, and calls between the two."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession
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

    async def call(self, overrides: Mapping[str, Any] | None = None, **order: Any) -> dict[str, Any]:
        """Place one call and return its result."""
        wanted = {"scenario": "demo", "speed": SPEED, "overrides": overrides or {}, **order}
        return await self.simulator.app[CONTROL].place(CallOrder(**wanted), self.notes.append)

    def noted(self, what: str) -> list[Note]:
        """Return the notes of one kind."""
        return [note for note in self.notes if note["what"] == what]

    def url(self, path: str) -> str:
        """Return an address in the simulator."""
        return str(self.simulator.make_url(path))
