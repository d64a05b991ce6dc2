"""One person in the database: who they are, which rows are theirs, what these say, and their end."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from prosaas_core.facts.endings import HANDED_OVER
from prosaas_core.phones import without_trunk
from prosaas_core.privacy.files import mentions
from prosaas_core.privacy.places import NAMED, PLACES, Place, spelled
from prosaas_core.privacy.statements import erases, finds, lists, reads, shows

if TYPE_CHECKING:
    import asyncpg

_LEAST_DIGITS = 8
_CUSTOMER = "SELECT phone, external_id FROM customers WHERE id = $1"
_BUSINESS = f"SELECT name FROM businesses WHERE {spelled('phone')} = $1 OR {spelled('transfer_number')} = $1 LIMIT 1"
# A call that nobody has recorded as ended; older ones were lost, and are not waited for. Of one that ended just now
# the record is still on its way, and would bring the number and the words back. One that was handed to a person may
# come back to us until its carrier says that it is over.
_LIVE = f"""
    SELECT call_sid FROM calls WHERE call_sid = ANY($1) AND started_at > now() - interval '4 hours' AND (
        recorded_at IS NULL AND (
            ended_at IS NULL AND status IN ('', 'ringing', 'in-progress') OR ended_at > now() - interval '2 minutes'
        )
        OR recorded_at IS NOT NULL AND carrier_status IN ('', 'initiated', 'ringing', 'in-progress')
            AND end_reason IN ({", ".join(f"'{reason}'" for reason in sorted(HANDED_OVER))})
    )
"""

# The keys of a person's rows, table by table.
Rows = Mapping[str, Sequence[str]]


class NotAPersonError(ValueError):
    """What was given stands for no one person; the text says why, `kind` and `given` to who has words of their own."""

    def __init__(self, kind: Literal["part", "unknown", "business"], given: object, why: str) -> None:
        super().__init__(why)
        self.kind, self.given = kind, given


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody by their number's digits, where they have one, and by the customers that they are."""

    number: str | None
    customers: tuple[int, ...] = ()


def whole_number(text: str) -> str:
    """The digits of a number with its country; NotAPersonError for anything less, which others could share."""
    digits = re.sub(r"\D", "", text)
    if not text.strip().startswith(("+", "00")) or len(digits.removeprefix("00")) < _LEAST_DIGITS:
        why = f"{text} is not the whole of a telephone number: write its country too, as in +972501234567"
        raise NotAPersonError("part", text, why)
    return digits.removeprefix("00")


async def known_as(
    connection: "asyncpg.Connection[Any]", *, number: str | None = None, customer: int | None = None
) -> Person:
    """The person with this number, or who this customer is, at every business; NotAPersonError for a business."""
    ids = [] if customer is None else [customer]
    if customer is not None:
        row = await connection.fetchrow(_CUSTOMER, customer)
        if row is None:
            raise NotAPersonError("unknown", customer, f"there is no customer {customer}")
        number = _as_number(row["phone"]) or _as_number(row["external_id"])
    number = number and without_trunk(number)
    if number and (name := await connection.fetchval(_BUSINESS, number)) is not None:
        why = f"that is the number of the business {name}, not of a person who calls one"
        raise NotAPersonError("business", name, why)
    (place,) = (place for place in PLACES if place.table == "customers")
    found = await connection.fetch(finds(place), number, ids)
    return Person(number, tuple(int(row[0]) for row in found))


def _as_number(text: str | None) -> str | None:
    """The digits of a number, as channels spell them; None for an id that is none."""
    found = re.fullmatch(r"(?:whatsapp:)?\+?(\d{8,15})", text or "")
    return found[1] if found else None


async def rows_of(connection: "asyncpg.Connection[Any]", person: Person) -> Rows:
    """The keys of all rows that are theirs; a table without any is not in it."""
    found: dict[str, list[str]] = {}
    for place in PLACES:
        if place.reads:
            keys = await _naming(connection, place, mentions(person.number, ids_of(found)))
        else:
            keys = [row[0] for row in await connection.fetch(finds(place), person.number, list(person.customers))]
        if keys:
            found[place.table] = keys
    return found


def ids_of(rows: Rows) -> list[str]:
    """What a line or a file about the person may name instead of them. WhatsApp's ids have the number in them."""
    return [key for table in NAMED for key in rows.get(table, ())]


async def _naming(
    connection: "asyncpg.Connection[Any]", place: Place, pattern: "re.Pattern[bytes] | None"
) -> list[str]:
    """The keys of the rows that name them. Each is read once, and by itself: it can be a megabyte."""
    if pattern is None:
        return []
    found = []
    for (key,) in await connection.fetch(lists(place)):
        text = await connection.fetchval(reads(place), key)
        if text is not None and pattern.search(text.encode()):
            found.append(key)
    return found


async def live_calls(connection: "asyncpg.Connection[Any]", rows: Rows) -> list[str]:
    """Which of their calls go on or ended just now: what was said in these is not in the database yet."""
    return [row[0] for row in await connection.fetch(_LIVE, list(rows.get("calls", ())))]


async def said(connection: "asyncpg.Connection[Any]", rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """The rows themselves, as JSON knows them."""
    tables = {}
    for place in PLACES:
        if keys := rows.get(place.table):
            tables[place.table] = [_readable(json.loads(row[0])) for row in await connection.fetch(shows(place), keys)]
    return tables


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """A job's payload is JSON in bytes."""
    payload = row.get("payload")
    if isinstance(payload, str) and payload.startswith("\\x"):
        row["payload"] = json.loads(bytes.fromhex(payload[2:]))
    return row


async def erase(connection: "asyncpg.Connection[Any]", rows: Rows, at: datetime) -> None:
    """End the rows in one transaction: removed, and of calls the numbers alone are left."""
    async with connection.transaction():
        for place in PLACES:
            if keys := rows.get(place.table):
                await connection.execute(erases(place), keys, at)
