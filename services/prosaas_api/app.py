"""The application: its routes, its middleware, and what it opens and closes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from prosaas_api import health, openapi, problems, voice, whatsapp
from prosaas_api.body_limit import BodyLimit
from prosaas_api.calls_door import CallsDoor
from prosaas_api.metrics import Metrics
from prosaas_api.request_scope import RequestScope
from prosaas_api.rest import appointments, businesses, customers, history
from prosaas_api.state import State
from prosaas_core.database import make_engine
from prosaas_core.settings import Settings
from prosaas_core.twilio_calls import TwilioCalls

DESCRIPTION = "Businesses, their customers, appointments, phone calls and WhatsApp conversations."


def create_app(settings: Settings) -> FastAPI:
    """One application; several may live in one process, as they do in tests."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Made before anybody asks: it takes long enough to keep a caller waiting.
        app.openapi()
        engine = make_engine(settings)
        async with httpx.AsyncClient(trust_env=False) as client:
            twilio = TwilioCalls(settings)
            app.state.prosaas = State(settings, engine, CallsDoor(settings, client), metrics, twilio)
            try:
                yield
            finally:
                await twilio.close()
                await engine.dispose()

    app = FastAPI(
        title="ProSaaS", version="1", description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestScope, metrics=metrics)
    problems.install(app)
    openapi.install(app)
    for part in (health, voice, whatsapp, businesses, customers, appointments, history):
        app.include_router(part.router)
    return app
