"""A console over a stack that a test plays: the containers' lines, live calls, the level switch; the rest is real."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uvicorn

from ports import free_port
from prosaas_ops.console.routes import Console
from prosaas_ops.console.server import serve
from prosaas_ops.console.session import IDLE_SECONDS, Doorkeeper
from prosaas_ops.console.world import World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import seconds
from prosaas_ops.stack.live_calls import LiveCall

ENDED = "CA11112222333344445555666677778888"
LIVE = "CA9999aaaabbbbccccddddeeeeffff0000"
HOSTILE = "<img src=x onerror=document.title='pwned'>"


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


class PlayedEngine:
    """Answers as the engine would; what a test says is in the log, and with who follows it, at once."""

    project = "prosaas"
    with_kept = Engine.with_kept

    def __init__(self) -> None:
        self.written: dict[str, list[RawLine]] = {
            name: [] for name in ("prosaas-api", "prosaas-calls", "worker", "postgres", "gateway")
        }
        self.sinks: dict[str, list[socket.socket]] = {name: [] for name in self.written}
        self.events_sinks: list[socket.socket] = []
        self.live: list[LiveCall] = []
        self.debug: dict[str, float] = {}
        self.executed: list[tuple[str, ...]] = []
        self.box = ""

    def say(self, service: str, text: str, at: float | None = None) -> None:
        raw = RawLine(stamp(time.time() if at is None else at), service, text)
        self.written[service].append(raw)
        if at is None:
            body = f"{raw.stamp} {text}\n".encode()
            for sink in self.sinks[service]:
                sink.sendall(bytes([1, 0, 0, 0]) + len(body).to_bytes(4, "big") + body)

    def containers(self, *services: str) -> list[Container]:
        return [
            Container(name, name, f"prosaas-{name}-1", "running", "prosaas/x:1", "Up")
            for name in services or self.written
        ]

    require = containers

    def kept(self, *_services: str) -> list[Container]:
        return []

    def environment(self, _container: Container) -> list[str]:
        return []

    def generations(self, service: str) -> list[Container]:
        return self.containers(service)

    def running(self, service: str) -> Container:
        return self.containers(service)[0]

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> list[RawLine]:
        first, last = since or 0.0, until or 1e12
        return [raw for raw in self.written[container.service] if first <= seconds(raw.stamp) <= last]

    def events(self, since: float | None = None, until: float | None = None) -> list[dict[str, Any]]:
        return []

    def remembers_since(self) -> None:
        return None

    def life(self, container: str) -> dict[str, Any]:
        never = "0001-01-01T00:00:00Z"
        return {"StartedAt": never, "FinishedAt": never, "ExitCode": 0, "OOMKilled": False}

    def _pair(self, sinks: list[socket.socket]) -> socket.socket:
        ours, theirs = socket.socketpair()
        sinks.append(theirs)
        return ours

    def follow(self, container: str, since: float | None = None) -> socket.socket:
        return self._pair(self.sinks[container])

    def follow_events(self, since: float | None = None) -> socket.socket:
        return self._pair(self.events_sinks)

    def run(self, container: Container, *command: str) -> tuple[int, str, str]:
        self.executed.append((container.service, *command))
        if command[:2] == ("logctl", "status"):
            left = [
                {"target": "call", "value": call, "level": "DEBUG", "left_s": round(until - time.time())}
                for call, until in self.debug.items()
                if until > time.time()
            ]
            return 0, json.dumps({"level": "INFO", "source": "env", "switches": left}), ""
        if command[:2] == ("logctl", "level"):
            self.debug[command[4]] = time.time() + float(command[6].rstrip("s"))
        if command[:2] == ("logctl", "reset"):
            self.debug.pop(command[3], None)
        if command[:2] == ("logctl", "blackbox"):
            return (0, self.box, "") if self.box else (3, "", "")
        return 0, "", ""

    def get(self, path: str, **query: object) -> Any:
        raise Problem(f"nothing at {path}")


async def fill(database_url: str) -> None:
    """A business, a customer with a hostile name, and two calls: one that went badly, and one that is live."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("insert into businesses (id, name, phone) values (456, 'מספרת דנה', '+97235550100')")
    await connection.execute(
        "insert into customers (id, business_id, channel, external_id, name) overriding system value"
        " values (1, 456, 'phone', '+972501234567', 'דוד כהן'), (2, 456, 'phone', '+972509999999', $1)",
        HOSTILE,
    )
    turns = [
        {"who": "ai", "text": "שלום, הגעתם למספרת דנה. במה אפשר לעזור?", "at_ms": 300, "until_ms": 2600},
        {
            "who": "customer",
            "text": f"אפשר תור? הכרטיס שלי 4580 4580 4580 4580 {HOSTILE}",
            "at_ms": 3000,
            "until_ms": 4600,
        },
    ]
    row = (
        "insert into calls (call_sid, business_id, customer_id, from_number, to_number, status, started_at, ended_at,"
        " duration_s, end_reason, metrics, transcript, events, summary, recorded_at)"
        " values ($1, 456, $2, $3, '+97235550100', $4, now() - $5 * interval '1 s', $6, $7, $8, $9, $10, '[]', $11, $6)"
    )
    now = datetime.now(UTC)
    metrics = json.dumps({"turns": 2, "barge_ins": 1, "first_audio_ms": 2356, "response_p95_ms": 900, "folded": 4})
    await connection.execute(
        row, ENDED, 1, "+972501234567", "completed", 120.0, now, 62.0, "model_unreachable", metrics,
        json.dumps(turns), "ביקש תור ולא קיבל",
    )  # fmt: skip
    await connection.execute(row, LIVE, 2, "+972509999999", "in-progress", 5.0, None, None, None, "{}", "[]", None)
    await connection.close()


def lines_of(engine: PlayedEngine, call_sid: str, began: float, *, ends: bool) -> None:
    """An ordinary call in the log."""
    engine.say("prosaas-api", f"[INFO] 📞 [VOICE_WEBHOOK] call_sid={call_sid}, business_id=456", began - 0.2)
    engine.say(
        "prosaas-calls", f"[INFO] 🚀 [CALL_START] call_sid={call_sid}, business_id=456, direction=inbound", began
    )
    engine.say("prosaas-calls", f"[INFO] 🔌 [REALTIME] התחבר ל-OpenAI ב-3ms · call_sid={call_sid}", began + 0.1)
    if ends:
        engine.say("prosaas-calls", f"[ERROR] ❌ [REALTIME] {HOSTILE} · call_sid={call_sid}", began + 4)
        engine.say(
            "prosaas-calls", f"[INFO] 🔚 [CALL_END] משך=62s, סיבה=model_unreachable · call_sid={call_sid}", began + 62
        )


@asynccontextmanager
async def console(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    idle_seconds: float = IDLE_SECONDS,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[tuple[PlayedEngine, str, Doorkeeper]]:
    """The console on a port of its own: its engine, its address and who keeps its door."""
    engine = PlayedEngine()
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    for module in ("prosaas_ops.console.world", "prosaas_ops.stories.call"):
        monkeypatch.setattr(f"{module}.live_calls", lambda _engine: list(engine.live))
    await fill(database_url)
    lines_of(engine, ENDED, time.time() - 120, ends=True)
    lines_of(engine, LIVE, time.time() - 5, ends=False)
    engine.live = [LiveCall(LIVE, "456", datetime.now(UTC).isoformat())]
    doorkeeper = Doorkeeper(now)
    world = World(engine)  # type: ignore[arg-type]
    port = free_port()
    servers: list[uvicorn.Server] = []
    serving = asyncio.create_task(
        serve(Console(world, doorkeeper, port), doorkeeper, port, idle_seconds, servers.append)
    )
    try:
        while not (servers and servers[0].started):
            assert not serving.done(), serving.exception()
            await asyncio.sleep(0.01)
        yield engine, f"http://127.0.0.1:{port}", doorkeeper
    finally:
        world.tail.stop()
        servers[0].should_exit = True
        await serving
