"""The service as a process of its own: its environment, its lines, its signals."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from calls_world.waiting import SAFETY_SECONDS
from calls_world.world import ENVIRON, SPEED, outside
from ports import free_port
from simulator.app import CONTROL
from simulator.control import CallOrder
from simulator.live import Note

SERVICES = Path(__file__).parents[2] / "services"


class ServiceProcess:
    """`python -m prosaas_calls`, with a simulated caller and a simulated model around it."""

    def __init__(self, process: asyncio.subprocess.Process, simulator: TestServer, port: int) -> None:
        self._process = process
        self._simulator = simulator
        self._reading = asyncio.create_task(self._read())
        self.port = port
        self.lines: list[str] = []
        self.notes: list[Note] = []

    async def call(self, overrides: Mapping[str, Any], **order: Any) -> dict[str, Any]:
        """Place one call and return what the caller lived through."""
        wanted = {"scenario": "demo", "speed": SPEED, "overrides": overrides, **order}
        place = self._simulator.app[CONTROL].place
        result: dict[str, Any] = await place(
            CallOrder(**wanted, calls_url=f"ws://127.0.0.1:{self.port}"), self.notes.append
        )
        return result

    async def ready(self) -> dict[str, Any]:
        """What /readyz says."""
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{self.port}/readyz") as response:
            body: dict[str, Any] = await response.json()
            return body

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def exit(self) -> int:
        """The exit status, once the process has ended and its last line was read."""
        async with asyncio.timeout(SAFETY_SECONDS):
            await self._reading
            return await self._process.wait()

    def of(self, call_sid: str) -> list[str]:
        """The lines of one call."""
        return [line for line in self.lines if call_sid in line]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode().rstrip("\n"))


@asynccontextmanager
async def service_process(folder: Path, **environ: str) -> AsyncIterator[ServiceProcess]:
    """A running service, whose journals are in `folder`/spool; killed in the end if it has not ended by itself."""
    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    port = free_port()
    async with outside({}) as (simulator, _settings):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "prosaas_calls"),
            env={
                **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
                **ENVIRON,
                "PYTHONPATH": str(SERVICES),
                "PYTHONUNBUFFERED": "1",
                "DEMO_URL": str(simulator.make_url("")).rstrip("/"),
                "PORT": str(port),
                "OPERATORS_PORT": "0",
                "SPOOL_DIR": str(spool),
                "LOG_BLACKBOX": str(folder / "blackbox"),
                "LOG_SWITCH_FILE": str(folder / "switch.json"),
                **environ,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        service = ServiceProcess(process, simulator, port)
        try:
            await _started(service)
            yield service
        finally:
            if process.returncode is None:
                process.kill()
            await service.exit()


async def _started(service: ServiceProcess) -> None:
    async with asyncio.timeout(SAFETY_SECONDS):
        while True:
            try:
                await service.ready()
                return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
