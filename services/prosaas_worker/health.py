"""The worker's HTTP endpoints: /healthz, /readyz and /metrics."""

from aiohttp import web
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import DatabaseUnavailable, answer_within, transaction
from prosaas_core.jobs import transaction_of
from prosaas_core.queries import serves
from prosaas_logging import get_logger
from prosaas_logging.catalogue import HEALTH_PING
from prosaas_worker import metrics
from prosaas_worker.queue import Queue
from prosaas_worker.surroundings import Surroundings

log = get_logger(__name__)

# Less than the healthcheck waits for an answer, so that it hears the reason.
READY_S = 1.0
# Who collects measures waits for longer, and a queue that takes a moment to count is no database that is away.
COUNT_S = 2.0


def make_app(queue: Queue, engine: AsyncEngine, surroundings: Surroundings) -> web.Application:
    """Alive while the loops turn, the queue's too; ready while jobs are taken and the database answers."""

    async def healthz(request: web.Request) -> web.Response:
        log.event(HEALTH_PING, path=request.path)
        if queue.stuck:
            return web.json_response({"status": "the queue is stuck"}, status=503)
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        log.event(HEALTH_PING, path=request.path)
        if queue.draining:
            return web.json_response({"status": "draining"}, status=503)
        if not queue.ready or not await _database_answers(engine):
            return web.json_response({"status": "waiting for the database"}, status=503)
        return web.json_response({"status": "ready"})

    async def exposition(request: web.Request) -> web.Response:
        metrics.READY.set(queue.ready)
        await surroundings.look()
        try:
            await _count_queue(engine)
            metrics.DATABASE.set(1)
        except DatabaseUnavailable as error:
            metrics.DATABASE.set(0)
            log.debug("queue depth unknown", error=str(error))
        body = generate_latest(metrics.REGISTRY)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposition)],
    )
    return app


async def _database_answers(engine: AsyncEngine) -> bool:
    async def ask() -> None:
        async with transaction(engine) as connection:
            await serves(connection)

    try:
        await answer_within(ask(), READY_S)
    except (DatabaseUnavailable, SQLAlchemyError):
        return False
    return True


async def _count_queue(engine: AsyncEngine) -> None:
    async with transaction(engine, within_s=COUNT_S) as connection:
        depths = await Queries(AsyncpgDriver(await transaction_of(connection))).queue_size()
    metrics.QUEUE.clear()
    for depth in depths:
        metrics.QUEUE.labels(depth.entrypoint, depth.status).inc(depth.count)
