"""The application: its routes, its middleware, and what it opens and closes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from prosaas_api import health, openapi, problems, voice, whatsapp
from prosaas_api.intake import Intake
from prosaas_api.metrics import Metrics
from prosaas_api.request_scope import RequestScope
from prosaas_api.rest import appointments, businesses, customers, history
from prosaas_api.seats import Seats
from prosaas_api.state import REST_CONNECTIONS, WEBHOOK_CONNECTIONS, State
from prosaas_core.database import CONNECT_TIMEOUT_S, DatabaseUnavailable, make_engine, raw_connection
from prosaas_core.kept.boxes import keeping
from prosaas_core.outward.http import trusted
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_core.settings import Settings
from prosaas_core.switch_follower import following

DESCRIPTION = "Businesses, their customers, appointments, phone calls and WhatsApp conversations."


def create_app(settings: Settings) -> FastAPI:
    """One application; several may live in one process, as they do in tests."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = make_engine(settings, pool_size=WEBHOOK_CONNECTIONS)
        rest_engine = make_engine(settings, pool_size=REST_CONNECTIONS)
        async with httpx.AsyncClient(trust_env=False, verify=trusted()) as client:
            twilio = TwilioCalls(settings)
            app.state.prosaas = State(settings, engine, rest_engine, Seats(settings, client), metrics, twilio)
            # Now, rather than while the first caller waits; and nobody is led here while there is no way to it yet.
            with suppress(DatabaseUnavailable, SQLAlchemyError):
                async with raw_connection(engine, within_s=CONNECT_TIMEOUT_S):
                    pass
            try:
                async with (
                    following("prosaas-api", settings.database_url),
                    keeping("prosaas-api", rest_engine, settings.keep_blackbox_days),
                ):
                    yield
            finally:
                await twilio.close()
                await engine.dispose()
                await rest_engine.dispose()

    app = FastAPI(
        title="ProSaaS", version="1", description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.add_middleware(Intake)
    app.add_middleware(RequestScope, metrics=metrics)
    problems.install(app)
    openapi.install(app)
    # Tried in this order: what comes most often, and what somebody on the phone waits for, is found first.
    for part in (whatsapp, voice, health, businesses, customers, appointments, history):
        app.include_router(part.router)
    # Made before anybody asks: it takes long enough to keep a caller waiting.
    app.openapi()
    return app
