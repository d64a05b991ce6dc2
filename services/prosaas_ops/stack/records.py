"""What the database remembers of a call, in plain SQL: the mapped tables take longer to import than to ask."""

import asyncio
import json
import os
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prosaas_core.facts import zones
from prosaas_core.phones import international
from prosaas_core.postgres import address
from prosaas_ops.options import HOME, OTHERS, Problem, Usage
from prosaas_ops.texts import refused

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

_CONNECT_SECONDS = 3.0
# Whoever asks sits at a terminal, and what they ask for may be held by somebody else.
ANSWER_SECONDS = 60.0
# What a call's status is until somebody says that it ended.
OPEN = ("", "ringing", "in-progress")


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the call that is still in the queue."""

    name: str
    status: str
    attempts: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment as it stands in the calendar now, at the business's own time."""

    starts_at: datetime
    status: str
    note: str
    # Of which call it came; "" where it came otherwise.
    call_sid: str


@dataclass(frozen=True, slots=True)
class Paid:
    """What one thing about the call cost; None where its price is not known."""

    name: str
    cost: float | None
    currency: str
    estimated: bool


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
    # What the calendar says now of the appointments made in this call and of the customer's coming ones.
    appointments: list[Appointment] = field(default_factory=list)
    # When it began by the clock of the business, and where that is.
    local_start: datetime | None = None
    timezone: str = ""
    paid: list[Paid] = field(default_factory=list)
    # Which version of prosaas-calls answered.
    version: str = ""


_CALL = f"""
    select calls.*, businesses.name as business_name, customers.name as customer_name,
           calls.started_at at time zone {zones.known("businesses.timezone")} as local_start, businesses.timezone
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
_APPOINTMENTS = f"""
    select appointments.starts_at at time zone {zones.own("businesses.timezone")} as starts_at,
           appointments.status, note, coalesce(call_sid, '') as call_sid
    from appointments join businesses on businesses.id = appointments.business_id
    where call_sid = $1 or (customer_id = $2 and appointments.status = 'booked' and starts_at > now())
    order by appointments.starts_at
    limit 10
"""
_PAID = """
    select name, sum(cost) as cost, currency, bool_or(estimated) as estimated from charges where call_sid = $1
    group by name, currency, kind order by min(id)
"""
_BY_NAME = """
    select call_sid from calls where starts_with(lower(call_sid), $1) order by started_at desc limit 20
"""


class Away(Problem):
    """The database does not answer, or refuses; the text says which, why, and how that is mended."""


def call_record(call_sid: str) -> Record | None:
    """The call's record, or None while there is none: a live call, or one the database never heard of."""

    async def ask(connection: "asyncpg.Connection[Any]") -> Record | None:
        row = await connection.fetchrow(_CALL, call_sid)
        if row is None:
            return None
        appointments = [
            Appointment(*found) for found in await connection.fetch(_APPOINTMENTS, call_sid, row["customer_id"])
        ]
        paid = [Paid(*found) for found in await connection.fetch(_PAID, call_sid)]
        return _record(dict(row), await _jobs(connection, call_sid), appointments, paid)

    return asked(ask)


def searched(phone: str) -> str:
    """The number as the carrier writes it, where its beginning was typed; else the ending of one, as it was typed."""
    begun = re.sub(r"[^\d+]", "", phone).startswith(("+", "0", HOME.removeprefix("+")))
    return (international(phone, HOME) if begun else None) or phone


def local_digits(phone: str) -> str:
    """The digits in which all spellings of the number end: the whole number, where that is what was typed."""
    digits = re.sub(r"\D", "", searched(phone)).removeprefix("00").lstrip("0")
    if len(digits) < 6:
        raise Usage(refused.NO_PHONE(phone=phone))
    return digits


def missing_digits(phone: str) -> int:
    """How many digits an Israeli number lacks as it is typed; 0 for a whole one, and for those of elsewhere."""
    digits, home = re.sub(r"\D", "", phone).removeprefix("00"), HOME.removeprefix("+")
    if not digits.startswith(("0", home)):
        return 0
    local = digits.removeprefix(home).lstrip("0")
    return max(0, (9 if local[:1] in ("5", "7") else 8) - len(local))


def business_known(number: int) -> bool:
    """Whether there is such a business."""

    async def ask(connection: "asyncpg.Connection[Any]") -> bool:
        return bool(await connection.fetchval("select exists(select 1 from businesses where id = $1)", number))

    return asked(ask)


def number_known(number: str) -> bool:
    """Whether a business is called at this number, as the carrier writes it."""

    async def ask(connection: "asyncpg.Connection[Any]") -> bool:
        return bool(await connection.fetchval("select exists(select 1 from businesses where phone = $1)", number))

    return asked(ask)


def numbers() -> list[str]:
    """At which businesses are called, of the first thousand."""

    async def ask(connection: "asyncpg.Connection[Any]") -> list[str]:
        rows = await connection.fetch("select phone from businesses where phone is not null order by id limit 1000")
        return [row["phone"] for row in rows]

    return asked(ask)


def calls_named(beginning: str) -> list[str]:
    """The ids of calls that begin so, whatever the case; twenty at most, the newest first."""

    async def ask(connection: "asyncpg.Connection[Any]") -> list[str]:
        rows = await connection.fetch(_BY_NAME, beginning.lower())
        return [row["call_sid"] for row in rows]

    return asked(ask)


def database_url() -> str:
    """DATABASE_URL or the file it names."""
    path = os.environ.get("DATABASE_URL_FILE")
    try:
        url = Path(path).read_text().strip() if path else os.environ.get("DATABASE_URL", "").strip()
    except OSError as error:
        raise Problem(refused.URL_UNREAD(path=path, why=error.strerror)) from None
    if not url and OTHERS:
        raise Problem(str(refused.NO_RECORDS))
    if not url:
        raise Problem(str(refused.NO_URL))
    return url


def server() -> dict[str, Any]:
    """asyncpg's arguments for a connection that only reads: a server that can no more be written to still tells."""
    try:
        return address.arguments(database_url()) | {"target_session_attrs": "any"}
    except address.AddressError as error:
        raise Problem(refused.URL_BAD(why=error)) from None


def asked(question: "Callable[[asyncpg.Connection[Any]], Awaitable[T]]", *, within_seconds: float | None = None) -> T:
    """What the database answers on a connection of its own; Problem where it does not, or a statement takes longer."""
    import asyncpg

    from prosaas_core.postgres.refusal import CANNOT_SERVE

    within_seconds = within_seconds or ANSWER_SECONDS

    async def conversation() -> T:
        connection = await asyncpg.connect(
            **server(), timeout=_CONNECT_SECONDS, command_timeout=within_seconds, statement_cache_size=0
        )
        try:
            return await question(connection)
        except TimeoutError:
            raise Problem(refused.DATABASE_SLOW(seconds=f"{within_seconds:g}")) from None
        finally:
            await connection.close(timeout=1)

    try:
        return asyncio.run(conversation())
    except asyncpg.InvalidAuthorizationSpecificationError:
        # A container keeps the file that it was started with: read again it would say the same.
        raise Away(str(refused.OLD_PASSWORD)) from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, asyncpg.PostgresError) and not (error.sqlstate or "").startswith(CANNOT_SERVE):
            mended = (error.sqlstate or "").startswith(("3D", "42"))
            raise Away((refused.DATABASE_OTHER if mended else refused.DATABASE_REFUSES)(why=reason)) from None
        # A name that nobody knows, as the resolver says it, is a container that is not there.
        reason = str(refused.NAME_UNKNOWN) if isinstance(error, socket.gaierror) else reason
        raise Away(refused.DATABASE_AWAY(why=reason)) from None


async def _jobs(connection: "asyncpg.Connection[Any]", call_sid: str) -> list[Job]:
    return [
        Job(row["entrypoint"], row["status"], row["attempts"], row["execute_after"])
        for row in await connection.fetch(_JOBS, call_sid.encode())
    ]


def _record(row: dict[str, Any], jobs: list[Job], appointments: list[Appointment], paid: list[Paid]) -> Record:
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
        version=row.get("version") or "",
        jobs=jobs,
        appointments=appointments,
        local_start=row["local_start"],
        timezone=row["timezone"] or "",
        paid=paid,
    )


def _json(value: Any, empty: Any) -> Any:
    return (json.loads(value) if isinstance(value, str) else value) or empty


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)
