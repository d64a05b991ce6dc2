"""Health checks and metrics: whether the process is alive, whether it is ready, and its numbers."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from prosaas_api.state import AppState
from prosaas_core import queries
from prosaas_core.database import DatabaseUnavailable, answer_within, transaction

# Less than the healthcheck waits for an answer, so that it hears the reason.
READY_S = 1.0

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers. The database is not asked: a restart of ours would not bring it back."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(state: AppState) -> JSONResponse:
    """Requests can be served in full, which takes the database."""

    async def ask() -> None:
        async with transaction(state.engine) as connection:
            await queries.serves(connection)

    try:
        await answer_within(ask(), READY_S)
    except (DatabaseUnavailable, SQLAlchemyError):
        return JSONResponse({"status": "database away"}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
async def metrics(state: AppState) -> Response:
    """For Prometheus."""
    return Response(state.metrics.render(), media_type=CONTENT_TYPE_LATEST)
