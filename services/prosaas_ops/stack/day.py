"""The last day in numbers, from the database: calls by hour, callers' waits, messages, and jobs that are held."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from prosaas_core.facts.simulated import counted
from prosaas_ops.stack.records import asked

if TYPE_CHECKING:
    import asyncpg

HOURS = 24
_MOST_JOBS = 50
_ANSWER_SECONDS = 5.0

# An ending that nobody knows is a call that is live, or one whose audio never came.
_ENDINGS = """
    select date_trunc('hour', started_at, 'UTC') as hour, coalesce(end_reason, '') as reason, count(*) as calls
    from calls where started_at >= $1 and {counted} group by 1, 2
"""
# How many lines the calls service wrote of a call, as `make call` counts them: its record says it, and one of an older
# release, or of a process that died, has them all with those that were folded away, but no digest of these. The line of
# the job about it comes after the record, and one more after each part of a call that came back from a transfer.
OWN_LINES = """
    greatest(1, jsonb_array_length(metrics->'parts'))
    + greatest((metrics->>'lines')::int, jsonb_array_length(events) - coalesce((metrics->>'folded')::int, 0))
"""
_WAITS = """
    select date_trunc('hour', started_at, 'UTC') as hour,
           percentile_cont(0.5) within group (order by (metrics->>'first_audio_ms')::float) as first_audio,
           percentile_cont(0.5) within group (order by (metrics->>'response_p95_ms')::float) as answer,
           percentile_cont(0.5) within group (order by lines) as lines, max(lines) as most_lines
    from (select started_at, metrics,
                 {lines} as lines
          from calls where started_at >= $1 and recorded_at is not null and events <> '[]' and {counted}) as told
    group by 1
"""
_MESSAGES = """
    select direction, status, count(*) from messages where created_at >= $1 group by 1, 2 order by 1, 2
"""
_HELD = f"""
    select id, entrypoint, updated from pgqueuer where status::text = 'failed' order by updated desc limit {_MOST_JOBS}
"""


class Waits(NamedTuple):
    """The medians of an hour's calls, milliseconds; None where no call has the number. Lines are prosaas-calls' own."""

    first_audio: float | None
    answer: float | None
    lines: float | None
    most_lines: int | None


class HeldJob(NamedTuple):
    """A job that failed for good and waits for an operator."""

    id: int
    name: str
    since: datetime


@dataclass(slots=True)
class Day:
    """The hours from `first` on, HOURS of them; what happened in an hour is found by its beginning."""

    first: datetime
    endings: dict[datetime, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    waits: dict[datetime, Waits] = field(default_factory=dict)
    messages: list[tuple[str, str, int]] = field(default_factory=list)
    held: list[HeldJob] = field(default_factory=list)

    @property
    def hours(self) -> list[datetime]:
        return [self.first + timedelta(hours=hour) for hour in range(HOURS)]


def day(now: datetime, *, demo: bool | None = None) -> Day:
    """The last HOURS hours, the one that runs included; Problem where the database does not answer."""
    told = Day(now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1))

    async def ask(connection: "asyncpg.Connection[Any]") -> Day:
        for row in await connection.fetch(_ENDINGS.format(counted=counted(demo=demo)), told.first):
            told.endings[row["hour"]][row["reason"]] = row["calls"]
        for row in await connection.fetch(_WAITS.format(counted=counted(demo=demo), lines=OWN_LINES), told.first):
            told.waits[row["hour"]] = Waits(row["first_audio"], row["answer"], row["lines"], row["most_lines"])
        told.messages = [tuple(row) for row in await connection.fetch(_MESSAGES, told.first)]
        told.held = [HeldJob(*row) for row in await connection.fetch(_HELD)]
        return told

    return asked(ask, within_seconds=_ANSWER_SECONDS)
