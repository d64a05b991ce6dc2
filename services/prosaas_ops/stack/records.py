"""What the database remembers of a call, in plain SQL: the mapped tables take longer to import than to ask."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prosaas_ops.options import Problem, Usage

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

_CONNECT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the call that is still in the queue."""

    name: str
    status: str
    attempts: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the calls table, with the names it refers to."""

    call_sid: str
    business: str
    customer: str
    direction: str
    from_number: str
    to_number: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: float | None
    end_reason: str
    metrics: dict[str, Any]
    transcript: list[dict[str, Any]]
    events: list[dict[str, Any]]
    summary: str
    jobs: list[Job] = field(default_factory=list)


_CALL = """
    select calls.*, businesses.name as business_name, customers.name as customer_name
    from calls
    left join businesses on businesses.id = calls.business_id
    left join customers on customers.id = calls.customer_id
    where call_sid = $1
"""
_JOBS = """
    select entrypoint, status::text as status, attempts, execute_after
    from pgqueuer
    where position($1::bytea in payload) > 0
    order by id
"""
_BY_PHONE = """
    select call_sid, started_at, duration_s, end_reason
    from calls
    where regexp_replace(coalesce(from_number, ''), '[^0-9]', '', 'g') like '%' || $1
       or regexp_replace(coalesce(to_number, ''), '[^0-9]', '', 'g') like '%' || $1
    order by started_at desc nulls last
    limit 20
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One call of a phone number's."""

    call_sid: str
    started_at: datetime | None
    duration_s: float | None
    end_reason: str


def call_record(call_sid: str) -> Record | None:
    """The call's record, or None while there is none: a live call, or one the database never heard of."""

    async def ask(connection: "asyncpg.Connection[Any]") -> Record | None:
        row = await connection.fetchrow(_CALL, call_sid)
        if row is None:
            return None
        return _record(dict(row), await _jobs(connection, call_sid))

    return _ask(ask)


def calls_of(phone: str) -> list[Found]:
    """The newest calls from or to the number, however it is written: 050-1234567 and +972 50 123 4567 are one."""
    digits = re.sub(r"\D", "", phone).removeprefix("00").lstrip("0")
    if len(digits) < 6:
        raise Usage(f"PHONE={phone} is no phone number: one looks like PHONE=+972501234567")

    async def ask(connection: "asyncpg.Connection[Any]") -> list[Found]:
        return [
            Found(row["call_sid"], row["started_at"], _seconds(row["duration_s"]), row["end_reason"] or "")
            for row in await connection.fetch(_BY_PHONE, digits)
        ]

    return _ask(ask)


def database_url() -> str:
    """DATABASE_URL or the file it names, without the driver that SQLAlchemy wants in it."""
    path = os.environ.get("DATABASE_URL_FILE")
    try:
        url = Path(path).read_text().strip() if path else os.environ.get("DATABASE_URL", "")
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}. `make setup` writes it") from None
    if not url:
        raise Problem("DATABASE_URL is not set for the ops container: run this through make")
    return re.sub(r"^postgres(?:ql)?(?:\+\w+)?://", "postgresql://", url)


def _ask(question: "Callable[[asyncpg.Connection[Any]], Awaitable[T]]") -> T:
    import asyncpg

    async def conversation() -> T:
        connection = await asyncpg.connect(database_url(), timeout=_CONNECT_SECONDS, statement_cache_size=0)
        try:
            return await question(connection)
        finally:
            await connection.close(timeout=1)

    try:
        return asyncio.run(conversation())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Problem(f"the database does not answer: {reason}. `make ps` shows whether postgres is healthy") from None


async def _jobs(connection: "asyncpg.Connection[Any]", call_sid: str) -> list[Job]:
    return [
        Job(row["entrypoint"], row["status"], row["attempts"], row["execute_after"])
        for row in await connection.fetch(_JOBS, call_sid.encode())
    ]


def _record(row: dict[str, Any], jobs: list[Job]) -> Record:
    return Record(
        call_sid=row["call_sid"],
        business=" ".join(str(part) for part in (row["business_id"], row["business_name"]) if part),
        customer=row["customer_name"] or "",
        direction=row["direction"] or "",
        from_number=row["from_number"] or "",
        to_number=row["to_number"] or "",
        status=row["status"] or "",
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        duration_s=_seconds(row["duration_s"]),
        end_reason=row["end_reason"] or "",
        metrics=_json(row["metrics"], {}),
        transcript=_json(row["transcript"], []),
        events=_json(row["events"], []),
        summary=row["summary"] or "",
        jobs=jobs,
    )


def _json(value: Any, empty: Any) -> Any:
    return (json.loads(value) if isinstance(value, str) else value) or empty


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)
