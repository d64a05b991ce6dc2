"""What the handlers share, and how they get at it."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_api.metrics import Metrics
from prosaas_api.rates import Rates
from prosaas_api.seats import Seats
from prosaas_core.messages.connection import Connections
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_core.settings import Settings

# A program that asks is not on the phone, and is still told in time.
REST_S = 10.0
WEBHOOK_CONNECTIONS = 10
REST_CONNECTIONS = 5
# Batches at once: the other connections of the webhooks are for callers.
BATCHES = 2


@dataclass(frozen=True, slots=True)
class State:
    """Made once an application. The webhooks have a pool of their own: a REST that is busy keeps no caller waiting."""

    settings: Settings
    engine: AsyncEngine
    rest_engine: AsyncEngine
    door: Seats
    metrics: Metrics
    twilio: TwilioCalls
    connections: Connections = field(default_factory=Connections)
    rates: Rates = field(default_factory=Rates)
    batches: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BATCHES))


async def _state(request: Request) -> State:
    # Not a plain function: FastAPI would send that to a thread on each request.
    found = request.app.state.prosaas
    assert isinstance(found, State)
    return found


AppState: TypeAlias = Annotated[State, Depends(_state)]
