"""A world for each of the simulator's tests."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from simulator.app import make_app
from simulator.settings import Settings
from simulator_world.bridge import Bridge
from simulator_world.world import META_SECRET, PUBLIC_URL, TOKEN, World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    bridge = Bridge("")
    service = TestServer(bridge.app())
    await service.start_server()
    base = str(service.make_url("")).rstrip("/")
    settings = Settings(
        api_url=base,
        calls_url=base.replace("http", "ws"),
        public_url=PUBLIC_URL,
        twilio_token=TOKEN,
        meta_secret=META_SECRET,
    )
    simulator = TestServer(make_app(settings))
    await simulator.start_server()
    bridge.realtime_url = str(simulator.make_url("/v1/realtime?model=gpt-realtime-2.1"))
    async with ClientSession() as http:
        yield World(simulator, bridge, http)
    await simulator.close()
    await service.close()
