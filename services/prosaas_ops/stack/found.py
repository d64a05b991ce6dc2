"""Many calls at once, from their records: which there were, how they went, and the worst of them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from prosaas_core.facts.call import CallFacts
from prosaas_core.facts.endings import FINE
from prosaas_core.facts.measures import SILENCE_MS, SLOW_MS
from prosaas_core.facts.simulated import counted
from prosaas_ops.stack.records import OPEN, asked, local_digits, searched

if TYPE_CHECKING:
    import asyncpg

# From so many digits on they may be how a number ends: fewer are how most numbers do.
LEAST_ENDING = 4
# What `make calls` writes before the end of a number.
CUT = "…"
_PART = re.compile(rf"{CUT}?[\d\s().\-/]+", re.ASCII)
_LEAST_LOCAL = 6
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_OF_ONE, _MOST_AROUND = 200, 2000
# Only the small columns are read: a call's transcript and events lie elsewhere, and there are many calls.
COLUMNS = """
    call_sid, started_at, duration_s, coalesce(end_reason, '') as end_reason, status, from_number, to_number,
    (metrics->>'first_audio_ms')::float as first_audio,
    coalesce(metrics->>'slowest_ms', metrics->>'response_p95_ms')::float as slowest,
    coalesce((metrics->>'unanswered_ms')::float, 0) as unanswered,
    coalesce((metrics->>'unmended')::int, (metrics->>'refused')::int, 0) as unmended,
    coalesce((metrics->>'errors')::int, 0) as errors, coalesce(metrics->>'unkept', '') as unkept,
    coalesce(metrics->>'returned', '') as returned,
    case when business_id is null and direction = 'inbound' then to_number else '' end as unknown_number,
    coalesce((metrics->>'reconnects')::int, 0) as reconnects, coalesce((metrics->>'noisy')::int, 0) as noisy,
    coalesce((metrics->>'database_away')::int, 0) as database_away,
    coalesce((metrics->>'unwritten')::int, 0) as unwritten, from_number = '' and to_number = '' as forgotten,
    (metrics->>'turns')::int as turns,
    recorded_at is null as unrecorded,
    recorded_at is null and status not in ('', 'ringing', 'in-progress') and not metrics ? 'streamed'
        and coalesce(end_reason, 'missed') in ('missed', 'transferred') as unreached
"""
_CHOSEN = """
    with chosen as (
        select {columns}, {counted} as counted, coalesce(
                   recorded_at is null and end_reason is null and case
                       when status = any($9::text[])
                       then not call_sid = any($10::text[]) and started_at < now() - interval '1 minute'
                       else metrics ? 'streamed' end, false) as lost
        from calls
        where started_at >= $1 and started_at < $2
          and ($5::bigint is null or business_id = $5) {filters}
    ), judged as materialized (
        select *, case when end_reason <> '' and not end_reason = any($3::text[]) then 7
                       when lost or unreached and not forgotten then 6
                       when unkept <> '' then 5 when errors > 0 or unanswered >= $8 or returned <> '' then 4
                       when reconnects > 0 or noisy > 0 or unwritten > 0 then 3
                       when first_audio >= $4 or slowest >= $4 then 2
                       when unmended > 0 or turns = 0 then 1 else 0 end as badness
        from chosen
    )
"""
_TOLD = """
    , total as (select count(*) filter (where counted) as calls, count(*) filter (where counted and badness > 0) as bad,
                       count(*) filter (where counted and unreached) as unreached,
                       count(*) filter (where not counted and badness >= {least}) as simulated from judged),
      top as (select * from judged where badness >= {least} order by {order} limit $7)
    select top.*, total.calls, total.bad, total.unreached as all_unreached, total.simulated
    from total left join top on true order by {order}
"""
_BY_PHONE = """
    and (reverse(regexp_replace(from_number, '[^0-9]', '', 'g')) like reverse($6) || '%'
      or reverse(regexp_replace(to_number, '[^0-9]', '', 'g')) like reverse($6) || '%')
"""
ORDERS = {
    "newest": "started_at desc",
    "worst": "badness desc, started_at desc",
    "slowest": "greatest(first_audio, slowest) desc nulls last",
    "longest": "duration_s desc nulls last",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which calls are wanted: of a time, a number, a business; only those that went badly; at most so many."""

    since: datetime
    until: datetime
    phone: str = ""
    business: int = 0
    bad: bool = False
    order: str = "newest"
    most: int = 30
    # The calls that are up now; None where nobody could say.
    live: tuple[str, ...] | None = None
    # Whether simulated calls count; None: as DEMO says.
    demo: bool | None = None


class Row(NamedTuple):
    """One call of the list."""

    facts: CallFacts
    started_at: datetime
    duration_s: float | None
    from_number: str
    to_number: str = ""


class Calls(NamedTuple):
    """The rows asked for, and of the whole time how many calls there were, went badly, never reached the agent.

    Of the simulated ones that do not count it is how many were asked for.
    """

    rows: list[Row]
    calls: int
    bad: int
    unreached: int
    simulated: int = 0

    @property
    def every(self) -> int:
        return self.calls + self.simulated


def question(wanted: Asked) -> tuple[str, tuple[Any, ...]]:
    """The statement that finds them, and its values."""
    digits = sought(wanted.phone) if wanted.phone else None
    fine = [reason.value for reason in FINE]
    filters = _BY_PHONE if wanted.phone else "and $6::text is null"
    order = ORDERS[wanted.order]
    live = None if wanted.live is None else list(wanted.live)
    query = _CHOSEN.format(columns=COLUMNS, counted=counted(demo=wanted.demo), filters=filters)
    query += _TOLD.format(least=int(wanted.bad), order=order)
    return query, (
        wanted.since,
        wanted.until,
        fine,
        SLOW_MS,
        wanted.business or None,
        digits,
        wanted.most,
        SILENCE_MS,
        list(OPEN),
        live,
    )


def ending(typed: str) -> str:
    """The digits in which a number may end that is not typed whole; "" where they are too few."""
    digits = re.sub(r"\D", "", typed)
    return digits if len(digits) >= LEAST_ENDING else ""


def is_ending(phone: str) -> bool:
    """Whether it is no whole number, and no beginning of one either: the end, as `make calls` shows it."""
    digits = ending(phone)
    if searched(phone).startswith("+") or not _PART.fullmatch(phone) or not digits:
        return False
    return phone.startswith(CUT) or not digits.startswith("0") or len(digits.lstrip("0")) < _LEAST_LOCAL


def sought(phone: str) -> str:
    """The digits in which the numbers that are meant end; Usage where they are too few to mean any."""
    return ending(phone) if is_ending(phone) else local_digits(phone)


def numbers_of(found: list[Row], phone: str) -> list[str]:
    """The numbers, of those in the rows, that end in the digits of this one; the newest first."""
    known = (number for row in found for number in (row.from_number, row.to_number))
    return [*dict.fromkeys(number for number in known if re.sub(r"\D", "", number).endswith(sought(phone)))]


def find(wanted: Asked) -> Calls:
    """The calls that fit."""
    query, values = question(wanted)

    async def ask(connection: "asyncpg.Connection[Any]") -> Calls:
        # A hundred thousand small rows are sorted in memory and not on disk.
        await connection.execute("set work_mem = '64MB'")
        rows = await connection.fetch(query, *values)
        found = [_row(row) for row in rows if row["call_sid"] is not None]
        return Calls(found, rows[0]["calls"], rows[0]["bad"], rows[0]["all_unreached"], rows[0]["simulated"])

    return asked(ask)


def calls_of(
    phone: str, since: datetime | None = None, live: tuple[str, ...] | None = None, until: datetime | None = None
) -> Calls:
    """The newest calls from or to the number, however it is written, from `since` on; all of them are counted."""
    end, most = until or datetime.now(UTC) + timedelta(minutes=1), _MOST_OF_ONE if until is None else _MOST_AROUND
    return find(Asked(since or _EVER, end, phone, most=most, live=live))


def _row(row: Any) -> Row:
    return Row(facts_in(row), row["started_at"], row["duration_s"], row["from_number"], row["to_number"])


def facts_in(row: Any) -> CallFacts:
    """The facts in a row of COLUMNS."""
    return CallFacts(
        row["call_sid"],
        end_reason=row["end_reason"],
        status=row["status"],
        live=row["unrecorded"] and not (row["unreached"] or row["end_reason"] or row.get("lost")),
        lost=bool(row.get("lost")),
        reached=not row["unreached"],
        unknown_number=row["unknown_number"],
        looked_into=False,
        first_audio_ms=row["first_audio"],
        slowest_ms=row["slowest"],
        unanswered_ms=row["unanswered"],
        unmended=row["unmended"],
        errors=row["errors"],
        reconnects=row["reconnects"],
        noisy=row["noisy"],
        unwritten=row["unwritten"],
        forgotten=row["forgotten"],
        database_away=row["database_away"],
        turns=row["turns"],
        false_claim=row["unkept"],
        returned=row["returned"],
    )
