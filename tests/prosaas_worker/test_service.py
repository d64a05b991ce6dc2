"""The worker's parts put together: where it listens, what its queue is given, and how it ends."""

import asyncio
import os
import signal
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from prosaas_core.settings import Settings
from prosaas_logging import capture_events
from prosaas_worker import service
from prosaas_worker.jobs import JOBS, PATIENCE, TIMETABLE

pytestmark = pytest.mark.postgres


class Queue:
    """What the service makes of a queue: *ends* is its run, *drained* what it is told at the end."""

    def __init__(self, _: Any, jobs: Any, timetable: Any, **options: Any) -> None:
        self.given = {"jobs": jobs, "timetable": timetable, **options}
        self.drained: list[float] = []
        made.append(self)

    async def run(self) -> None:
        if ends:
            raise ends[0]
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    async def drain(self, deadline_s: float) -> None:
        self.drained.append(deadline_s)


made: list[Queue] = []
ends: list[Exception] = []


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """A service with such a queue and without a neighbour; the addresses that it listens on."""
    addresses: list[tuple[str, int]] = []

    class Site:
        def __init__(self, _: web.AppRunner, host: str, port: int) -> None:
            addresses.append((host, port))

        async def start(self) -> None: ...

    made.clear()
    ends.clear()
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
    assert [event.event for event in events] == ["WORKER_START", "SERVICE_STOP"]
    assert events[0].fields["concurrency"] == settings.job_concurrency


@pytest.mark.usefixtures("listening")
async def test_a_queue_that_ends_by_itself_ends_the_worker_with_its_error(settings: Settings) -> None:
    ends.append(RuntimeError("disorder"))
    with capture_events("INFO") as events, pytest.raises(RuntimeError, match="disorder"):
        await asyncio.wait_for(service.serve(settings), 30)
    assert made[0].drained == []
    assert [event.event for event in events] == ["WORKER_START"]
