"""The two places where PgQueuer would give up, and this worker waits."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any

import asyncpg
import pytest
from pgqueuer.domain.types import HealthCheckId
from pgqueuer.errors import FailingListenerError
from pgqueuer.models import Job

from prosaas_worker import driver
from prosaas_worker.driver import ListeningDriver, PatientQueries, is_outage

AWAY = ConnectionResetError("away")
DEADLOCK = asyncpg.DeadlockDetectedError("deadlock")


class Failing:
    """A driver that fails with each of these errors in turn, and then works."""

    def __init__(self, errors: Iterator[Exception]) -> None:
        self._errors = errors
        self.asked: list[tuple[Any, ...]] = []

    async def execute(self, _: str, *values: Any) -> str:
        self.asked.append(values)
        for error in self._errors:
            raise error
        return "INSERT 0 1"


def failed_job(headers: dict[str, Any] | None = None) -> Job:
    now = datetime.now(UTC)
    times = {"created": now, "updated": now, "heartbeat": now, "execute_after": now}
    said = {"id": 7, "priority": 0, "status": "picked", "entrypoint": "test.job", "payload": None}
    return Job.model_validate({**said, **times, "queue_manager_id": uuid.uuid4(), "headers": headers})


async def put_back(
    errors: Iterator[Exception], monkeypatch: pytest.MonkeyPatch, headers: dict[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    monkeypatch.setattr(driver, "_RETRY_SECONDS", 0)
    failing: Any = Failing(errors)
    await PatientQueries(failing).retry_job(failed_job(headers), timedelta(seconds=3), None)
    return list(failing.asked)


async def test_a_failed_job_goes_back_however_long_postgres_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = await put_back(chain(repeat(AWAY, 50), repeat(DEADLOCK, 4)), monkeypatch, {"failures": 2})
    assert len(asked) == 55
    assert {values[:4] for values in asked} == {(7, timedelta(seconds=3), None, '{"failures":2}')}


async def test_a_job_that_somebody_queued_without_headers_goes_back_with_none(monkeypatch: pytest.MonkeyPatch) -> None:
    (values,) = await put_back(iter(()), monkeypatch)
    assert values[3] == "{}"


async def test_what_is_no_absence_is_tried_five_times_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = repeat(DEADLOCK, 9)
    with pytest.raises(asyncpg.DeadlockDetectedError):
        await put_back(errors, monkeypatch)
    assert len(list(errors)) == 4


async def test_it_is_tried_again_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    failing: Any = Failing(repeat(AWAY, 3))
    await PatientQueries(failing).retry_job(failed_job(), timedelta(seconds=3), None)
    assert waits == [1.0] * 3


@pytest.mark.parametrize(
    ("error", "outage"),
    [(AWAY, True), (FailingListenerError("silent"), True), (DEADLOCK, False), (RuntimeError("ours"), False)],
)
def test_a_queue_that_is_out_of_reach_is_told_from_one_in_disorder(error: Exception, outage: bool) -> None:
    assert is_outage(error) is outage


@pytest.mark.postgres
async def test_the_listener_is_not_probed_before_it_listens(database_url: str) -> None:
    """A probe sent earlier is heard by nobody, and PgQueuer takes ten seconds to call that a lost connection."""
    async with asyncpg.create_pool(database_url.replace("+asyncpg", ""), min_size=0, max_size=3) as pool:
        driver = ListeningDriver(pool)
        heard: asyncio.Queue[str] = asyncio.Queue()
        number = uuid.uuid4()
        probe = asyncio.create_task(PatientQueries(driver).notify_health_check(HealthCheckId(number)))
        await pool.fetch("SELECT 1")
        assert not probe.done()

        async with driver:
            await driver.add_listener("ch_pgqueuer", lambda said: heard.put_nowait(str(said)))
            await probe
            assert str(number) in str(await asyncio.wait_for(heard.get(), 30))
