"""Starts what is measured on a core of its own, and puts load on it from another."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from bench.database import PRODUCT_CORE
from otlp_world import Receiver
from ports import free_port
from prosaas_core.database import make_engine, transaction
from prosaas_core.demo import seed
from prosaas_core.migrate import migrate
from prosaas_core.settings import load_settings
from prosaas_core.stream_token import issue
from simulator.load import callers as load

SERVICE_CORE, LOAD_CORE = PRODUCT_CORE, 1
SECRET = "bench"
NO_DATABASE = "postgresql://nobody@127.0.0.1:9/none"
ROOT = Path(__file__).parents[2]
RELAYS = {"relay": "bench.calls.relay", "relay, picows": "bench.calls.relay_picows"}
LOG: dict[str, dict[str, str]] = {
    **{name: {} for name in RELAYS},
    "info": {"LOG_LEVEL": "INFO"},
    "info, recorder off": {"LOG_LEVEL": "INFO", "LOG_RECORDER": "0"},
    "info, traced": {"LOG_LEVEL": "INFO"},
    "debug": {"LOG_LEVEL": "DEBUG"},
}
CONFIGURATIONS = tuple(LOG)


def take_core(core: int) -> None:
    """Stay on one core and, with PROSAAS_BENCH_FIRST=1 (root), go before what else runs on it: for busy machines."""
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})
    if os.environ.get("PROSAAS_BENCH_FIRST") == "1":
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


@dataclass(frozen=True)
class Measured:
    """One step: how late the frames came, and the processor time of the service for one frame in and one out."""

    name: str
    calls: int
    report: dict[str, Any]
    us_a_pair: float

    @property
    def late_ms(self) -> float:
        """The worse of the two ways, p99; endless when nothing came through."""
        late = [self.report[side]["p99_ms"] for side in ("inbound", "outbound")]
        return float("inf") if None in late else max(late)

    def on_time(self, late_ms: float) -> bool:
        return not self.report["error_count"] and self.late_ms <= late_ms

    def line(self) -> str:
        inbound, outbound = self.report["inbound"], self.report["outbound"]
        return (
            f"{self.name:20} {self.calls:4} calls  in p50 {inbound['p50_ms']} p99 {inbound['p99_ms']} ms  "
            f"out p50 {outbound['p50_ms']} p99 {outbound['p99_ms']} ms  {self.us_a_pair:6.1f} us a pair  "
            f"load {self.report['generator']}  errors {self.report['error_count']}"
        )


async def measure(name: str, calls: int, seconds: float) -> Measured:
    """So many calls at once for so long."""
    async with running(name) as service:
        plan = service.plan(calls, seconds)
        used = asyncio.create_task(service.processor_use(plan))
        report = await load.run(plan)
        # Those that came through, not those that were due: what is late or lost must not make the others look cheap.
        pairs = (report["inbound"]["frames"] + report["outbound"]["frames"]) / 2
        return Measured(name, calls, report, await used * 1e6 / pairs if pairs else float("inf"))


async def measure_first_audio(calls: int, seconds: float, handshake_ms: int) -> float:
    """Callers join one after the other over so many seconds: the p95 of their waits for the first sound, milliseconds.

    Without the model's handshake, all of it is ours: token, database, connection, session, and the audio's way back.
    """
    await _make_tables()
    async with running("info", os.environ["DATABASE_URL"]) as service:
        plan = replace(service.plan(calls, 1.0), ramp_s=seconds, handshake_s=handshake_ms / 1000)
        added: float = (await load.run(plan))["first_audio"]["p95_ms"]
    return added


async def _make_tables() -> None:
    """Postgres as a service finds it: migrated, with the business that is called and the customer who calls."""
    settings = load_settings()
    await migrate(settings)
    engine = make_engine(settings)
    async with transaction(engine) as connection:
        await seed(connection)
    await engine.dispose()


async def measure_switch(calls: int, seconds: float, rounds: int) -> tuple[list[float], int]:
    """What one call at DEBUG through the live switch adds to the p99 lateness, in each round, and how much it wrote.

    In turns with all at INFO: one run's p99 differs from the next one's by more than the goal.
    """
    added, lines = [], 0
    for _ in range(rounds):
        before = (await measure("info", calls, seconds)).late_ms
        async with running("info") as service:
            report, lines = await service.load_with_one_at_debug(calls, seconds)
        added.append(Measured("one at DEBUG", calls, report, 0).late_ms - before)
    return added, lines


@dataclass
class Service:
    """A process under load."""

    process: asyncio.subprocess.Process
    port: int
    model_port: int
    folder: Path

    def processor_seconds(self) -> float:
        """User and system time that the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def plan(self, calls: int, seconds: float) -> load.LoadPlan:
        return load.LoadPlan(
            calls=calls,
            seconds=seconds,
            url=f"ws://127.0.0.1:{self.port}/media-stream",
            model_port=self.model_port,
            dial=self._dial,
        )

    async def processor_use(self, plan: load.LoadPlan) -> float:
        """The processor seconds of the measured time alone: neither greetings nor goodbyes."""
        await asyncio.sleep(plan.ramp_s + plan.warm_up_s)
        before = self.processor_seconds()
        await asyncio.sleep(plan.seconds)
        return self.processor_seconds() - before

    async def load_with_one_at_debug(self, calls: int, seconds: float) -> tuple[dict[str, Any], int]:
        """Put the load on, and switch one call to DEBUG while the warm-up lasts."""
        chosen: list[str] = []

        async def dial(call_sid: str) -> dict[str, str]:
            if not chosen:
                chosen.append(call_sid)
                await self._switch(call_sid)
            return await self._dial(call_sid)

        plan = self.plan(calls, seconds)
        report = await load.run(replace(plan, dial=dial))
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return report, sum(line.startswith("[DEBUG]") for line in log.splitlines())

    async def _switch(self, call_sid: str) -> None:
        command = (sys.executable, "-m", "prosaas_logging.ctl", "level", "DEBUG", "--call", call_sid)
        environ = {**os.environ, "LOG_SWITCH_FILE": str(self.folder / "switch.json")}
        switching = await asyncio.create_subprocess_exec(*command, env=environ, stdout=sys.stderr)
        assert await switching.wait() == 0

    async def _dial(self, call_sid: str) -> dict[str, str]:
        token = issue(SECRET, call_sid=call_sid, business_id=456, from_number="+972501234567", to_number="+97235550100")
        return {"token": token}


@asynccontextmanager
async def running(name: str, database: str = NO_DATABASE) -> AsyncIterator[Service]:
    """The relay or the service, on its own core; this process moves to the other one."""
    take_core(LOAD_CORE)
    port, model_port = free_port(), free_port()
    model = f"ws://127.0.0.1:{model_port}/v1/realtime"
    command = [RELAYS[name], str(port), model] if name in RELAYS else ["prosaas_calls"]
    with (
        tempfile.TemporaryDirectory() as folder,
        _piped(Path(folder) / "log") as log,
        _receiver(wanted=name.endswith("traced")) as traces,
    ):
        os.mkdir(f"{folder}/spool")
        environ = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'services'}",
            "DATABASE_URL": database,
            "TWILIO_AUTH_TOKEN": "bench",
            "CALL_TOKEN_SECRET": SECRET,
            "OPENAI_API_KEY": "bench",
            "OPENAI_REALTIME_URL": model,
            "MAX_CALLS": "1000",
            # All of them have one number.
            "CALLS_PER_NUMBER": "0",
            "DRAIN_SECONDS": "1",
            "PORT": str(port),
            "OPERATORS_PORT": "0",
            "SPOOL_DIR": f"{folder}/spool",
            "LOG_BLACKBOX": f"{folder}/blackbox",
            "LOG_SWITCH_FILE": f"{folder}/switch.json",
            **LOG[name],
            **traces,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", *command),
            env=environ,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: take_core(SERVICE_CORE),
        )
        try:
            await listening(port)
            yield Service(process, port, model_port, Path(folder))
        finally:
            process.kill() if name in RELAYS else process.terminate()
            await process.wait()


@contextmanager
def _piped(path: Path) -> Iterator[IO[bytes]]:
    """Where the service writes: a pipe, as in a container, whose other end keeps what comes."""
    with path.open("wb") as file, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as reader:
        assert reader.stdin is not None
        yield reader.stdin


@contextmanager
def _receiver(*, wanted: bool) -> Iterator[dict[str, str]]:
    """Somebody who takes traces, and the setting that sends them there."""
    if not wanted:
        yield {}
        return
    receiver = Receiver()
    try:
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    finally:
        receiver.close()


async def listening(port: int) -> None:
    """Until somebody takes connections there."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
