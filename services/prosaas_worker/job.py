"""What a job function receives, and how it says that another try is of no use, or that it is too early."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from pgqueuer.models import Job as QueuedJob
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.facts.prices import Prices
from prosaas_core.messages.connection import Connections
from prosaas_core.outward.http import Outbound
from prosaas_core.settings import Settings


class Hopeless(Exception):
    """Trying again cannot help: hold the job now and let a person look at it."""


class Later(Exception):
    """Nothing failed, but it is too early: put the job back for *wait_s* seconds, which uses no patience up."""

    def __init__(self, wait_s: float, reason: str) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at one job; only failures of its own make an attempt the next, and a wait count."""

    id: str
    name: str
    key: str
    payload: dict[str, Any]
    cause: dict[str, str]
    attempt: int
    waited_s: float = 0.0
    traceparent: str = ""

    @classmethod
    def of(cls, queued: QueuedJob) -> Self:
        payload = json.loads(queued.payload or b"{}")
        headers = queued.headers or {}
        return cls(
            id=str(queued.id),
            name=queued.entrypoint,
            key=str(headers.get("key") or queued.id),
            payload=payload,
            cause={name: str(value) for name, value in payload.get("cause", {}).items()},
            attempt=int(str(headers.get("failures", 0))) + 1,
            waited_s=float(str(headers.get("waited_s", 0))),
            traceparent=str(headers.get("traceparent", "")),
        )


def failed_again(queued: QueuedJob, pause_s: float) -> None:
    """Note one more failure, and the pause after it, in the headers, which travel with the job."""
    job = Job.of(queued)
    queued.headers = {
        **(queued.headers or {}),
        "failures": job.attempt,
        "waited_s": round(job.waited_s + pause_s, 3),
    }


@dataclass(frozen=True, slots=True)
class Tools:
    """What the jobs work with, shared by all of them."""

    settings: Settings
    engine: AsyncEngine
    outbound: Outbound
    prices: Prices
    connections: Connections = field(default_factory=Connections)
