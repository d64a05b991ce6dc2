"""`python -m prosaas_worker.admin jobs|retry`: what an operator sees of the queue, and putting a held job back."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable
from datetime import UTC

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job as QueuedJob
from pgqueuer.queries import Queries
from pgqueuer.types import JobId

from prosaas_core.postgres import address
from prosaas_core.settings import SettingsError, load_settings
from prosaas_worker.job import Job
from prosaas_worker.words import QUEUE, in_language

FINE, PROBLEM, USAGE, NOTHING = 0, 1, 2, 3
_LIMIT = 200


def _said(what: str, **values: object) -> str:
    """In the language of who asks, which `make` hands over; English where nobody does."""
    return in_language(QUEUE[what], os.environ.get("OPS_LANG") or "en").format(**values)


async def list_jobs(queries: Queries, *, everything: bool) -> int:
    """Print the held jobs, with *everything* also those that wait or run."""
    jobs = await queries.browse_queue(limit=_LIMIT, statuses=None if everything else ["failed"])
    if not jobs:
        print(_said("none" if everything else "none held"))
        return FINE
    number, state, name, attempts, since, due = _said("head").split()
    head = f"{number:>8}  {state:<8}  {name:<20}  {attempts:>8}  {since:<11}  {due:<11}"
    print(head.replace("_", " ").rstrip())
    for job in jobs:
        print("\n".join(_rows(job, await _last_error(queries, job))))
    return FINE


async def retry(queries: Queries, ids: Iterable[int]) -> int:
    """Put held jobs back into the queue with fresh attempts; 3 when one of them is not held."""
    outcome = FINE
    for number in ids:
        job = await queries.queue_job_by_id(JobId(number))
        if job is None or job.status != "failed":
            print(_said("not held", number=number))
            outcome = NOTHING
            continue
        try:
            await queries.requeue_jobs([job.id])
            await _forget_failures(queries, job.id)
        except asyncpg.UniqueViolationError:
            print(_said("twice", number=number))
            outcome = PROBLEM
            continue
        print(_said("back", number=number, name=job.entrypoint))
    return outcome


async def _forget_failures(queries: Queries, job_id: JobId) -> None:
    table = queries.qbq.qualified.queue_table
    await queries.driver.execute(
        f"UPDATE {table} SET headers = headers - 'failures' - 'waited_s' WHERE id = $1::bigint", job_id
    )


def _rows(job: QueuedJob, error: str) -> list[str]:
    """A row of 80 columns, and below it what the job is about and why it failed last, where that is known."""
    state: str = job.status if job.status in ("failed", "picked") else "queued"
    try:
        known = Job.of(job)
        failures, cause = known.attempt - 1, known.cause
    except (ValueError, AttributeError):
        failures, cause = 0, {}
    if job.status == "queued" and failures:
        state = "again"
    since = f"{job.updated.astimezone(UTC):%m-%d %H:%M}"
    due = f"{job.execute_after.astimezone(UTC):%m-%d %H:%M}" if job.status == "queued" else "-"
    attempts = failures + (job.status == "failed")
    row = f"{job.id:>8}  {_said(state):<8}  {job.entrypoint:<20}  {attempts:>8}  {since:<11}  {due}"
    named = " ".join(f"{name}={value}" for name, value in cause.items())
    return [row, *(f"{'':10}{more}" for more in (named, error) if more)]


async def _last_error(queries: Queries, job: QueuedJob) -> str:
    history = await queries.job_log_history(job.id)
    for entry in sorted(history, key=lambda entry: entry.created, reverse=True):
        if entry.traceback is not None:
            return f"{entry.traceback.exception_type}: {entry.traceback.exception_message}".splitlines()[0][:120]
    return ""


async def _run(options: argparse.Namespace, database_url: str) -> int:
    connection = await asyncpg.connect(**address.arguments(database_url), timeout=10)
    try:
        queries = Queries(AsyncpgDriver(connection))
        if options.command == "retry":
            return await retry(queries, options.id)
        return await list_jobs(queries, everything=options.all)
    finally:
        await connection.close()


def main(arguments: list[str]) -> int:
    """Exit 0 fine, 1 problem found, 2 wrong usage, 3 nothing matched."""
    parser = argparse.ArgumentParser(prog="python -m prosaas_worker.admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    jobs = commands.add_parser("jobs", help="list the held jobs")
    jobs.add_argument("--all", action="store_true", help="also those that wait, retry or run")
    again = commands.add_parser("retry", help="put held jobs back into the queue")
    again.add_argument("id", nargs="+", type=int)
    options = parser.parse_args(arguments)
    try:
        return asyncio.run(_run(options, load_settings().database_url))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return USAGE
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        print(_said("away", said=said), file=sys.stderr)
        return PROBLEM


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
