"""The queue end to end on a real Postgres: done once, retried, held, released, and back after an outage."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from pgqueuer import PgQueuer
from sqlalchemy import make_url, text

from ports import free_port
from prosaas_core.database import DatabaseUnavailable
from prosaas_core.jobs import enqueue
from prosaas_core.outward.http import Refused, Unavailable
from prosaas_core.patience import Patience
from prosaas_core.postgres import address
from prosaas_core.queries import claim_effect
from prosaas_logging import capture_events
from prosaas_worker import metrics
from prosaas_worker.job import Hopeless, Later, Tools
from prosaas_worker.queue import Queue

pytestmark = pytest.mark.postgres

SAFETY_S = 60
QUICK = Patience(first_s=0.01, longest_s=0.01, total_s=0.02)
ENDLESS = Patience(first_s=0.01, longest_s=0.01)
DEFAULTS: dict[str, Any] = {"concurrency": 20, "lease": timedelta(seconds=30), "patience": {"test.job": QUICK}}


@asynccontextmanager
async def working(tools: Tools, body=None, *, timetable=None, **options):
    """A worker whose only job is *body*."""
    queue = Queue(
        tools,
        {"test.job": body} if body else {},
        timetable or {},
        database_url=tools.settings.database_url,
        reconnect_s=0.05,
        **DEFAULTS | options,
    )
    running = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        await queue.drain(0)
        await running


async def put(tools: Tools, key: str = "test:1", **payload: object) -> None:
    async with tools.engine.begin() as connection:
        assert await enqueue(connection, "test.job", payload, key=key)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Look until it is so; what is looked at is in the database, which wakes nobody up."""
    async with asyncio.timeout(SAFETY_S):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def rows(tools: Tools) -> list[tuple[str, int]]:
    async with tools.engine.connect() as connection:
        found = await connection.execute(text("SELECT status::text, attempts FROM pgqueuer ORDER BY id"))
        return [tuple(row) for row in found]


async def empty(tools: Tools) -> bool:
    return await rows(tools) == []


async def held(tools: Tools) -> bool:
    return [status for status, _ in await rows(tools)] == ["failed"]


async def test_a_job_gets_its_payload_and_key_and_leaves_the_queue(tools):
    seen = []

    async def body(job, _):
        seen.append((job.key, job.payload["n"], job.attempt))

    await put(tools, key="test:42", n=42)
    async with working(tools, body):
        await until(lambda: empty(tools))
    assert seen == [("test:42", 42, 1)]


async def test_a_job_that_somebody_queued_without_headers_is_known_by_its_id(tools):
    seen = []

    async def body(job, _):
        seen.append((job.id, job.key, job.attempt))

    await put(tools)
    async with tools.engine.begin() as connection:
        await connection.execute(text("UPDATE pgqueuer SET headers = NULL"))
    async with working(tools, body):
        await until(lambda: empty(tools))
    assert seen == [("1", "1", 1)]


async def test_each_line_of_a_job_carries_its_id_and_what_caused_it(tools):
    from prosaas_logging import get_logger

    async def body(job, _):
        get_logger("test").info("working")

    with capture_events() as events:
        await put(tools, cause={"call_sid": "CA1"})
        async with working(tools, body):
            await until(lambda: empty(tools))
    lines = [event for event in events if event.event == "JOB_DONE" or event.text == "working"]
    assert [(line.fields["job_id"], line.fields["call_sid"]) for line in lines] == [("1", "CA1")] * 2


async def test_a_done_job_is_told_of_with_the_time_that_it_took(tools):
    async def body(job, _):
        pass

    def measured() -> float:
        return metrics.REGISTRY.get_sample_value("prosaas_job_seconds_sum", {"job": "test.job"}) or 0.0

    await put(tools)
    before, began = measured(), time.monotonic()
    with capture_events() as events:
        async with working(tools, body):
            await until(lambda: empty(tools))
    seconds, longest = measured() - before, time.monotonic() - began
    (done,) = (event for event in events if event.event == "JOB_DONE")
    assert 0 < seconds < longest
    assert done.fields["ms"] == pytest.approx(seconds * 1000, abs=1)


async def test_an_exception_is_retried_with_a_warning_and_forgotten_once_it_works(tools):
    attempts = []

    async def body(job, _):
        attempts.append(job.attempt)
        if job.attempt < 3:
            raise Unavailable("api.test", "not yet")

    await put(tools)
    with capture_events() as events:
        async with working(tools, body):
            await until(lambda: empty(tools))
    assert attempts == [1, 2, 3]
    # Which `make jobs` shows of one that is tried again.
    async with tools.engine.connect() as connection:
        kept = await connection.scalars(text("SELECT traceback->>'exception_message' FROM pgqueuer_log ORDER BY id"))
        assert [why for why in kept if why] == ["Unavailable: api.test: not yet"] * 2
    retries = [event for event in events if event.event == "JOB_RETRY"]
    assert [(retry.level, retry.fields["attempt"], retry.fields["error"]) for retry in retries] == [
        ("WARNING", 1, "Unavailable: api.test: not yet"),
        ("WARNING", 2, "Unavailable: api.test: not yet"),
    ]
    assert [event.event for event in events].count("JOB_DONE") == 1


async def test_a_job_that_keeps_failing_is_held_with_one_error_and_its_stack(tools):
    async def body(job, _):
        raise Unavailable("api.test", "never")

    await put(tools)
    with capture_events() as events:
        async with working(tools, body):
            await until(lambda: held(tools))
    failures = [event for event in events if event.event == "JOB_FAILED"]
    assert [failure.level for failure in failures] == ["ERROR"]
    assert int(str(failures[0].fields["attempts"])) >= 3
    assert failures[0].exc is not None
    assert "never" in repr(failures[0].exc)


async def test_a_payload_that_cannot_be_read_is_held_and_heard_of(tools):
    async def body(job, _): ...

    await put(tools)
    async with tools.engine.begin() as connection:
        await connection.execute(text("UPDATE pgqueuer SET payload = 'not json'"))
    with capture_events() as events:
        async with working(tools, body):
            await until(lambda: held(tools))
    (failure,) = [event for event in events if event.event == "JOB_FAILED"]
    assert (failure.fields["job_id"], failure.exc is not None) == ("1", True)


@pytest.mark.parametrize("error", [Hopeless("no such call"), Refused("api.test", 400)])
async def test_what_cannot_get_better_is_held_at_once(error, tools):
    async def body(job, _):
        raise error

    await put(tools)
    with capture_events() as events:
        async with working(tools, body):
            await until(lambda: held(tools))
    assert [event.event for event in events if event.event in ("JOB_RETRY", "JOB_FAILED")] == ["JOB_FAILED"]


async def test_a_defect_is_held_with_its_stack_after_a_few_tries_however_patient_the_job_is(tools):
    tries = []

    async def body(job, _):
        tries.append(job.attempt)
        raise TimeoutError("ours")

    await put(tools)
    with capture_events() as events:
        async with working(tools, body, patience={"test.job": ENDLESS}):
            await until(lambda: held(tools))
    assert tries == [1, 2, 3, 4, 5]
    assert [event.exc is not None for event in events if event.event == "JOB_FAILED"] == [True]


async def test_neither_our_own_outage_nor_a_restart_nor_a_wait_uses_patience_up(tools):
    passed: list[Any] = []
    seen: list[Any] = []

    async def body(job, _):
        seen.append((job.attempt, job.waited_s))
        if len(seen) <= 6:
            raise passed[len(seen) - 1]
        if len(seen) == 7:
            raise Unavailable("api.test", "down")

    passed.extend([DatabaseUnavailable("away"), Later(0.01, "early"), asyncio.CancelledError()] * 2)
    await put(tools)
    async with working(tools, body) as queue:
        while len(seen) < 8 and not await empty(tools):
            async with tools.engine.begin() as connection:
                await connection.execute(text("UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued'"))
            await asyncio.sleep(0.02)
        assert not queue.draining
    assert [attempt for attempt, _ in seen] == [1] * 7 + [2]
    assert [waited for _, waited in seen[:7]] == [0.0] * 7


async def test_a_job_that_another_worker_took_over_is_not_put_back_under_its_feet(tools):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def body(job, _):
        started.set()
        await go_on.wait()
        raise Unavailable("api.test", "down")

    await put(tools)
    async with working(tools, body) as queue:
        await asyncio.wait_for(started.wait(), SAFETY_S)
        async with tools.engine.begin() as connection:
            await connection.execute(
                text("UPDATE pgqueuer SET queue_manager_id = gen_random_uuid(), heartbeat = now()")
            )
        go_on.set()
        await until(lambda: returned(queue))
    assert await rows(tools) == [("picked", 0)]


async def returned(queue):
    return not queue._running


async def test_a_job_whose_effect_is_in_place_is_done_without_running(tools):
    async def body(job, _):
        raise AssertionError("ran")

    async with tools.engine.begin() as connection:
        await claim_effect(connection, "test:1", "test.job")
    await put(tools)
    with capture_events() as events:
        async with working(tools, body):
            await until(lambda: empty(tools))
    assert "JOB_DONE" in [event.event for event in events]


async def test_twenty_of_the_same_job_are_one_row(tools):
    async def one():
        async with tools.engine.begin() as connection:
            return await enqueue(connection, "test.job", {}, key="same")

    assert sum(await asyncio.gather(*(one() for _ in range(20)))) == 1
    assert len(await rows(tools)) == 1


async def test_a_job_is_not_there_when_its_row_was_rolled_back(tools):
    async def fails():
        async with tools.engine.begin() as connection:
            await enqueue(connection, "test.job", {}, key="lost")
            raise RuntimeError("roll back")

    with pytest.raises(RuntimeError, match="roll back"):
        await fails()
    assert await empty(tools)


async def test_draining_lets_a_running_job_finish_and_is_not_taken_for_being_stuck(tools, monkeypatch):
    """Nobody looks for jobs any more: a health check that minds would end the worker in the middle of its last ones."""
    monkeypatch.setattr("prosaas_worker.queue._STUCK_S", -1.0)
    started, go_on, finished = asyncio.Event(), asyncio.Event(), []

    async def body(job, _):
        started.set()
        await go_on.wait()
        finished.append(job.key)

    await put(tools)
    async with working(tools, body) as queue:
        await asyncio.wait_for(started.wait(), SAFETY_S)
        assert queue.stuck
        draining = asyncio.create_task(queue.drain(SAFETY_S))
        await asyncio.sleep(0)
        assert not queue.ready
        assert not queue.stuck
        go_on.set()
        await draining
    assert finished == ["test:1"]
    assert await empty(tools)


async def test_a_job_that_outlasts_the_drain_goes_back_and_another_worker_does_it(tools):
    started, second = asyncio.Event(), []

    async def endless(job, _):
        started.set()
        await asyncio.Event().wait()

    async def quick(job, _):
        second.append(job.key)

    await put(tools)
    with capture_events() as events:
        async with working(tools, endless):
            await asyncio.wait_for(started.wait(), SAFETY_S)
    assert [status for status, _ in await rows(tools)] == ["queued"]
    drained = {"DRAIN_START": "active", "DRAIN_END": "left"}
    assert [event.fields[drained[event.event]] for event in events if event.event in drained] == [1, 1]
    async with working(tools, quick):
        await until(lambda: empty(tools))
    assert second == ["test:1"]


async def test_a_job_of_a_worker_that_vanished_runs_again_when_its_lease_ends(tools):
    seen = []

    async def body(job, _):
        seen.append(job.key)

    await put(tools)
    async with tools.engine.begin() as connection:
        await connection.execute(
            text("UPDATE pgqueuer SET status = 'picked', heartbeat = now(), queue_manager_id = gen_random_uuid()")
        )
    async with working(tools, body, lease=timedelta(seconds=2)):
        await until(lambda: empty(tools))
    assert seen == ["test:1"]


async def test_as_many_jobs_run_at_once_as_there_is_room_for_and_no_more_however_little_it_is(tools):
    """PgQueuer refuses to start where two of its batches have no room."""
    running, most, together = set(), [], asyncio.Barrier(2)

    async def body(job, _):
        running.add(job.key)
        most.append(len(running))
        await together.wait()
        running.remove(job.key)

    for number in range(6):
        await put(tools, key=f"test:{number}")
    async with working(tools, body, concurrency=2):
        await until(lambda: empty(tools))
    assert len(most) == 6
    assert max(most) == 2


async def test_a_worker_that_is_stopped_while_it_connects_takes_no_job(tools, monkeypatch):
    create_pool = asyncpg.create_pool
    jobs = {"test.job": lambda job, _: pytest.fail("ran")}
    queue = Queue(tools, jobs, {}, database_url=tools.settings.database_url, **DEFAULTS)

    async def stop(connection):
        if not queue.draining:
            await queue.drain(0)

    monkeypatch.setattr(asyncpg, "create_pool", lambda **options: create_pool(**options, init=stop))
    await put(tools)
    await asyncio.wait_for(queue.run(), 10)
    assert await rows(tools) == [("queued", 0)]


async def test_a_lost_connection_is_heard_of_and_the_work_goes_on(tools, engine):
    async def body(job, _): ...

    with capture_events() as said:
        async with working(tools, body, lease=timedelta(seconds=2)):

            async def back():
                return heard(said) == ["QUEUE_LOST", "QUEUE_BACK"]

            # Whoever takes jobs listens; a connection that goes before that is only replaced.
            await put(tools, key="test:0")
            await until(lambda: empty(tools))
            async with engine.begin() as connection:
                await connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            await until(back)
            await put(tools)
            await until(lambda: empty(tools))


def heard(said):
    return [event.event for event in said if event.event and event.event.startswith("QUEUE")]


async def test_a_connection_that_breaks_in_mid_protocol_is_a_lost_one_each_time_for_as_long_as_it_was(
    tools, monkeypatch
):
    """asyncpg has an error of its own for it, which is neither Postgres's nor an interface's."""
    run, clock = PgQueuer.run, asyncio.get_running_loop().time
    moments: list[float] = []

    async def break_twice(queue, **options):
        if len(moments) < 2:
            await asyncio.sleep(0.5)
            moments.append(clock())
            raise asyncpg.InternalClientError("another operation is in progress")
        moments.append(clock())
        await run(queue, **options)

    async def body(job, _): ...

    monkeypatch.setattr(PgQueuer, "run", break_twice)
    with capture_events() as said:
        async with working(tools, body):
            await put(tools)
            await until(lambda: empty(tools))

    assert heard(said) == ["QUEUE_LOST", "QUEUE_BACK"] * 2
    away = [float(str(event.fields["away_s"])) for event in said if event.event == "QUEUE_BACK"]
    assert away[0] <= moments[1] - moments[0] - 0.4
    assert away[1] <= moments[2] - moments[1] + 0.1


def elsewhere(url):
    return url.replace(url.rpartition("@")[2], f"127.0.0.1:{free_port()}/none")


def strange_database(url):
    return f"{url.rpartition('/')[0]}/nobodys"


def wrong_password(url):
    return re.sub(":[^:@]+@", ":wrong@", url)


@pytest.mark.parametrize("wrong", [elsewhere, strange_database, wrong_password])
async def test_a_database_that_lets_nobody_in_is_a_warning_without_end_and_its_return_is_news(
    wrong, tools, monkeypatch
):
    away = wrong(tools.settings.database_url)
    assert away != tools.settings.database_url
    create_pool = asyncpg.create_pool
    tries = []

    def at_first_away(**options):
        tries.append(options)
        return create_pool(**options | (address.arguments(away) if len(tries) <= 3 else {}))

    monkeypatch.setattr(asyncpg, "create_pool", at_first_away)
    with capture_events() as events:
        async with working(tools, disorder=Patience(first_s=0.01, longest_s=0.01, total_s=0)) as queue:

            async def ready():
                return queue.ready

            await until(ready)
    assert heard(events) == ["QUEUE_LOST"] * 3 + ["QUEUE_BACK"]
    assert {(event.level, event.exc) for event in events if event.event == "QUEUE_LOST"} == {("WARNING", None)}


async def test_a_database_that_can_only_be_read_for_a_while_is_waited_for(tools, engine):
    """A standby, or a disk that is nearly full: it lets us in and takes nothing."""
    database = make_url(tools.settings.database_url).database
    seen = []

    async def body(job, _):
        seen.append(job.attempt)

    await put(tools)
    async with engine.connect() as connection:
        await connection.execute(text(f"ALTER DATABASE {database} SET default_transaction_read_only = on"))
        await connection.commit()
        with capture_events() as said:
            async with working(tools, body, disorder=Patience(first_s=0.01, longest_s=0.01, total_s=0)):

                async def lost_thrice():
                    return heard(said).count("QUEUE_LOST") >= 3

                await until(lost_thrice)
                await connection.execute(text(f"ALTER DATABASE {database} RESET default_transaction_read_only"))
                await connection.commit()
                await until(lambda: empty(tools))
    assert seen == [1]
    assert all(event.exc is None for event in said if event.event == "QUEUE_LOST")


async def test_disorder_has_a_stack_and_ends_the_worker_when_patience_ends(tools, engine):
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE pgqueuer_log CASCADE"))
    queue = Queue(
        tools,
        {},
        {},
        database_url=tools.settings.database_url,
        **DEFAULTS,
        disorder=Patience(first_s=0.01, longest_s=0.01, total_s=0.03),
    )
    with capture_events() as events, pytest.raises(RuntimeError, match="pgqueuer_log"):
        await asyncio.wait_for(queue.run(), SAFETY_S)
    lost = [event for event in events if event.event == "QUEUE_LOST"]
    assert len(lost) >= 3
    assert all(event.exc is not None for event in lost)


async def test_a_connected_queue_that_nobody_looks_at_for_a_minute_is_stuck(tools, monkeypatch):
    async with working(tools) as queue:

        async def looked():
            return queue.ready and queue._queries is not None and queue._queries.looked_at is not None

        await until(looked)
        assert not queue.stuck
        for silent_s, stuck in ((60, False), (60.5, True)):
            now = time.monotonic() + silent_s
            monkeypatch.setattr("prosaas_worker.queue.time", SimpleNamespace(monotonic=lambda now=now: now))
            queue._queries.looked_at = now - silent_s
            assert queue.stuck is stuck
        queue._queries.looked_at = None
        assert not queue.stuck


async def test_a_failing_chore_is_an_error_with_its_stack_and_comes_round_again(tools):
    turns = asyncio.Semaphore(0)

    async def chore(_):
        turns.release()
        raise RuntimeError("chore")

    with capture_events() as events:
        async with working(tools, timetable={"test.chore": ("* * * * * *", chore)}):
            async with asyncio.timeout(SAFETY_S):
                await turns.acquire()
                await turns.acquire()
    failures = [event for event in events if event.event == "CHORE_FAILED"]
    assert len(failures) >= 2
    assert all(failure.exc is not None for failure in failures)


async def test_disorder_is_counted_from_its_beginning_and_anew_after_an_outage_or_after_work(tools, monkeypatch):
    """What passes uses no patience up; only what comes again and again does."""
    asked: list[tuple[int, float]] = []
    run = PgQueuer.run
    errors: Any = [RuntimeError("1"), RuntimeError("2"), "ends", RuntimeError("3"), ConnectionResetError("away"),
                   RuntimeError("4"), "works"]  # fmt: skip

    class Counting:
        def pause(self, failures: int, waited_s: float) -> float | None:
            asked.append((failures, waited_s))
            return 0.01 if len(asked) < 6 else None

    async def fail(queue, **options):
        error = errors.pop(0) if errors else RuntimeError("6")
        if error == "ends":
            return
        if error != "works":
            raise error
        stopping = asyncio.get_running_loop().create_task(run(queue, **options))
        await until(looked)
        queue.shutdown.set()
        await stopping
        raise RuntimeError("5")

    async def looked():
        return queue._queries is not None and queue._queries.looked_at is not None

    monkeypatch.setattr(PgQueuer, "run", fail)
    options = {**DEFAULTS, "disorder": Counting(), "reconnect_s": 0.01}
    queue = Queue(tools, {}, {}, database_url=tools.settings.database_url, **options)
    with capture_events() as events, pytest.raises(RuntimeError, match="6"):
        await asyncio.wait_for(queue.run(), SAFETY_S)
    assert asked == [(1, 0.0), (2, 0.01), (1, 0.0), (1, 0.0), (1, 0.0), (2, 0.01)]
    # What has ended by itself was not lost: nothing comes back after it.
    assert heard(events) == ["QUEUE_LOST", "QUEUE_BACK"] * 6 + ["QUEUE_LOST"]


async def test_a_chore_that_comes_at_another_time_now_comes_no_longer_at_the_old_one(tools):
    async def chore(_): ...

    async def expressions():
        async with tools.engine.connect() as connection:
            return list(await connection.scalars(text("SELECT expression FROM pgqueuer_schedules")))

    for expression in ("0 3 * * *", "0 4 * * *"):
        async with working(tools, timetable={"test.chore": (expression, chore)}):

            async def known(expression=expression):
                return expression in await expressions()

            await until(known)
    assert await expressions() == ["0 4 * * *"]


async def test_tries_are_a_second_apart_in_an_outage_and_ever_further_in_disorder_for_five_minutes_in_all(
    tools, monkeypatch
):
    errors: Any = chain(repeat(ConnectionResetError("away"), 3), repeat(RuntimeError("disorder"), 20))
    pauses = []

    def create_pool(**_):
        raise next(errors, None) or pytest.fail("tried without end")

    async def wait_for(stopping, pause):
        stopping.close()
        pauses.append(pause)
        raise TimeoutError

    monkeypatch.setattr(asyncpg, "create_pool", create_pool)
    monkeypatch.setattr(asyncio, "wait_for", wait_for)
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)
    with pytest.raises(RuntimeError, match="disorder"):
        await Queue(tools, {}, {}, database_url=tools.settings.database_url, **DEFAULTS).run()
    assert pauses == [1.0] * 3 + [1.0, 2.0, 4.0, 8.0, 16.0] + [30.0] * 8 + [29.0]


@pytest.mark.parametrize(("concurrency", "batch"), [(2, 1), (20, 10), (100, 10)])
async def test_it_takes_ten_jobs_at_most_at_a_time_of_half_its_room_and_looks_for_more_every_second(
    concurrency, batch, tools, monkeypatch
):
    """Over six connections at most, and none that is only held: a server that is silent is an outage after a while."""
    create_pool = asyncpg.create_pool
    pool: dict[str, Any] = {}
    options: dict[str, Any] = {}

    def noting_pool(**given):
        pool.update(given)
        return create_pool(**given)

    async def noting_run(_, **given):
        options.update(given)
        await queue.drain(0)

    monkeypatch.setattr(asyncpg, "create_pool", noting_pool)
    monkeypatch.setattr(PgQueuer, "run", noting_run)
    room = {**DEFAULTS, "concurrency": concurrency}
    queue = Queue(tools, {}, {}, database_url=tools.settings.database_url, **room)
    await asyncio.wait_for(queue.run(), SAFETY_S)
    assert (options["batch_size"], options["max_concurrent_tasks"]) == (batch, concurrency)
    assert (options["dequeue_timeout"], options["heartbeat_timeout"]) == (timedelta(seconds=1), room["lease"])
    held = {"min_size": 0, "max_size": 6, "command_timeout": 30, "timeout": 10}
    assert {name: pool[name] for name in held} == held


async def test_it_is_ready_while_it_is_connected_and_leaves_nothing_open_of_what_it_lost(tools, monkeypatch):
    create_pool = asyncpg.create_pool
    pools: list[asyncpg.Pool] = []
    ready: list[bool] = []

    def connecting(**options):
        ready.append(queue.ready)
        pools.append(create_pool(**options))
        return pools[-1]

    async def connected(*_, **__):
        ready.append(queue.ready)
        if len(pools) == 1:
            raise ConnectionResetError("away")
        await queue.drain(0)

    monkeypatch.setattr(asyncpg, "create_pool", connecting)
    monkeypatch.setattr(PgQueuer, "run", connected)
    queue = Queue(tools, {}, {}, database_url=tools.settings.database_url, **DEFAULTS, reconnect_s=0.01)
    await asyncio.wait_for(queue.run(), SAFETY_S)
    assert ready == [False, True] * 2
    assert [pool.is_closing() for pool in pools] == [True] * 2
