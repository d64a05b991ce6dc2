"""Status reports of calls and messages: they may come late, twice or out of order, and a status only advances."""

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

# Each with how far it is. A call ends once; that a message arrived outweighs that it was given up before.
CALL_STATUSES = {"queued": 0, "initiated": 0, "ringing": 1, "in-progress": 2} | dict.fromkeys(
    ("completed", "busy", "failed", "no-answer", "canceled"), 3
)
MESSAGE_STATUSES = {"accepted": 0, "scheduled": 0, "queued": 0, "sending": 1, "sent": 2} | {
    **dict.fromkeys(("failed", "undelivered", "canceled"), 3),
    "delivered": 4,
    "read": 5,
}


def _rank(status: str, statuses: dict[str, int]) -> str:
    """SQL that says how far a status is; an unknown one is before all others."""
    return (
        f"CASE {status} " + " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in statuses.items()) + " ELSE -1 END"
    )


def _call(status: str) -> str:
    return _rank(status, CALL_STATUSES)


def _message(status: str) -> str:
    return _rank(status, MESSAGE_STATUSES)


# Among the metrics of a call without a record: which stream prosaas-calls had of it.
STREAMED = "streamed"
ENDED = frozenset(name for name, rank in CALL_STATUSES.items() if rank == CALL_STATUSES["completed"])

_ADMIT = f"""
WITH business AS (
    SELECT id, language, transfer_number FROM businesses WHERE phone = $3
), call AS (
    INSERT INTO calls AS known (call_sid, business_id, status, from_number, to_number, seat)
    SELECT $1, id, 'ringing', $2, $3, $4 FROM business
    ON CONFLICT (call_sid) DO UPDATE SET
        status = CASE WHEN {_call("known.status")} < {_call("'ringing'")} THEN 'ringing' ELSE known.status END,
        business_id = COALESCE(known.business_id, excluded.business_id),
        seat = COALESCE(NULLIF(known.seat, ''), excluded.seat)
    RETURNING status, EXTRACT(EPOCH FROM started_at)::float AS started_at, seat
)
SELECT business.id AS business_id, business.language, business.transfer_number,
    call.status, call.started_at, call.seat
FROM business, call
"""

# Who comes second finds another seat there. Twilio may tell of the stream before its seat has asked.
_TAKE_OVER = f"""
UPDATE calls SET seat = $3
WHERE call_sid = $1 AND seat = $2 AND {_call("status")} < {CALL_STATUSES["completed"]}
    AND ($5 OR recorded_at IS NULL AND COALESCE(metrics ->> '{STREAMED}', $4) = $4)
RETURNING true
"""

_CALL_TOLD = f"""
INSERT INTO calls AS known
    (call_sid, business_id, status, carrier_status, from_number, to_number, direction, duration_s, ended_at)
VALUES ($1, (SELECT id FROM businesses WHERE phone = CASE $5 WHEN 'inbound' THEN $4 ELSE $3 END),
    $2, $2, $3, $4, $5, $6, CASE WHEN {_call("$2")} = {CALL_STATUSES["completed"]} THEN now() END)
ON CONFLICT (call_sid) DO UPDATE SET
    carrier_status = excluded.carrier_status,
    status = CASE WHEN {_call("known.status")} < {_call("excluded.status")} THEN excluded.status ELSE known.status END,
    business_id = COALESCE(known.business_id, excluded.business_id),
    duration_s = COALESCE(known.duration_s, excluded.duration_s),
    ended_at = COALESCE(known.ended_at, excluded.ended_at)
WHERE {_call("known.carrier_status")} < {_call("excluded.carrier_status")}
RETURNING call_sid
"""

# Of several that come together the furthest counts.
_MESSAGES_TOLD = f"""
WITH told AS (
    SELECT DISTINCT ON (id) id, status, error
    FROM unnest($1::text[], $2::text[], $3::text[]) AS news (id, status, error)
    ORDER BY id, {_message("status")} DESC
)
INSERT INTO message_fates AS known (provider_id, status, error) SELECT id, status, error FROM told ORDER BY id
ON CONFLICT (provider_id) DO UPDATE SET status = excluded.status, error = excluded.error, told_at = now()
WHERE {_message("known.status")} < {_message("excluded.status")}
RETURNING provider_id, status, error
"""

# A statement of its own: the one before may have waited for the very transaction that wrote the message, and sees
# what was there when it began.
_MESSAGES_NOTED = f"""
UPDATE messages SET status = fate.status, error = fate.error FROM message_fates AS fate
WHERE messages.id = ANY($1::text[]) AND fate.provider_id = messages.id AND direction = 'out'
    AND {_message("messages.status")} < {_message("fate.status")}
"""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that rings: whose it is, and what we know of it.

    `started_at` is its first news, in seconds since 1970; `seat` the first that it was given.
    """

    business_id: int
    language: str
    status: str
    started_at: float
    seat: str
    transfer_number: str | None = None

    @property
    def ended(self) -> bool:
        """A webhook for a call that is over is a replay."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message of ours, the provider's code of the error, and our own key where the news names it."""

    message_id: str
    status: str
    error: str | None
    key: str = ""

    @property
    def arrived(self) -> bool:
        """The customer has it."""
        return MESSAGE_STATUSES[self.status] >= MESSAGE_STATUSES["delivered"]

    @property
    def failed(self) -> bool:
        """The customer did not get it."""
        return MESSAGE_STATUSES[self.status] == MESSAGE_STATUSES["failed"]


async def admit_call(
    raw: "asyncpg.Connection[asyncpg.Record]", call_sid: str, *, from_number: str, to_number: str, seat: str = ""
) -> Admitted | None:
    """Note that a call rings, in one statement because a caller waits; None when the number is of no business."""
    row = await raw.fetchrow(_ADMIT, call_sid, from_number, to_number, seat)
    return None if row is None else Admitted(**row)


async def take_over(
    raw: "asyncpg.Connection[asyncpg.Record]",
    call_sid: str,
    *,
    of: str,
    by: str,
    stream: str = "",
    returned: bool = False,
) -> bool:
    """Lead a call to another seat, unless it is over, somebody else took it over, or it had another stream.

    One that is `returned` from a transfer had its stream before it.
    """
    return bool(await raw.fetchval(_TAKE_OVER, call_sid, of, by, stream, returned))


async def note_call(
    raw: "asyncpg.Connection[asyncpg.Record]",
    call_sid: str,
    *,
    status: str,
    from_number: str,
    to_number: str,
    direction: str,
    duration_s: float | None,
) -> bool:
    """Note what Twilio tells of a call; False when that is no news."""
    told = await raw.fetchval(_CALL_TOLD, call_sid, status, from_number, to_number, direction, duration_s)
    return told is not None


async def note_fates(raw: "asyncpg.Connection[asyncpg.Record]", fates: Iterable[Fate]) -> list[Fate]:
    """Note what became of messages of ours, known to us yet or not, in this transaction; those that are news."""
    told = list(fates)
    columns = [[getattr(fate, name) for fate in told] for name in ("message_id", "status", "error")]
    news = [Fate(*row) for row in await raw.fetch(_MESSAGES_TOLD, *columns)]
    await raw.execute(_MESSAGES_NOTED, [fate.message_id for fate in news])
    return news
