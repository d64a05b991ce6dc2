"""The api on a database of its own, with the demo business in it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api_world import ADMIN_KEY, APP_SECRET, AUTH_TOKEN, PUBLIC_URL, CallsService, Client
from postgres_world import as_role
from prosaas_api.app import create_app
from prosaas_core import demo
from prosaas_core.database import make_engine, transaction
from prosaas_core.settings import Settings, load_settings


@pytest.fixture
async def calls_service(aiohttp_server: Any) -> tuple[CallsService, str]:
    """A stand-in for prosaas-calls, and its address."""
    service = CallsService()
    app = web.Application()
    app.router.add_get("/readyz", service.readyz)
    server = await aiohttp_server(app)
    return service, str(server.make_url("")).rstrip("/")


@pytest.fixture
def calls(calls_service: tuple[CallsService, str]) -> CallsService:
    return calls_service[0]


@pytest.fixture
def environ(database_url: str, calls_service: tuple[CallsService, str]) -> dict[str, str]:
    """The api's environment."""
    return {
        "DATABASE_URL": as_role(database_url, "prosaas_api"),
        "DEMO": "1",
        "PUBLIC_URL": PUBLIC_URL,
        "CALLS_PUBLIC_URL": "https://calls.example",
        "CALLS_INTERNAL_URL": calls_service[1],
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "WHATSAPP_APP_SECRET": APP_SECRET,
        "WHATSAPP_VERIFY_TOKEN": "verify-me",
        "ADMIN_API_KEY": ADMIN_KEY,
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return load_settings(environ)


@pytest.fixture
async def engine(settings: Settings, database_url: str) -> AsyncIterator[AsyncEngine]:
    """The tests' own way into the database, as its owner, where the demo business is."""
    made = make_engine(settings.model_copy(update={"database_url": database_url}))
    async with transaction(made) as connection:
        await demo.seed(connection)
    yield made
    await made.dispose()


@pytest.fixture
async def app(settings: Settings, engine: AsyncEngine) -> AsyncIterator[FastAPI]:
    """The application, started."""
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[Client]:
    """A client of the application, which is reached behind a proxy under another name than its public one."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.7:8000") as http:
        yield Client(http)


@pytest.fixture
def rows(engine: AsyncEngine) -> Any:
    """Ask the database: `await rows("SELECT …")` gives tuples."""

    async def ask(statement: str) -> list[tuple[Any, ...]]:
        async with engine.connect() as connection:
            return [tuple(row) for row in (await connection.execute(text(statement))).all()]

    return ask
