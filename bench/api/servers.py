"""`python -m bench.api.servers NAME PORT`: one contestant, on one core."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response

from bench.database import PRODUCT_CORE
from prosaas_api.app import create_app
from prosaas_core.settings import load_settings
from prosaas_logging import bootstrap

INSERT = """
INSERT INTO messages (id, conversation_id, direction, body)
VALUES ($1, (SELECT min(id) FROM conversations), 'in', $2) ON CONFLICT DO NOTHING
"""


def bare() -> FastAPI:
    """FastAPI as its tutorial has it, asyncpg as its own has it: no signature, no job, no scope, no log."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/whatsapp/twilio")
    async def receive(request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        await request.app.state.pool.execute(INSERT, form["MessageSid"][0], form["Body"][0])
        return Response("<Response/>", media_type="text/xml")

    return app


def product() -> FastAPI:
    """prosaas-api as it is shipped."""
    bootstrap("prosaas-api")
    app = create_app(load_settings())
    gc.freeze()
    return app


CONTESTANTS: dict[str, Callable[[], FastAPI]] = {"bare": bare, "product": product}

if __name__ == "__main__":
    os.sched_setaffinity(0, {PRODUCT_CORE})
    uvicorn.run(CONTESTANTS[sys.argv[1]](), host="127.0.0.1", port=int(sys.argv[2]), log_config=None, access_log=False)
