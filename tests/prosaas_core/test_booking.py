"""Appointments: opening hours, time zones, and never two in one slot."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import booking, queries
from prosaas_core.database import session
from prosaas_core.tables import Appointment, Business

pytestmark = pytest.mark.postgres

JERUSALEM = ZoneInfo("Asia/Jerusalem")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUNDAY = date(2026, 1, 4)


def at(hour: int, minute: int = 0, day: date = SUNDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=JERUSALEM)


@pytest.fixture
async def business(engine: AsyncEngine, business_id: int) -> Business:
    async with session(engine) as opened:
        return await opened.get_one(Business, business_id)


@pytest.fixture
async def customer_id(engine: AsyncEngine, business: Business) -> int:
    async with session(engine) as opened:
        return await queries.customer_id_for_phone(opened, business.id, "+972501234567")


async def take(engine: AsyncEngine, business: Business, customer_id: int, starts_at: datetime) -> Appointment:
    async with session(engine) as opened:
        return await booking.book(opened, business, customer_id=customer_id, starts_at=starts_at, now=NOW)


async def test_a_day_is_its_opening_hours_cut_into_slots(engine: AsyncEngine, business: Business) -> None:
    async with session(engine) as opened:
        slots = await booking.free_slots(opened, business, SUNDAY, now=NOW)
        assert (slots[0], slots[-1], len(slots)) == (at(9), at(16, 30), 16)
        assert await booking.free_slots(opened, business, SUNDAY - timedelta(days=1), now=NOW) == []


async def test_a_business_that_never_closes_has_slots_to_the_end_of_the_day_and_on(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    """Also on the days when the clocks change, which are an hour shorter or longer."""
    business.opening_hours = {day: [["00:00", "24:00"]] for day in booking.DAYS}
    async with session(engine) as opened:
        for day, hours in ((SUNDAY, 24), (date(2026, 3, 27), 23), (date(2026, 10, 25), 25)):
            slots = await booking.free_slots(opened, business, day, now=NOW)
            after = await booking.free_slots(opened, business, day + timedelta(days=1), now=NOW)
            instants = [slot.astimezone(UTC) for slot in (*slots, after[0])]
            assert {later - earlier for earlier, later in pairwise(instants)} == {timedelta(minutes=30)}
            assert len(slots) == 2 * hours
        last = await booking.book(opened, business, customer_id=customer_id, starts_at=slots[-1], now=NOW)
        assert last.ends_at == after[0]


async def test_taken_and_passed_slots_are_not_free(engine: AsyncEngine, business: Business, customer_id: int) -> None:
    await take(engine, business, customer_id, at(10, 15))
    async with session(engine) as opened:
        slots = await booking.free_slots(opened, business, SUNDAY, now=at(9, 30).astimezone(UTC))
    assert slots[:2] == [at(11), at(11, 30)]


async def test_the_day_on_which_clocks_change_has_slots_that_follow_each_other(
    engine: AsyncEngine, business: Business
) -> None:
    business.opening_hours = {"fri": [["00:00", "04:00"]]}
    async with session(engine) as opened:
        slots = await booking.free_slots(opened, business, date(2026, 3, 27), now=NOW)
    instants = [slot.astimezone(UTC) for slot in slots]
    assert {later - earlier for earlier, later in pairwise(instants)} == {timedelta(minutes=30)}
    assert len(slots) == 6


@pytest.mark.parametrize(
    "starts_at", [at(8, 59), at(16, 31), at(12, day=date(2026, 1, 3)), at(12, day=date(2025, 12, 1))]
)
async def test_a_time_at_which_the_business_is_closed_or_that_has_passed_is_refused(
    engine: AsyncEngine, business: Business, customer_id: int, starts_at: datetime
) -> None:
    with pytest.raises(booking.OutsideHours):
        await take(engine, business, customer_id, starts_at)


async def test_twenty_callers_racing_for_one_slot_make_one_appointment(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    outcomes = await asyncio.gather(
        *(take(engine, business, customer_id, at(10) + timedelta(minutes=offset)) for offset in range(20)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, booking.SlotTaken)] == [Appointment]


async def test_the_transaction_goes_on_after_a_slot_turned_out_taken(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    await take(engine, business, customer_id, at(10))
    async with session(engine) as opened:
        with pytest.raises(booking.SlotTaken):
            await booking.book(opened, business, customer_id=customer_id, starts_at=at(10), now=NOW)
        await booking.book(opened, business, customer_id=customer_id, starts_at=at(11), now=NOW)
    async with session(engine) as opened:
        found = await booking.upcoming(opened, business, customer_id, now=NOW)
        assert [appointment.starts_at for appointment in found] == [at(10), at(11)]


async def test_a_move_frees_the_old_time_and_keeps_it_when_the_new_one_is_taken(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    first = await take(engine, business, customer_id, at(10))
    await take(engine, business, customer_id, at(12))
    async with session(engine) as opened:
        with pytest.raises(booking.SlotTaken):
            await booking.reschedule(opened, business, first.id, at(12), now=NOW)
    async with session(engine) as opened:
        assert (await opened.get_one(Appointment, first.id)).starts_at == at(10)
        await booking.reschedule(opened, business, first.id, at(10, 15), now=NOW)
    async with session(engine) as opened:
        moved = await opened.get_one(Appointment, first.id)
        assert (moved.starts_at, moved.ends_at) == (at(10, 15), at(10, 45))


async def test_a_cancelled_time_can_be_booked_again(engine: AsyncEngine, business: Business, customer_id: int) -> None:
    first = await take(engine, business, customer_id, at(10))
    async with session(engine) as opened:
        await booking.cancel(opened, business, first.id, now=NOW)
    await take(engine, business, customer_id, at(10))
    async with session(engine) as opened:
        with pytest.raises(booking.Cancelled):
            await booking.cancel(opened, business, first.id, now=NOW)


async def test_another_business_cannot_touch_the_appointment(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    first = await take(engine, business, customer_id, at(10))
    stranger = Business(id=1, name="x", phone="+9720", timezone="UTC", slot_minutes=30, opening_hours={})
    async with session(engine) as opened:
        with pytest.raises(booking.NotFound):
            await booking.cancel(opened, stranger, first.id, now=NOW)


async def test_a_reminder_is_queued_for_the_day_before_with_the_booking_and_with_each_move(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    first = await take(engine, business, customer_id, at(10))
    async with session(engine) as opened:
        await booking.reschedule(opened, business, first.id, at(12), now=NOW)
        await booking.book(opened, business, customer_id=customer_id, starts_at=at(15), now=at(9).astimezone(UTC))
    async with engine.connect() as connection:
        rows = (
            await connection.execute(text("SELECT dedupe_key, execute_after - now() FROM pgqueuer ORDER BY id"))
        ).all()
    assert [key for key, _ in rows] == [
        f"appointment.remind:{first.id}:2026-01-04T08:00:00+00:00",
        f"appointment.remind:{first.id}:2026-01-04T10:00:00+00:00",
    ]
    assert abs(rows[0][1] - (at(10) - timedelta(days=1) - NOW)) < timedelta(minutes=1)


async def test_two_who_wait_for_one_slot_are_told_that_it_is_taken_and_never_a_deadlock(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    """Without an order, two that wait for a third who then gives the slot back wait for each other."""
    async with engine.connect() as third:
        await third.execute(
            text(
                "INSERT INTO appointments (business_id, customer_id, starts_at, ends_at) "
                "VALUES (:business, :customer, :starts, :ends)"
            ),
            {"business": business.id, "customer": customer_id, "starts": at(10), "ends": at(10, 30)},
        )
        racing = [asyncio.create_task(take(engine, business, customer_id, at(10))) for _ in range(2)]
        async with engine.connect() as watching:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while (await watching.execute(waiting)).scalar_one() < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await third.rollback()
    outcomes = await asyncio.gather(*racing, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyTheirs", "Appointment"]


async def test_a_move_is_checked_with_the_length_that_it_keeps(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    business.slot_minutes = 120
    long = await take(engine, business, customer_id, at(10))
    business.slot_minutes = 30
    async with session(engine) as opened:
        with pytest.raises(booking.OutsideHours):
            await booking.reschedule(opened, business, long.id, at(16, 30), now=NOW)
        moved = await booking.reschedule(opened, business, long.id, at(15), now=NOW)
    assert moved.ends_at == at(17)


async def test_what_has_begun_is_neither_moved_nor_cancelled(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    begun = await take(engine, business, customer_id, at(10))
    async with session(engine) as opened:
        with pytest.raises(booking.Begun):
            await booking.reschedule(opened, business, begun.id, at(12), now=at(10).astimezone(UTC))
        with pytest.raises(booking.Begun):
            await booking.cancel(opened, business, begun.id, now=at(10).astimezone(UTC))


@pytest.mark.parametrize("more", [timedelta(microseconds=1), timedelta(seconds=1)])
async def test_an_appointment_begins_at_a_whole_minute(
    engine: AsyncEngine, business: Business, customer_id: int, more: timedelta
) -> None:
    with pytest.raises(booking.OutsideHours):
        await take(engine, business, customer_id, at(10) + more)


async def test_on_the_days_when_clocks_change_nothing_ends_after_closing_and_each_hour_can_be_booked(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    business.opening_hours = {"fri": [["00:00", "03:00"]], "sun": [["00:00", "03:00"]]}
    business.slot_minutes = 45
    async with session(engine) as opened:
        for day, hours in ((date(2026, 3, 27), 2), (date(2026, 10, 25), 4)):
            slots = await booking.free_slots(opened, business, day, now=NOW)
            first, last = slots[0].astimezone(UTC), slots[-1].astimezone(UTC)
            assert last + timedelta(minutes=45) <= first + timedelta(hours=hours)
            for slot in slots:
                await booking.book(opened, business, customer_id=customer_id, starts_at=slot, now=NOW)
            assert await booking.free_slots(opened, business, day, now=NOW) == []


async def test_an_appointment_that_is_being_taken_away_is_waited_for_and_then_not_there(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    """`make forget` and the sweep take rows away, and do not ask for the business first."""
    booked = await take(engine, business, customer_id, at(10))

    async def move() -> Appointment:
        async with session(engine) as opened:
            return await booking.reschedule(opened, business, booked.id, at(15), now=NOW)

    async with engine.begin() as forgetting, engine.connect() as watching:
        await forgetting.execute(text("DELETE FROM appointments"))
        moving = asyncio.create_task(move())
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not (await watching.execute(waiting)).scalar_one():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(booking.NotFound):
        await moving


async def test_an_appointment_that_was_read_before_is_moved_as_it_is_now(
    engine: AsyncEngine, business: Business, customer_id: int
) -> None:
    booked = await take(engine, business, customer_id, at(10))
    async with session(engine) as opened:
        assert len(await booking.upcoming(opened, business, customer_id, now=NOW)) == 1
        async with session(engine) as another:
            await booking.cancel(another, business, booked.id, now=NOW)
        with pytest.raises(booking.Cancelled):
            await booking.reschedule(opened, business, booked.id, at(15), now=NOW)
