"""What is kept of a finished call, in a form that also survives on disk while the database is away."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Select, exists, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from prosaas_core import queries
from prosaas_core.costs.charges import charge
from prosaas_core.facts.endings import UNSERVED
from prosaas_core.facts.hindsight import hindsight
from prosaas_core.facts.prices import Charge
from prosaas_core.jobs import CALL_SUMMARISE, enqueue
from prosaas_core.phones import caller_id
from prosaas_core.privacy.places import SPOKEN_METRIC
from prosaas_core.storable import storable
from prosaas_core.tables import Business, Call, Customer

# How old a call may be of which a business still hears that its caller was sent away.
TOLD_WITHIN = timedelta(hours=12)
# Numbers of a call that its parts add up to.
_ADDED_UP = (
    "turns", "barge_ins", "false_interruptions", "tools", "frames_in", "frames_out", "folded", "lines",
    "tokens_in", "tokens_out", "cost", "errors", "refused", "unmended", "reconnects", "noisy", "unwritten",
    "database_away",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """The columns of `calls` that the calls service knows when a call has ended, and what the call has cost."""

    call_sid: str
    started_at: datetime
    ended_at: datetime
    duration_s: float
    end_reason: str
    business_id: int | None = None
    customer_id: int | None = None
    direction: str = "inbound"
    from_number: str = ""
    to_number: str = ""
    status: str = "completed"
    # Of the code that answered.
    version: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    transcript: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)

    def to_json(self) -> str:
        """One line that from_json reads back."""
        return json.dumps(asdict(self), ensure_ascii=False, default=datetime.isoformat)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record in `text`, each field of its type; ValueError where it is not one."""
        try:
            return cls.of(json.loads(text))
        except RecursionError as error:
            raise ValueError(f"not a call record: {error}") from None

    @classmethod
    def of(cls, values: Any) -> Self:
        """The record of what JSON holds of one; ValueError where it is not one."""
        try:
            return TypeAdapter(cls).validate_python({**values})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"not a call record: {field}: {first['msg']}") from None
        except TypeError as error:
            raise ValueError(f"not a call record: {error}") from None


async def save_call_record(conn: AsyncConnection, record: CallRecord, *, day_limit: float = 0.0) -> bool:
    """Store the record, its charges and its summary's job, once per call: False when it had been recorded before."""
    record = await _resolved(conn, await _unless_forgotten(conn, record))
    # A long call has many words: whoever is on the line here must not wait while they are looked through.
    record = await asyncio.to_thread(_looked_back, record)
    values = {**await asyncio.to_thread(_columns, record), "recorded_at": datetime.now(UTC)}
    upsert = insert(Call).values(values)
    stored = await conn.scalar(
        upsert.on_conflict_do_update(
            index_elements=[Call.call_sid],
            set_={
                **{name: upsert.excluded[name] for name in values if name != "call_sid"},
                "business_id": func.coalesce(upsert.excluded.business_id, Call.business_id),
                "customer_id": func.coalesce(upsert.excluded.customer_id, Call.customer_id),
            },
            where=Call.recorded_at.is_(null()),
        ).returning(Call.call_sid)
    )
    if stored is None and not await _go_on(conn, record):
        return False
    await charge(conn, record.charges, business_id=record.business_id, call_sid=record.call_sid, day_limit=day_limit)
    about = {"call_sid": record.call_sid, "cause": {"call_sid": record.call_sid}}
    # A call that goes on after a transfer is told of anew.
    part = "" if stored is not None else f":{record.started_at.isoformat()}"
    await enqueue(conn, CALL_SUMMARISE, about, key=f"{CALL_SUMMARISE}:{record.call_sid}{part}")
    # For whom a person rings is served, or comes back. After some hours it is no news: a restore finds old calls, too.
    sent_away = record.end_reason in UNSERVED and not record.metrics.get("rescued")
    is_news = datetime.now(UTC) - record.ended_at < TOLD_WITHIN
    if sent_away and is_news and record.business_id is not None:
        await queries.tell_of(conn, record.call_sid, part=part)
    return True


def _looked_back(record: CallRecord) -> CallRecord:
    told = hindsight(record.events, record.transcript, record.duration_s)
    return replace(record, metrics=told | record.metrics | {"parts": [record.started_at.isoformat()]})


def _columns(record: CallRecord) -> dict[str, Any]:
    return storable({each.name: getattr(record, each.name) for each in fields(record) if each.name != "charges"})


async def _go_on(conn: AsyncConnection, record: CallRecord) -> bool:
    """Add a part of a call that came back from a transfer, whichever part is stored first; False for one that is in it.

    A part is known by when it began.
    """
    before = (await conn.execute(select(Call).where(Call.call_sid == record.call_sid).with_for_update())).one()
    if before.ended_at is None:
        return False
    begun = record.started_at.isoformat()
    parts = before.metrics.get("parts") or [before.started_at.isoformat()]
    # Of a record from before parts were written down, what lies within it was in it.
    within = "parts" not in before.metrics and before.started_at <= record.started_at <= before.ended_at
    if begun in parts or within:
        return False
    base = min(before.started_at, record.started_at)
    shifts = [int((part.started_at - base).total_seconds() * 1000) for part in (before, record)]
    ended = max(before.ended_at, record.ended_at)
    last = before if record.ended_at < before.ended_at else record
    earlier, later = (record, before) if record.started_at < before.started_at else (before, record)
    values = {
        "started_at": base,
        "ended_at": ended,
        "duration_s": round((ended - base).total_seconds(), 1),
        "end_reason": last.end_reason,
        "metrics": {**_together(earlier.metrics, later.metrics), "parts": sorted([*parts, begun])},
        "transcript": _joined(before.transcript, record.transcript, shifts, "at_ms", "until_ms"),
        "events": _joined(before.events, record.events, shifts, "t_ms"),
    }
    await conn.execute(update(Call).where(Call.call_sid == record.call_sid).values(storable(values)))
    return True


def _together(before: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of both parts. A cost that is not known of one of them is not known of the call."""
    numbers = {**before, **{name: value for name, value in later.items() if value is not None}}
    for name in _ADDED_UP:
        if name in before or name in later:
            parts = [before.get(name, 0), later.get(name, 0)]
            numbers[name] = None if None in parts else sum(parts)
    if deeds := [*before.get("deeds", ()), *later.get("deeds", ())]:
        numbers["deeds"] = deeds
    if waits := [part["slowest_ms"] for part in (before, later) if part.get("slowest_ms") is not None]:
        numbers["slowest_ms"] = max(waits)
    if before.get("first_audio_ms") is not None:
        numbers["first_audio_ms"] = before["first_audio_ms"]
    return numbers


def _joined(
    one: list[dict[str, Any]], other: list[dict[str, Any]], shifts: list[int], first: str, *times: str
) -> list[dict[str, Any]]:
    """The entries of two parts in the order of their `first` time, both counted from the call's beginning."""
    moved = [
        {**each, **{name: each[name] + ms for name in (first, *times) if name in each}}
        for entries, ms in zip((one, other), shifts, strict=True)
        for each in entries
    ]
    return sorted(moved, key=lambda each: each.get(first, 0))


async def _unless_forgotten(conn: AsyncConnection, record: CallRecord) -> CallRecord:
    """The record without the person, where they were forgotten since an earlier part of the call was stored."""
    erased = exists().where(Call.call_sid == record.call_sid, Call.recorded_at.is_not(None), Call.from_number == "")
    if not record.from_number or not await conn.scalar(select(erased)):
        return record
    numbers = {name: value for name, value in record.metrics.items() if name != SPOKEN_METRIC}
    return replace(record, from_number="", to_number="", customer_id=None, transcript=[], events=[], metrics=numbers)


async def _resolved(conn: AsyncConnection, record: CallRecord) -> CallRecord:
    """The record with its business and customer looked up, where the call itself had no database to ask.

    Those that are gone since are nobody: the call is kept without them.
    """
    if record.business_id is not None and not await conn.scalar(_there(Business.id, record.business_id)):
        record = replace(record, business_id=None, customer_id=None)
    if record.customer_id is not None and not await conn.scalar(_there(Customer.id, record.customer_id)):
        record = replace(record, customer_id=None)
    ours, theirs = record.to_number, record.from_number
    if record.direction != "inbound":
        ours, theirs = theirs, ours
    if record.business_id is None and (business_id := await queries.business_id_by_phone(conn, ours)):
        record = replace(record, business_id=business_id)
    if record.business_id is not None and record.customer_id is None and (known_by := caller_id(theirs)):
        customer_id = await queries.customer_id_for_phone(conn, record.business_id, known_by)
        record = replace(record, customer_id=customer_id)
    return record


def _there(column: InstrumentedAttribute[int], number: int) -> Select[bool]:
    return select(exists().where(column == number))
