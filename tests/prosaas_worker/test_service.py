"""The worker's parts put together: where it listens, what its queue is given, and how it ends."""

import asyncio
import os
import signal
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import QueuePool, text

from prosaas_core.settings import Settings
from prosaas_logging import capture_events
from prosaas_worker import service
from prosaas_worker.job import Tools
from prosaas_worker.jobs import JOBS, PATIENCE, TIMETABLE

pytestmark = pytest.mark.postgres


class Queue:
    """What the service makes of a queue: *ends* is its run, *drained* what it is told at the end."""

    def __init__(self, tools: Tools, jobs: Any, timetable: Any, **options: Any) -> None:
        self.engine, self.pool, self.left = tools.engine, tools.engine.pool, False
        self.given = {"jobs": jobs, "timetable": timetable, **options}
        self.drained: list[float] = []
        made.append(self)

    async def run(self) -> None:
        if ends:
            raise ends[0]
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(bookkeeping_s[0] if bookkeeping_s else 3600)
        self.left = True

    async def drain(self, deadline_s: float) -> None:
        self.drained.append(deadline_s)


made: list[Queue] = []
ends: list[Exception] = []
bookkeeping_s: list[float] = []
runners: list[web.AppRunner] = []


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """A service with such a queue and without a neighbour; the addresses that it listens on."""
    addresses: list[tuple[str, int]] = []

    class Site:
        def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
            assert runner.server is not None
            runners.append(runner)
            addresses.append((host, port))

        async def start(self) -> None: ...

    for each in (made, ends, bookkeeping_s, runners):
        each.clear()
    monkeypatch.setattr(service, "Queue", Queue)
    monkeypatch.setattr(service, "BOOKKEEPING_S", 0.01)
    monkeypatch.setattr(web, "TCPSite", Site)
    for neighbour in ("following", "keeping"):
        monkeypatch.setattr(service, neighbour, lambda *_: nullcontext())
    return addresses


@pytest.mark.parametrize(("named", "port"), [(None, 8001), (9000, 9000)])
async def test_a_stopped_worker_drains_and_waits_for_no_bookkeeping_that_does_not_end(
    named: int | None, port: int, listening: list[tuple[str, int]], settings: Settings
) -> None:
    """What its settings say is what its queue works by."""
    settings = settings.model_copy(update={"port": named, "drain_seconds": 7.0, "job_lease_seconds": 11.0})
    with capture_events("INFO") as events:
        await asyncio.wait_for(service.serve(settings), 30)
    assert listening == [("0.0.0.0", port)]
    (queue,) = made
    assert queue.drained == [7.0]
    assert queue.given == {
        "jobs": JOBS,
        "timetable": TIMETABLE,
        "patience": PATIENCE,
        "database_url": settings.database_url,
        "concurrency": settings.job_concurrency,
        "lease": timedelta(seconds=11),
    }
    assert not queue.left
    assert [event.event for event in events] == ["WORKER_START", "SERVICE_STOP"]
    assert events[0].fields["concurrency"] == settings.job_concurrency


@pytest.mark.usefixtures("listening")
async def test_what_it_has_open_is_shut_when_the_bookkeeping_of_its_last_jobs_is_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BOOKKEEPING_S", 30)
    bookkeeping_s.append(0.2)
    await asyncio.wait_for(service.serve(settings), 30)
    (queue,), (runner,) = made, runners
    assert queue.left
    assert runner.server is None
    # Ten connections are room for any number of jobs, and none is held for the next worker to miss.
    assert isinstance(queue.pool, QueuePool)
    assert (queue.pool.size(), queue.pool.checkedin()) == (10, 0)


@pytest.mark.usefixtures("listening")
async def test_a_queue_that_ends_by_itself_ends_the_worker_with_its_error(settings: Settings) -> None:
    ends.append(RuntimeError("disorder"))
    with capture_events("INFO") as events, pytest.raises(RuntimeError, match="disorder"):
        await asyncio.wait_for(service.serve(settings), 30)
    assert made[0].drained == []
    assert [event.event for event in events] == ["WORKER_START"]
