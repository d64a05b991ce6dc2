"""What a job function receives, and how it says that another try is of no use."""

import json
from dataclasses import dataclass
from typing import Any, Self

from pgqueuer.models import Job as QueuedJob
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.outbound import Outbound
from prosaas_core.settings import Settings


class Hopeless(Exception):
    """Trying again cannot help: hold the job now and let a person look at it."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at one job."""

    id: str
    name: str
    key: str
    payload: dict[str, Any]
    cause: dict[str, str]
    attempt: int

    @classmethod
    def of(cls, queued: QueuedJob) -> Self:
        payload = json.loads(queued.payload or b"{}")
        return cls(
            id=str(queued.id),
            name=queued.entrypoint,
            key=str((queued.headers or {}).get("key") or queued.id),
            payload=payload,
            cause={name: str(value) for name, value in payload.get("cause", {}).items()},
            attempt=queued.attempts + 1,
        )


@dataclass(frozen=True, slots=True)
class Tools:
    """What the jobs work with, shared by all of them."""

    settings: Settings
    engine: AsyncEngine
    outbound: Outbound
