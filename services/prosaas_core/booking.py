"""Appointments: which slots are free, and taking, moving or giving up one without ever booking an hour twice."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from prosaas_core.jobs import APPOINTMENT_REMIND, enqueue
from prosaas_core.tables import Appointment, Business

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Of opening hours: what goes on after it is the next day's.
DAYS_END = "24:00"
LONGEST_AHEAD = timedelta(days=365)
REMIND_BEFORE = timedelta(hours=24)
# The longest slot that a business may have.
LONGEST = timedelta(hours=8)
EXCLUSION_VIOLATION = "23P01"


class BookingError(Exception):
    """The appointment cannot be made as asked."""


class SlotTaken(BookingError):
    """Somebody else has that time."""


class AlreadyTheirs(SlotTaken):
    """The same customer has that very appointment: asked for twice, it is not refused and not made twice."""

    def __init__(self, call_sid: str | None) -> None:
        super().__init__("they have that appointment")
        # The call that it was booked in, if it was one.
        self.call_sid = call_sid


class OutsideHours(BookingError):
    """The business is closed then."""


class Past(OutsideHours):
    """That time is over."""


class TooFar(OutsideHours):
    """No diary is open so far ahead; most likely the year is wrong."""


class OffGrid(OutsideHours):
    """Appointments begin at other minutes."""


class NotFound(BookingError):
    """There is no such booked appointment."""


class Cancelled(NotFound):
    """The appointment is there, but cancelled."""


class Begun(BookingError):
    """The appointment has begun or is over: it can be neither moved nor cancelled."""


def check_day(business: Business, day: date, *, now: datetime | None = None) -> None:
    """Past, TooFar or OutsideHours for a day on which there can be no appointment, however empty it is."""
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(business.timezone)).date()
    if day < today:
        raise Past("that day has passed")
    if day > today + LONGEST_AHEAD:
        raise TooFar(f"more than {LONGEST_AHEAD.days} days ahead")
    if next(_windows(business, day), None) is None:
        raise OutsideHours("the business is closed on that day")


def check_offered(business: Business, starts_at: datetime, *, now: datetime | None = None) -> None:
    """What check_day says, Past and OutsideHours for the hour, and OffGrid for a time that is never offered."""
    zone = ZoneInfo(business.timezone)
    day = starts_at.astimezone(zone).date()
    check_day(business, day, now=now)
    length = timedelta(minutes=business.slot_minutes)
    starts = _checked(business, starts_at, length, now)
    slots = list(_slots(business, day, length))
    if starts not in slots:
        nearest = sorted(sorted(slots, key=lambda slot: abs(slot - starts))[:2])
        raise OffGrid(", ".join(f"{slot.astimezone(zone):%H:%M}" for slot in nearest))


async def free_slots(
    session: AsyncSession, business: Business, day: date, *, now: datetime | None = None
) -> list[datetime]:
    """The starts of the free slots of a day, in the business's time zone, those that have passed left out."""
    now = now or datetime.now(UTC)
    length = timedelta(minutes=business.slot_minutes)
    slots = [slot for slot in _slots(business, day, length) if slot > now]
    if not slots:
        return []
    taken = (
        await session.execute(
            select(Appointment.starts_at, Appointment.ends_at).where(
                Appointment.business_id == business.id,
                Appointment.status == "booked",
                # None is longer, so that the index on starts_at serves.
                Appointment.starts_at > slots[0] - LONGEST,
                Appointment.starts_at < slots[-1] + length,
                Appointment.ends_at > slots[0],
            )
        )
    ).all()
    zone = ZoneInfo(business.timezone)
    return [
        slot.astimezone(zone) for slot in slots if not any(start < slot + length and slot < end for start, end in taken)
    ]


async def book(
    session: AsyncSession,
    business: Business,
    *,
    customer_id: int,
    starts_at: datetime,
    note: str = "",
    for_whom: str = "",
    call_sid: str | None = None,
    now: datetime | None = None,
) -> Appointment:
    """Take the slot, with its reminder; after SlotTaken or OutsideHours the transaction still stands.

    A customer who asks again for what they have, because an answer was lost, gets AlreadyTheirs.
    """
    length = timedelta(minutes=business.slot_minutes)
    starts_at = _checked(business, starts_at, length, now)
    await _lock(session, business)
    appointment = Appointment(
        business_id=business.id,
        customer_id=customer_id,
        starts_at=starts_at,
        ends_at=starts_at + length,
        status="booked",
        note=note,
        for_whom=for_whom,
        call_sid=call_sid,
    )
    try:
        async with _claiming(session):
            session.add(appointment)
    except SlotTaken:
        if theirs := await _theirs(session, business, customer_id, starts_at):
            raise AlreadyTheirs(theirs.call_sid) from None
        raise
    await _remind(session, appointment, now)
    return appointment


async def reschedule(
    session: AsyncSession, business: Business, appointment_id: int, starts_at: datetime, *, now: datetime | None = None
) -> Appointment:
    """Move a booked appointment; it keeps its old time when the new one cannot be had."""
    appointment = await _booked(session, business, appointment_id, now)
    length = appointment.ends_at - appointment.starts_at
    starts_at = _checked(business, starts_at, length, now)
    async with _claiming(session):
        appointment.starts_at, appointment.ends_at = starts_at, starts_at + length
    await _remind(session, appointment, now)
    return appointment


async def cancel(
    session: AsyncSession, business: Business, appointment_id: int, *, now: datetime | None = None
) -> Appointment:
    """Give the slot back."""
    appointment = await _booked(session, business, appointment_id, now)
    appointment.status = "cancelled"
    await session.flush()
    return appointment


async def upcoming(
    session: AsyncSession, business: Business, customer_id: int, *, now: datetime | None = None
) -> list[Appointment]:
    """The customer's booked appointments from now on, soonest first."""
    found = await session.scalars(
        select(Appointment)
        .where(
            Appointment.business_id == business.id,
            Appointment.customer_id == customer_id,
            Appointment.status == "booked",
            Appointment.starts_at > (now or datetime.now(UTC)),
        )
        .order_by(Appointment.starts_at)
    )
    return list(found)


def _slots(business: Business, day: date, length: timedelta) -> Iterator[datetime]:
    for opens, closes in _windows(business, day):
        start = opens
        while start + length <= closes:
            yield start
            start += length


def _windows(business: Business, day: date) -> Iterator[tuple[datetime, datetime]]:
    """In UTC: times of one time zone compare and add by the wall, which is wrong on the day the clocks change."""
    zone = ZoneInfo(business.timezone)
    for window in business.opening_hours.get(DAYS[day.weekday()], []):
        opens, closes = (_edge(day, edge, zone) for edge in window)
        yield opens, closes


def _edge(day: date, clock: str, zone: ZoneInfo) -> datetime:
    if clock == DAYS_END:
        day, clock = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)


def _checked(business: Business, starts_at: datetime, length: timedelta, now: datetime | None) -> datetime:
    """The time in UTC, if the business can take somebody from then on for so long."""
    starts = starts_at.astimezone(UTC)
    if starts.second or starts.microsecond:
        raise OffGrid("an appointment begins at a whole minute")
    if starts <= (now or datetime.now(UTC)):
        raise Past("that time has passed")
    day = starts.astimezone(ZoneInfo(business.timezone)).date()
    if not any(opens <= starts and starts + length <= closes for opens, closes in _windows(business, day)):
        raise OutsideHours("the business is closed at that time")
    return starts


async def _lock(session: AsyncSession, business: Business) -> None:
    """One booking of a business at a time: two that wait for each other's time would be a deadlock."""
    await session.execute(select(Business.id).where(Business.id == business.id).with_for_update(key_share=True))


@asynccontextmanager
async def _claiming(session: AsyncSession) -> AsyncIterator[None]:
    """A savepoint, in which the database refuses an overlap by its constraint."""
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == EXCLUSION_VIOLATION:
            raise SlotTaken("that time is taken") from None
        raise


async def _theirs(
    session: AsyncSession, business: Business, customer_id: int, starts_at: datetime
) -> Appointment | None:
    return await session.scalar(
        select(Appointment).where(
            Appointment.business_id == business.id,
            Appointment.customer_id == customer_id,
            Appointment.status == "booked",
            Appointment.starts_at == starts_at,
        )
    )


async def _booked(session: AsyncSession, business: Business, appointment_id: int, now: datetime | None) -> Appointment:
    await _lock(session, business)
    appointment = await session.get(Appointment, appointment_id, populate_existing=True, with_for_update=True)
    if appointment is None or appointment.business_id != business.id:
        raise NotFound("there is no such booked appointment")
    if appointment.status != "booked":
        raise Cancelled("the appointment is cancelled")
    if appointment.starts_at <= (now or datetime.now(UTC)):
        raise Begun("the appointment has begun or is over")
    return appointment


async def _remind(session: AsyncSession, appointment: Appointment, now: datetime | None) -> None:
    delay = appointment.starts_at - REMIND_BEFORE - (now or datetime.now(UTC))
    if delay <= timedelta(0):
        return
    starts_at = appointment.starts_at.astimezone(UTC).isoformat()
    await enqueue(
        await session.connection(),
        APPOINTMENT_REMIND,
        {
            "appointment_id": appointment.id,
            "starts_at": starts_at,
            "cause": {"call_sid": appointment.call_sid} if appointment.call_sid else {},
        },
        key=f"{APPOINTMENT_REMIND}:{appointment.id}:{starts_at}",
        delay=delay,
    )
