"""What the handlers share, and how they get at it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from prosaas_api.calls_door import CallsDoor
from prosaas_api.metrics import Metrics
from prosaas_core.database import session
from prosaas_core.settings import Settings
from prosaas_core.twilio_calls import TwilioCalls

# Twilio and Meta give up on us after some 15 s, and come again when we say that we could not.
WEBHOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class State:
    """Made once an application."""

    settings: Settings
    engine: AsyncEngine
    door: CallsDoor
    metrics: Metrics
    twilio: TwilioCalls


async def _state(request: Request) -> State:
    # Not a plain function: FastAPI would send that to a thread on each request.
    found = request.app.state.prosaas
    assert isinstance(found, State)
    return found


AppState: TypeAlias = Annotated[State, Depends(_state)]


async def _session(state: AppState) -> AsyncIterator[AsyncSession]:
    async with session(state.engine) as opened:
        yield opened


# Closed before the answer goes out, so that nobody is told of a row that was not committed.
Session: TypeAlias = Annotated[AsyncSession, Depends(_session, scope="function")]
