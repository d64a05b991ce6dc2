"""An existing FastAPI application under uvicorn: two lines, and uvicorn told to leave logging alone."""

import logging
import uuid
from collections.abc import Awaitable, Callable

import uvicorn
from fastapi import FastAPI, Request, Response

from prosaas_logging import bootstrap, scope

bootstrap("shop")

app = FastAPI()
log = logging.getLogger("shop")


@app.middleware("http")
async def in_a_scope(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Optional: every line of a request carries its id, and a failing request leaves a black box."""
    with scope(request_id=request.headers.get("x-request-id") or uuid.uuid4().hex):
        return await call_next(request)


@app.get("/order/{number}")
async def order(number: str) -> str:
    log.debug("looking up %s", number)
    log.info("order shown", extra={"order": number})
    print("a print that somebody left behind")
    return "ok"


@app.get("/fail")
async def fail() -> float:
    return 1 / 0


if __name__ == "__main__":
    import os

    uvicorn.run("shop:app", port=int(os.environ.get("PORT", "8000")), workers=2, log_config=None, access_log=False)
