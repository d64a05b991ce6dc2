"""Starts replicas of the service and the gateway before them, and puts load on both."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bench.calls.service import LOAD_CORE, Service, listening, running
from ports import free_port
from postgres_world import docker, setting
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
    gateway: bool
    service_us: float
    gateway_us: float
    late_ms: float
    errors: int

    @property
    def name(self) -> str:
        """As the table has it."""
        counted = f"{self.replicas} {'replica' if self.replicas == 1 else 'replicas'}"
        return f"{counted} behind the gateway" if self.gateway else f"{counted} without a gateway"

    @property
    def share_of_a_core(self) -> float:
        """What one call takes in the gateway, whose frames come fifty times a second each way."""
        return self.gateway_us * 50 / 1e6

    def row(self) -> tuple[str, ...]:
        """For the table."""
        door = f"{self.gateway_us:.0f}" if self.gateway else ""
        return (self.name, f"{self.service_us:.0f}", door, f"{self.late_ms:.1f}", str(self.errors))


async def measure(replicas: int, calls: int, seconds: float, *, gateway: bool) -> Behind:
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
    # Those that came through, not those that were due.
    pairs = sum(side["frames"] for side in sides) / 2 or float("nan")
    late = [float("inf") if side["p99_ms"] is None else side["p99_ms"] for side in sides]
    errors = sum(report["error_count"] for report in reports)
    return Behind(replicas, gateway, used * 1e6 / pairs, door_used * 1e6 / pairs, max(late), errors)


@dataclass(frozen=True)
class _Gateway:
    name: str
    port: int

    def seconds(self) -> float:
        """User and system time so far, of all its threads: it is the first process of its container."""
        fields = docker("exec", self.name, "cat", "/proc/1/stat").rpartition(")")[2].split()
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
    docker(
        "run", "--detach", "--rm", f"--name={gateway.name}", "--network=host",
        f"--cpuset-cpus={LOAD_CORE % (os.cpu_count() or 1)}", "--entrypoint=sh",
        setting("CADDY_IMAGE", "caddy:2"), "-ec",
        'printf %s "$1" >/tmp/Caddyfile; exec caddy run --config /tmp/Caddyfile --adapter caddyfile',
        "sh", _CADDYFILE % gateway.port,
    )  # fmt: skip
    try:
        await listening(gateway.port)
        yield gateway
    finally:
        docker("rm", "--force", gateway.name)
