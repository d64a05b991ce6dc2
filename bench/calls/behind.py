"""Several replicas of the service behind one gateway, and what the gateway adds to what a call costs."""

import asyncio
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bench.calls.service import LOAD_CORE, Service, listening, running
from ports import free_port
from simulator.load import callers as load

_TICKS = os.sysconf("SC_CLK_TCK")
# As the front door leads: the seat that the address names, which is here the port of a replica.
_CADDYFILE = """
{
	admin off
	auto_https off
	log {
		level ERROR
	}
}
http://:%d {
	@seat path_regexp seat ^/media-stream/([0-9]+)$
	handle @seat {
		rewrite * /media-stream
		reverse_proxy 127.0.0.1:{re.seat.1} {
			stream_close_delay 24h
		}
	}
}
"""


@dataclass(frozen=True)
class Behind:
    """So many calls shared by so many replicas: microseconds of a frame in and one out, and p99 lateness."""

    replicas: int
    calls: int
    service_us: float
    gateway_us: float
    late_ms: float
    errors: int

    def row(self) -> tuple[str, ...]:
        """For the table; the first has no gateway."""
        door = f"{self.gateway_us:.0f}" if self.gateway_us else ""
        return (self.name, f"{self.service_us:.0f}", door, f"{self.late_ms:.1f}", str(self.errors))

    @property
    def name(self) -> str:
        where = "behind the gateway" if self.gateway_us else "without a gateway"
        return f"{self.replicas} {'replica' if self.replicas == 1 else 'replicas'} {where}, {self.calls} calls"


HEADER = ("configuration", "service: µs a frame pair", "gateway: µs a frame pair", "p99 lateness, ms", "errors")


async def measure_behind(replicas: int, calls: int, seconds: float, *, gateway: bool) -> Behind:
    """The calls are spread evenly, as the api spreads them."""
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(running("info")) for _ in range(replicas)]
        door = await stack.enter_async_context(_gateway()) if gateway else None
        plans = [_plan(service, calls // replicas, seconds, door) for service in services]
        measuring = [asyncio.create_task(service.processor_use(plans[0])) for service in services]
        at_door = asyncio.create_task(_used(door, plans[0])) if door else None
        reports: list[dict[str, Any]] = await asyncio.gather(*map(load.run, plans))
        used, door_used = sum([await task for task in measuring]), await at_door if at_door else 0.0
    sides = [report[side] for report in reports for side in ("inbound", "outbound")]
    pairs = sum(side["frames"] for side in sides) / 2 or float("nan")
    late = [float("inf") if side["p99_ms"] is None else side["p99_ms"] for side in sides]
    errors = sum(report["error_count"] for report in reports)
    return Behind(replicas, calls, used * 1e6 / pairs, door_used * 1e6 / pairs, max(late), errors)


@dataclass(frozen=True)
class _Gateway:
    name: str
    port: int

    def seconds(self) -> float:
        """User and system time so far, of all its threads: it is the first process of its container."""
        fields = _docker("exec", self.name, "cat", "/proc/1/stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def _plan(service: Service, calls: int, seconds: float, door: _Gateway | None) -> load.LoadPlan:
    plan = service.plan(calls, seconds)
    return replace(plan, url=f"ws://127.0.0.1:{door.port}/media-stream/{service.port}") if door else plan


async def _used(door: _Gateway, plan: load.LoadPlan) -> float:
    await asyncio.sleep(plan.ramp_s + plan.warm_up_s)
    before = door.seconds()
    await asyncio.sleep(plan.seconds)
    return door.seconds() - before


@asynccontextmanager
async def _gateway() -> AsyncIterator[_Gateway]:
    """The gateway's own program, in the host's network and off the services' core."""
    gateway = _Gateway(f"bench-gateway-{secrets.token_hex(4)}", free_port())
    _docker(
        "run", "--detach", "--rm", f"--name={gateway.name}", "--network=host",
        f"--cpuset-cpus={LOAD_CORE % (os.cpu_count() or 1)}", "--entrypoint=sh",
        os.environ.get("CADDY_IMAGE", "caddy:2"), "-ec",
        'printf %s "$1" >/tmp/Caddyfile; exec caddy run --config /tmp/Caddyfile --adapter caddyfile',
        "sh", _CADDYFILE % gateway.port,
    )  # fmt: skip
    try:
        await listening(gateway.port)
        yield gateway
    finally:
        _docker("rm", "--force", gateway.name)


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: docker {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


async def rows(replicas: list[int], calls: int, seconds: float) -> list[Behind]:
    """One replica by itself, then so many of them behind a gateway, each on the same number of calls."""
    measured = [await measure_behind(1, calls, seconds, gateway=False)]
    for number in replicas:
        measured.append(await measure_behind(number, calls, seconds, gateway=True))
    return measured


def costs(measured: list[Behind]) -> Iterator[tuple[str, float]]:
    """What the gateway costs a call, as a share of what the service costs it."""
    for each in measured:
        if each.gateway_us:
            yield f"gateway ÷ service, processor time, {each.name}", each.gateway_us / each.service_us
