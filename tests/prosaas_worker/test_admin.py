"""What `make jobs` shows and `make retry-job` does."""

import re
import runpy
import sys

import asyncpg
import pytest
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import text

from prosaas_core.jobs import CALL_SUMMARISE, enqueue
from prosaas_worker import admin

pytestmark = pytest.mark.postgres


@pytest.fixture
async def queries(settings):
    connection = await asyncpg.connect(settings.database_url)
    yield Queries(AsyncpgDriver(connection))
    await connection.close()


@pytest.fixture
def hold(engine, queries):
    """Queue a job, and hold it with an error as the worker would."""

    async def hold(call_sid="CA1", *, status="failed"):
        async with engine.begin() as connection:
            payload = {"call_sid": call_sid, "cause": {"call_sid": call_sid}}
            await enqueue(connection, CALL_SUMMARISE, payload, key=f"{CALL_SUMMARISE}:{call_sid}")
            job_id = await connection.scalar(text("SELECT max(id) FROM pgqueuer"))
        if status == "failed":
            traceback = (
                f'{{"job_id": {job_id}, "timestamp": "2024-01-21T12:00:00Z", "exception_type": "Refused", '
                '"exception_message": "api.openai.com: answered 401", "traceback": "", "additional_context": null}'
            )
            async with engine.begin() as connection:
                await connection.execute(
                    text(
                        "UPDATE pgqueuer SET status = 'failed', "
                        'headers = headers || \'{"failures": 4, "waited_s": 60}\' WHERE id = :id'
                    ),
                    {"id": job_id},
                )
                await connection.execute(
                    text(
                        "INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority, traceback) "
                        "VALUES (:id, 'failed', 'call.summarise', 0, CAST(:traceback AS jsonb))"
                    ),
                    {"id": job_id, "traceback": traceback},
                )
        return job_id

    return hold


async def test_a_held_job_is_listed_with_its_cause_and_its_last_error(queries, hold, capsys):
    job_id = await hold()
    assert await admin.list_jobs(queries, everything=False) == 0
    (head, row, cause, error) = capsys.readouterr().out.splitlines()
    assert row.split()[:4] == [str(job_id), "held", "call.summarise", "5"]
    assert (cause.strip(), error.strip()) == ("call_sid=CA1", "Refused: api.openai.com: answered 401")
    assert max(len(head), len(row)) <= 80
    # Each column stands below its name, whichever side it is set to.
    assert (head.split(), head.index("JOB"), head.index("SINCE")) == (
        ["ID", "STATE", "JOB", "ATTEMPTS", "SINCE", "DUE"],
        row.index("call.summarise"),
        row.index(row.split()[4]),
    )


async def test_of_several_errors_of_a_job_the_last_is_told_and_of_that_its_first_words(queries, hold, engine, capsys):
    job_id = await hold()
    earlier, later = (
        f'{{"job_id": {job_id}, "timestamp": "2024-01-21T12:00:00Z", "exception_type": "Refused", '
        f'"exception_message": "{words}", "traceback": "", "additional_context": null}}'
        for words in ("earlier", "later " * 40)
    )
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority, traceback, created) VALUES "
                "(:id, 'queued', 'call.summarise', 0, CAST(:later AS jsonb), now() + interval '2 min'), "
                "(:id, 'queued', 'call.summarise', 0, CAST(:earlier AS jsonb), now() + interval '1 min')"
            ),
            {"id": job_id, "earlier": earlier, "later": later},
        )
    assert await admin.list_jobs(queries, everything=False) == 0
    error = capsys.readouterr().out.splitlines()[-1].strip()
    assert error == f"Refused: {'later ' * 40}"[:120].strip()


async def test_without_held_jobs_it_says_so(queries, hold, capsys):
    await hold(status="queued")
    assert await admin.list_jobs(queries, everything=False) == 0
    assert capsys.readouterr().out == "no held jobs\n"


async def test_the_queue_is_told_in_the_operator_s_language(queries, hold, capsys, monkeypatch):
    monkeypatch.setenv("OPS_LANG", "he")
    job_id = await hold()
    assert await admin.list_jobs(queries, everything=False) == 0
    head, line, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["מזהה", "מצב", "משימה", "ניסיונות", "מאז", "מועד"]
    assert line.split()[:3] == [str(job_id), "מוחזקת", "call.summarise"]
    assert await admin.retry(queries, [404]) == 3
    assert "job=404" in capsys.readouterr().out


async def test_waiting_jobs_are_listed_when_asked_for(queries, hold, capsys):
    await hold(status="queued")
    assert await admin.list_jobs(queries, everything=True) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert re.search(r"  waiting +call\.summarise +0  \d\d-\d\d \d\d:\d\d  \d\d-\d\d \d\d:\d\d$", row)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("status = 'failed', headers = '{\"failures\": 4}'", ("held", 5, "-")),
        ("status = 'picked', headers = '{\"failures\": 1}'", ("running", 1, "-")),
        ("headers = '{\"failures\": 2}'", ("retrying", 2, "05-06 07:08")),
        ("payload = '[]', headers = '{\"failures\": 2}'", ("waiting", 0, "05-06 07:08")),
    ],
)
async def test_a_job_is_told_by_its_state_its_failures_and_when_it_is_due(kept, told, queries, hold, engine, capsys):
    await hold(status="queued")
    async with engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE pgqueuer SET {kept}, execute_after = '2035-05-06 07:08+00', updated = '2024-03-04 05:06+00'")
        )
    assert await admin.list_jobs(queries, everything=True) == 0
    row = re.split(r"  +", capsys.readouterr().out.splitlines()[1].strip())
    assert (row[1], int(row[3]), row[5]) == told
    assert row[4] == "03-04 05:06"


async def test_a_held_job_goes_back_with_fresh_attempts(queries, hold, engine, capsys):
    job_id = await hold()
    assert await admin.retry(queries, [job_id]) == 0
    assert f"job {job_id} (call.summarise) is queued again" in capsys.readouterr().out
    async with engine.connect() as connection:
        statement = text("SELECT status::text, headers ?| array['failures', 'waited_s'] FROM pgqueuer")
        assert tuple((await connection.execute(statement)).one()) == ("queued", False)


async def test_a_job_that_is_not_held_is_named_and_left_alone(queries, hold, capsys):
    job_id = await hold(status="queued")
    assert await admin.retry(queries, [job_id, 404]) == 3
    out = capsys.readouterr().out
    assert f"job {job_id} is not held" in out
    assert "job 404 is not held" in out


async def test_what_cannot_go_back_keeps_nothing_else_from_it_and_is_the_outcome(queries, hold, capsys):
    job_id = await hold()
    assert await admin.retry(queries, [404, job_id]) == 3
    assert f"job {job_id} (call.summarise) is queued again" in capsys.readouterr().out


async def test_a_job_whose_work_is_queued_anew_is_not_doubled(queries, hold, capsys):
    held, other = await hold(), await hold("CA2")
    await hold(status="queued")
    assert await admin.retry(queries, [held, other]) == 1
    out = capsys.readouterr().out
    assert "queued already" in out
    assert f"job {other} (call.summarise) is queued again" in out


def test_a_wrong_password_is_one_readable_line(database_url, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url.replace(":not-a-secret@", ":wrong@"))
    assert admin.main(["jobs"]) == 1
    assert "the database does not answer: password" in capsys.readouterr().err


def test_a_missing_database_is_one_readable_line(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "postgresql://prosaas@127.0.0.1:1/prosaas")
    assert admin.main(["jobs"]) == 1
    assert "the database does not answer" in capsys.readouterr().err


def test_a_database_that_is_silent_is_named_by_that_after_ten_seconds(monkeypatch, capsys):
    async def connect(**options):
        assert options["timeout"] == 10
        raise TimeoutError

    monkeypatch.setattr(asyncpg, "connect", connect)
    monkeypatch.setenv("DATABASE_URL", "postgresql://prosaas@127.0.0.1:1/prosaas")
    assert admin.main(["jobs"]) == 1
    assert "the database does not answer: TimeoutError" in capsys.readouterr().err


def test_settings_of_no_use_end_it_with_2(monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "mysql://prosaas@127.0.0.1:1/prosaas")
    assert admin.main(["jobs"]) == 2
    assert "DATABASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["retry"], ["retry", "first"], ["jobs", "--none"]])
def test_wrong_usage_ends_with_2(arguments):
    with pytest.raises(SystemExit) as ended:
        admin.main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "outcome", "said"),
    [
        (["jobs"], 0, "no held jobs"),
        (["jobs", "--all"], 0, "no jobs"),
        (["retry", "404", "405"], 3, "job 404 is not held"),
    ],
)
def test_each_command_says_what_it_found_and_ends_by_it(arguments, outcome, said, database_url, monkeypatch, capsys):
    """In English where nobody says which language they speak; and it leaves the database."""
    connect, connections = asyncpg.connect, []

    async def noting(**options):
        connections.append(await connect(**options))
        return connections[-1]

    monkeypatch.setattr(asyncpg, "connect", noting)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("OPS_LANG", raising=False)
    monkeypatch.setattr(sys, "argv", ["admin", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(admin.__file__, run_name="__main__")
    assert ended.value.code == outcome
    assert capsys.readouterr().out.startswith(said)
    assert [connection.is_closed() for connection in connections] == [True]
