"""Who is called and who calls: one statement, because a caller waits for it."""

import re
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from prosaas_core.tables import Business

# A caller who is known costs no write.
_FIND = """
WITH business AS (
    SELECT * FROM businesses WHERE {ours} = $1
), known AS (
    SELECT customers.id, customers.name FROM customers
    JOIN business ON business_id = business.id
    WHERE channel = 'phone' AND external_id = $2
), made AS (
    INSERT INTO customers (business_id, channel, external_id, phone)
    SELECT id, 'phone', $2, $2 FROM business WHERE $2 <> '' AND NOT EXISTS (SELECT FROM known)
    ON CONFLICT (business_id, channel, external_id) DO UPDATE SET phone = COALESCE(customers.phone, excluded.phone)
    RETURNING id, name
)
SELECT business.*, customer.id AS customer_id, customer.name AS customer_name, ARRAY(
    SELECT starts_at FROM appointments
    WHERE business_id = business.id AND customer_id = customer.id AND status = 'booked' AND starts_at > now()
    ORDER BY starts_at LIMIT 5
) AS booked
FROM business LEFT JOIN (TABLE known UNION ALL TABLE made) AS customer ON true
"""
_BY_ID, _BY_PHONE = _FIND.format(ours="id"), _FIND.format(ours="phone")


# What Twilio and carriers write in place of a number that its owner hides: letters on a telephone's keys.
_HIDDEN = frozenset({"+266696687", "+7378742883", "+2562533", "+8656696", "+86282452253"})
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def caller_id(number: str) -> str:
    """The number when it is somebody's; empty for one that is hidden: those who hide theirs are not one person."""
    return number if _NUMBER.fullmatch(number) and number not in _HIDDEN else ""


def same_number(one: str, other: str) -> bool:
    """Whether two spellings are of one telephone number."""
    digits = ["".join(filter(str.isdecimal, number)) for number in (one, other)]
    return digits[0] == digits[1] != ""


@dataclass(frozen=True, slots=True)
class Parties:
    """Both ends of a call; a caller who hides their number is no customer."""

    business: Business
    customer_id: int | None
    customer_name: str
    # When their next appointments begin.
    booked: tuple[datetime, ...] = ()


async def find_parties(
    raw: "asyncpg.Connection[asyncpg.Record]", *, business_id: int | None, called: str, caller: str
) -> Parties | None:
    """The business, by its id or else by the number called, and the customer, made at their first call."""
    caller = caller_id(caller)
    row = await (
        raw.fetchrow(_BY_PHONE, called, caller) if business_id is None else raw.fetchrow(_BY_ID, business_id, caller)
    )
    if row is None:
        return None
    columns = dict(row)
    customer_id, customer_name = columns.pop("customer_id"), columns.pop("customer_name")
    booked = tuple(columns.pop("booked"))
    return Parties(Business(**columns), customer_id, customer_name or "", booked)
