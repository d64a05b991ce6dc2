"""What becomes of one attempt: what PgQueuer is told, what is counted, and what the log and the trace say."""

import asyncio
import dataclasses
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pgqueuer.errors import RetryRequested
from pgqueuer.executors import EntrypointExecutorParameters
from pgqueuer.models import Job as QueuedJob

from clocks import Clock
from otlp_world import Receiver, attributes, traced
from prosaas_core.database import DatabaseUnavailable
from prosaas_core.outward.http import Refused, Unavailable
from prosaas_core.patience import Patience
from prosaas_core.queries import claim_effect
from prosaas_logging import capture_events
from prosaas_worker import executor, metrics
from prosaas_worker.executor import JobExecutor
from prosaas_worker.job import Hopeless, Job, Later, Tools

pytestmark = pytest.mark.postgres

Execute = Callable[..., Any]


def queued(**changes: Any) -> QueuedJob:
    now = datetime.now(UTC)
    times = {"created": now, "updated": now, "heartbeat": now, "execute_after": now}
    said = {"id": 7, "priority": 0, "status": "picked", "entrypoint": "test.job", "payload": b"{}"}
    return QueuedJob.model_validate({**said, **times, "queue_manager_id": uuid.uuid4(), "headers": {}, **changes})


@pytest.fixture
def execute(tools: Tools) -> Execute:
    """Execute *job*, whose body works and raises *error*; what PgQueuer is told: an exception, or None for done."""

    async def run(
        job: QueuedJob, error: BaseException | None = None, work: Callable[[], None] = lambda: None
    ) -> BaseException | None:
        async def body(job: Job, tools: Tools) -> None:
            work()
            if error is not None:
                raise error

        unused: Any = None
        executing = JobExecutor(
            parameters=EntrypointExecutorParameters(concurrency_limit=0, func=unused, on_failure="hold"),
            body=body,
            tools=tools,
            patience=Patience(first_s=1.0, longest_s=1.0),
            running=set(),
        )
        try:
            await executing.execute(job, unused)
        except Exception as told:
            return told
        finally:
            assert not executing.running
        return None

    return run


def down(wait_s: float = 0.0) -> Unavailable:
    return Unavailable("api.test", "down", wait_s=wait_s)


def counted(outcome: str) -> float:
    labels = {"job": "test.job", "outcome": outcome}
    return metrics.REGISTRY.get_sample_value("prosaas_jobs_total", labels) or 0.0


@pytest.mark.parametrize(
    ("error", "outcome", "delay_s", "told_s", "why", "kept"),
    [
        (DatabaseUnavailable("away"), "retried", 5.0, 5.0, "DatabaseUnavailable: away", {}),
        (Later(0.26, "early"), "waiting", 0.26, 0.3, "early", {}),
        (down(7.26), "retried", 7.26, 7.3, "Unavailable: api.test: down", {"failures": 1, "waited_s": 7.26}),
        (down(7.12345), "retried", 7.12345, 7.1, "Unavailable: api.test: down", {"failures": 1, "waited_s": 7.123}),
        (asyncio.CancelledError(), "released", 0.0, None, "worker stopping", {}),
    ],
)
async def test_what_may_fare_better_later_goes_back_for_as_long_as_it_takes_and_only_a_failure_is_held_against_it(
    error: BaseException, outcome: str, delay_s: float, told_s: float | None, why: str, kept: dict[str, float],
    execute: Execute,
) -> None:  # fmt: skip
    job, before = queued(), counted(outcome)
    with capture_events("DEBUG") as events:
        told = await execute(job, error)
    assert isinstance(told, RetryRequested)
    assert (told.delay, told.reason) == (timedelta(seconds=delay_s), why)
    assert counted(outcome) == before + 1
    assert job.headers == kept
    assert [each.fields["delay_s"] for each in events if "delay_s" in each.fields] == ([told_s] if told_s else [])
    # A worker that stops has cancelled its jobs: the next thing that they wait for is not cancelled as well.
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_what_else_travels_with_a_job_is_there_at_its_next_try_too(execute: Execute) -> None:
    """Its key, without which a second one like it would be let in, and the trace that it belongs to."""
    job = queued(headers={"key": "k", "traceparent": "00-a-b-01", "failures": 1, "waited_s": 2.0})
    await execute(job, Unavailable("api.test", "down", wait_s=3.0))
    assert job.headers == {"key": "k", "traceparent": "00-a-b-01", "failures": 2, "waited_s": 5.0}


@pytest.mark.parametrize(
    ("error", "changes", "attempts"),
    [
        (Hopeless("no such call"), {}, 1),
        (Refused("api.test", 400), {"headers": {"failures": 2}}, 3),
        (TimeoutError("ours"), {"headers": {"failures": 4}}, 5),
        (Unavailable("api.test", "down"), {"headers": {"failures": 9, "waited_s": 90_000}}, 10),
        (None, {"payload": b"not json", "attempts": 2}, 3),
    ],
)
async def test_what_is_held_is_counted_and_heard_of_with_how_often_it_was_tried(
    error: Exception | None, changes: dict[str, Any], attempts: int, execute: Execute
) -> None:
    before = counted("held")
    with capture_events() as events:
        told = await execute(queued(**changes), error)
    assert told is not None
    assert not isinstance(told, RetryRequested)
    assert counted("held") == before + 1
    (event,) = events
    assert (event.event, event.fields["attempts"]) == ("JOB_FAILED", attempts)
    assert str(told) in repr(event.exc)


async def test_what_an_earlier_run_did_is_done_and_not_run_again(execute: Execute, tools: Tools) -> None:
    before = counted("done")
    async with tools.engine.begin() as connection:
        await claim_effect(connection, "7", "test.job")
    assert await execute(queued(), Hopeless("ran")) is None
    assert counted("done") == before + 1


@pytest.mark.parametrize(("error", "said"), [(None, None), (Hopeless("no"), "Hopeless")])
async def test_an_attempt_is_a_part_of_the_trace_that_queued_it(
    error: Exception | None, said: str | None, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    receiver = Receiver()
    try:
        with traced(monkeypatch, receiver):
            traceparent = f"00-{trace}-b7ad6b7169203331-01"
            await execute(queued(headers={"traceparent": traceparent, "failures": 1}), error)
    finally:
        receiver.close()
    span = receiver.spans["test.job"]
    assert span.trace_id.hex() == trace
    assert attributes(span)["prosaas.job.attempt"] == 2
    assert attributes(span).get("error.type") == said


def test_a_job_knows_its_key_its_cause_and_what_it_has_behind_it() -> None:
    headers = {"key": "k", "failures": 3, "waited_s": 1.5, "traceparent": "00-1"}
    known = Job.of(queued(payload=b'{"cause": {"call_sid": 5}}', headers=headers))
    assert dataclasses.asdict(known) == {
        "id": "7", "name": "test.job", "key": "k", "payload": {"cause": {"call_sid": 5}}, "cause": {"call_sid": "5"},
        "attempt": 4, "waited_s": 1.5, "traceparent": "00-1",
    }  # fmt: skip
    bare = Job.of(queued(payload=None, headers=None))
    assert (bare.key, bare.payload, bare.cause, bare.attempt, bare.waited_s, bare.traceparent) == (
        "7", {}, {}, 1, 0.0, "",
    )  # fmt: skip


async def test_an_outage_of_others_is_sat_out_for_longer_than_a_defect_of_ours(execute: Execute) -> None:
    assert isinstance(await execute(queued(headers={"failures": 7, "waited_s": 60.0}), down()), RetryRequested)


async def test_a_defect_is_tried_again_no_later_than_its_job_says(
    execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda least, _: least)
    told = await execute(queued(), TimeoutError("ours"))
    assert isinstance(told, RetryRequested)
    assert told.delay == timedelta(seconds=0.75)


async def test_how_long_a_job_took_is_told_in_milliseconds(execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(executor, "time", SimpleNamespace(monotonic=clock))

    def work() -> None:
        clock.now += 2.5

    with capture_events() as events:
        assert await execute(queued(), work=work) is None
    assert [event.fields["ms"] for event in events if event.event == "JOB_DONE"] == [2500]
