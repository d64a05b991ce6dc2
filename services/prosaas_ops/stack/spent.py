"""What was paid for, added up from the ledger by day, month, business, model or ending."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from prosaas_core.facts import zones
from prosaas_core.facts.simulated import counted
from prosaas_ops.stack.records import asked

if TYPE_CHECKING:
    import asyncpg

NO_CALL = "no call"
# The one group of simulated calls, where they do not count.
SIMULATED = ""
OF_TIME = ("day", "month")
_OWN_TIME = "at at time zone coalesce(businesses.zone, 'UTC')"
# A day or a month is that of its business. What a message or a summary costs has no ending of its own where its call
# has none.
GROUPS = {
    "day": f"({_OWN_TIME})::date",
    "month": f"to_char({_OWN_TIME}, 'YYYY-MM')",
    "business": "coalesce(charges.business_id || ' ' || businesses.name, 'none')",
    "model": "charges.name",
    "ending": f"coalesce(nullif(calls.end_reason, ''), '{NO_CALL}')",
}
# First by call, which is sooner done than distinct calls counted: one that came back from a transfer has a charge for
# each of its parts. Hashes are grouped sooner than the ids; of a business it is asked once which zone is its own.
_SUMS = """
    with businesses as materialized (select id, name, {zone} as zone from businesses), of_calls as (
        select case when {counted} then {group} end as name, currency,
               hashtextextended(charges.call_sid, 0) as call,
               bool_or(kind = 'phone') as phoned, sum(seconds) filter (where kind = 'phone') as seconds,
               sum(tokens_in) as tokens_in, sum(tokens_cached) as tokens_cached, sum(tokens_out) as tokens_out,
               sum(cost) as cost, count(*) filter (where cost is null) as unpriced,
               count(*) filter (where estimated) as estimated
        from charges left join businesses on businesses.id = charges.business_id {joined}
        where at >= $1 and at < $2 and ($3::bigint is null or charges.business_id = $3)
        group by 1, 2, 3
    )
    select name, currency, count(call) {calls} as calls, coalesce(sum(seconds), 0) / 60 as minutes,
           sum(tokens_in)::bigint as tokens_in, sum(tokens_cached)::bigint as tokens_cached,
           sum(tokens_out)::bigint as tokens_out, coalesce(sum(cost), 0) as cost,
           sum(unpriced)::bigint as unpriced, sum(estimated)::bigint as estimated
    from of_calls
    group by 1, 2
    order by {order}
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which charges: of a time, perhaps of one business; in which groups."""

    since: datetime
    until: datetime
    by: str = "day"
    business: int = 0
    # Whether simulated calls count; None: as DEMO says.
    demo: bool | None = None


class Sum(NamedTuple):
    """One group in one currency; `unpriced` and `estimated` count charges without a price, and those reckoned."""

    name: str
    currency: str
    calls: int
    minutes: float
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    cost: float
    unpriced: int
    estimated: int


def question(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    """The statement that adds them up, and its values."""
    ending = wanted.by == "ending"
    query = _SUMS.format(
        # A call that a model was used in is one of its calls.
        calls="" if wanted.by == "model" else "filter (where phoned)",
        counted=counted("charges.call_sid", demo=wanted.demo),
        group=GROUPS[wanted.by],
        joined="left join calls on calls.call_sid = charges.call_sid" if ending else "",
        zone=zones.own("timezone"),
        order="1, 2" if wanted.by in OF_TIME else "cost desc, 1",
    )
    return query, (wanted.since, wanted.until, wanted.business or None)


def spent(wanted: Wanted) -> list[Sum]:
    """The groups: days and months in their order, the others with the dearest first."""
    query, values = question(wanted)

    async def ask(connection: "asyncpg.Connection[Any]") -> list[Sum]:
        await connection.execute("set work_mem = '64MB'")
        return [
            Sum(SIMULATED if row[0] is None else str(row[0]), *row[1:])
            for row in await connection.fetch(query, *values)
        ]

    return asked(ask)
