"""Who is called and who calls: one statement, because a caller waits for it."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from prosaas_core.costs.charges import SPENT_TODAY
from prosaas_core.phones import caller_id
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
    SELECT id, 'phone', $2, $2 FROM business WHERE $2 IS NOT NULL AND NOT EXISTS (SELECT FROM known)
    ON CONFLICT (business_id, channel, external_id) DO UPDATE SET phone = COALESCE(customers.phone, excluded.phone)
    RETURNING id, name
)
SELECT business.*, customer.id AS customer_id, customer.name AS customer_name, ARRAY(
    SELECT starts_at FROM appointments
    WHERE business_id = business.id AND customer_id = customer.id AND status = 'booked' AND starts_at > now()
    ORDER BY starts_at LIMIT 5
) AS booked, CASE WHEN $3 <> '' THEN ({spent_today}) ELSE 0 END AS spent_today
FROM business LEFT JOIN (TABLE known UNION ALL TABLE made) AS customer ON true
"""
_SPENT = SPENT_TODAY.format(business="business", currency="$3::text")
_BY_ID, _BY_PHONE = (_FIND.format(ours=ours, spent_today=_SPENT) for ours in ("id", "phone"))


@dataclass(frozen=True, slots=True)
class Parties:
    """Both ends of a call; a caller who hides their number is no customer."""

    business: Business
    customer_id: int | None
    customer_name: str
    # When their next appointments begin.
    booked: tuple[datetime, ...] = ()
    # What the business has spent since its midnight; 0 where nobody asked.
    spent_today: float = 0.0


async def find_parties(
    raw: "asyncpg.Connection[asyncpg.Record]", *, business_id: int | None, called: str, caller: str, spent_in: str = ""
) -> Parties | None:
    """The business, by its id or else by the number called, and the customer, made at their first call.

    What the business has spent today is added up where it is asked for, in the currency `spent_in`.
    """
    known_by = caller_id(caller)
    row = await (
        raw.fetchrow(_BY_PHONE, called, known_by, spent_in)
        if business_id is None
        else raw.fetchrow(_BY_ID, business_id, known_by, spent_in)
    )
    if row is None:
        return None
    columns = dict(row)
    customer_id, customer_name = columns.pop("customer_id"), columns.pop("customer_name")
    booked = tuple(columns.pop("booked"))
    spent_today = columns.pop("spent_today")
    return Parties(Business(**columns), customer_id, customer_name or "", booked, spent_today)
