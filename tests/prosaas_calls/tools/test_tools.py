"""The tools on a real calendar: answers that the model can speak, and no hour sold twice."""

import asyncio
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from calls_world.world import BUSINESS, CALLER
from prosaas_calls.ending import EndReason
from prosaas_calls.profile import Profile
from prosaas_calls.store import Store
from prosaas_calls.tools.base import Answer, ToolContext
from prosaas_calls.tools.use import use
from prosaas_core.database import session
from prosaas_core.stream_token import StreamClaims
from prosaas_core.tables import Appointment
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

# A Sunday: the demo business is open from nine to five.
DAY = date(2026, 1, 25)
NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)


async def call(engine: AsyncEngine, call_sid: str = "CA1", caller: str = CALLER) -> ToolContext:
    """A call to the demo business, as far as its tools are concerned."""
    store = Store(engine, timeout=10, record_timeout=10)
    profile = await store.profile(StreamClaims(call_sid, 456, caller, BUSINESS, 0, ""))
    return ToolContext(call_sid, profile, store, now=lambda: NOW)


async def tool(context: ToolContext, name: str, **arguments: Any) -> Answer:
    return await use(context, name, json.dumps(arguments), limit=20)


async def booked(engine: AsyncEngine) -> list[datetime]:
    async with session(engine) as opened:
        starts = select(Appointment.starts_at).where(Appointment.status == "booked").order_by(Appointment.starts_at)
        return [moment.astimezone(UTC) for moment in await opened.scalars(starts)]


async def test_a_free_day_is_told_in_few_words(engine: AsyncEngine) -> None:
    """The number of times for the log, the first of them for the caller, in the hours of the business."""
    answer = await tool(await call(engine), "check_availability", date="2026-01-25")

    assert answer.summary == "16 זמנים פנויים"
    assert answer.text == "16 זמנים פנויים: 09:00, 09:30, 10:00, 10:30, 11:00, 11:30"


async def test_a_wanted_hour_comes_first(engine: AsyncEngine) -> None:
    """The caller asked for two o'clock: what is near it is offered."""
    answer = await tool(await call(engine), "check_availability", date="2026-01-25", time="14:00")

    assert answer.text.startswith("16 זמנים פנויים: 14:00, 13:30, 14:30")


@pytest.mark.parametrize("day", ["2026-01-24", "2026-01-18"])
async def test_a_closed_or_past_day_has_no_times(engine: AsyncEngine, day: str) -> None:
    """A Saturday, and a day of last week."""
    answer = await tool(await call(engine), "check_availability", date=day)

    assert answer.summary == "אין זמנים פנויים"


async def test_the_log_line_is_the_guides(engine: AsyncEngine) -> None:
    """[TOOL_CALL] with day and hour, [TOOL_RESULT] with the number."""
    with capture_events("INFO") as events:
        await tool(await call(engine), "check_availability", date="2026-01-25", time="14:00")

    (called,) = [event for event in events if event.event == "TOOL_CALL"]
    (answered,) = [event for event in events if event.event == "TOOL_RESULT"]
    assert called.fields["summary"] == "2026-01-25 14:00"
    assert answered.fields["summary"] == "16 זמנים פנויים"


async def test_an_appointment_is_booked_moved_and_cancelled(engine: AsyncEngine) -> None:
    """In the time zone of the business, and with the call that it came from."""
    context = await call(engine)

    made = await tool(context, "book_appointment", date="2026-01-25", time="14:00", note="תספורת")
    assert made.text == "התור נקבע: 25.01 14:00."
    assert await booked(engine) == [datetime(2026, 1, 25, 12, tzinfo=UTC)]

    moved = await tool(context, "reschedule_appointment", date="2026-01-26", time="09:30")
    assert moved.text == "התור הועבר מ-25.01 14:00 ל-26.01 09:30."
    assert await booked(engine) == [datetime(2026, 1, 26, 7, 30, tzinfo=UTC)]

    gone = await tool(context, "cancel_appointment")
    assert gone.text == "התור ב-26.01 09:30 בוטל."
    assert await booked(engine) == []
    async with session(engine) as opened:
        assert await opened.scalar(select(Appointment.call_sid)) == "CA1"


@pytest.mark.parametrize(
    ("day", "hour", "words"),
    [
        ("2026-01-25", "14:00", "תפוסה"),
        ("2026-01-25", "17:00", "סגור"),
        ("2026-01-24", "10:00", "סגור"),
        ("2026-01-18", "10:00", "עברה"),
    ],
)
async def test_a_time_that_cannot_be_had_is_an_answer_and_not_a_failure(
    engine: AsyncEngine, day: str, hour: str, words: str
) -> None:
    """Taken, closed or past: the model is told which, and to offer another."""
    await tool(await call(engine, "CA0", "+972501111111"), "book_appointment", date="2026-01-25", time="14:00")

    with capture_events() as events:
        answer = await tool(await call(engine), "book_appointment", date=day, time=hour)

    assert words in answer.text
    assert answer.text.endswith("הצע זמן אחר.")
    assert not [event for event in events if event.event == "TOOL_FAILED"]


async def test_moving_to_a_taken_time_keeps_the_old_one(engine: AsyncEngine) -> None:
    """Nobody ends up without an appointment by asking for another."""
    await tool(await call(engine, "CA0", "+972501111111"), "book_appointment", date="2026-01-25", time="10:00")
    context = await call(engine)
    await tool(context, "book_appointment", date="2026-01-25", time="14:00")

    answer = await tool(context, "reschedule_appointment", date="2026-01-25", time="10:00")

    assert "תפוסה" in answer.text
    assert len(await booked(engine)) == 2
    assert datetime(2026, 1, 25, 12, tzinfo=UTC) in await booked(engine)


async def test_another_callers_appointment_is_out_of_reach(engine: AsyncEngine) -> None:
    """Moving and cancelling concern the caller's own."""
    await tool(await call(engine, "CA0", "+972501111111"), "book_appointment", date="2026-01-25", time="10:00")
    context = await call(engine)

    assert "אין ללקוח תור" in (await tool(context, "cancel_appointment")).text
    assert "אין ללקוח תור" in (await tool(context, "reschedule_appointment", date="2026-01-26", time="10:00")).text
    assert len(await booked(engine)) == 1


async def test_of_several_appointments_the_named_day_is_meant(engine: AsyncEngine) -> None:
    """Without a day, the next one is."""
    context = await call(engine)
    for day in ("2026-01-25", "2026-01-26", "2026-01-27"):
        await tool(context, "book_appointment", date=day, time="10:00")

    await tool(context, "cancel_appointment", date="2026-01-26")
    await tool(context, "cancel_appointment")

    assert await booked(engine) == [datetime(2026, 1, 27, 8, tzinfo=UTC)]


async def test_twenty_callers_who_want_one_hour_get_it_once(engine: AsyncEngine) -> None:
    """The database decides: one books, nineteen hear that it is taken."""
    contexts = [await call(engine, f"CA{number}", f"+97250100{number:04d}") for number in range(20)]

    with capture_events() as events:
        answers = await asyncio.gather(
            *(tool(context, "book_appointment", date="2026-01-25", time="14:00") for context in contexts)
        )

    assert sum("נקבע" in answer.text for answer in answers) == 1
    assert sum("תפוסה" in answer.text for answer in answers) == 19
    assert len(await booked(engine)) == 1
    assert not [event for event in events if event.event == "TOOL_FAILED"]


async def test_racing_moves_and_bookings_never_overlap(engine: AsyncEngine) -> None:
    """Ten move and ten book into the same three hours at once."""
    movers = [await call(engine, f"CA{number}", f"+97250100{number:04d}") for number in range(10)]
    for number, context in enumerate(movers):
        hour, minute = divmod(9 * 60 + 30 * number, 60)
        await tool(context, "book_appointment", date="2026-01-26", time=f"{hour:02d}:{minute:02d}")
    bookers = [await call(engine, f"CB{number}", f"+97250200{number:04d}") for number in range(10)]

    wishes = ["10:00", "10:30", "11:00"]
    await asyncio.gather(
        *(tool(c, "reschedule_appointment", date="2026-01-25", time=wishes[n % 3]) for n, c in enumerate(movers)),
        *(tool(c, "book_appointment", date="2026-01-25", time=wishes[n % 3]) for n, c in enumerate(bookers)),
    )

    taken = [moment for moment in await booked(engine) if moment.date() == DAY]
    assert len(taken) == len(set(taken)) == 3
    async with session(engine) as opened:
        assert await opened.scalar(select(func.count()).select_from(Appointment)) >= 10


async def test_transfer_needs_a_number(engine: AsyncEngine) -> None:
    """With one, the call is handed over after the model's words; without, the model offers to take a message."""
    context = await call(engine)
    assert (await tool(context, "transfer_to_human", reason="כועס")).then is EndReason.TRANSFERRED

    generic = ToolContext("CA1", Profile(), context.store)
    answer = await tool(generic, "transfer_to_human")
    assert answer.then is None
    assert "הודעה" in answer.text


@pytest.mark.parametrize(
    "name", ["check_availability", "book_appointment", "reschedule_appointment", "cancel_appointment"]
)
async def test_without_the_database_the_calendar_is_closed(engine: AsyncEngine, name: str) -> None:
    """A generic call does not know whose calendar it would be."""
    generic = ToolContext("CA1", Profile(), Store(engine, timeout=10, record_timeout=10))

    answer = await tool(generic, name, date="2026-01-25", time="14:00")

    assert answer.summary == "היומן לא זמין"


async def test_a_refusal_is_an_event_of_its_own_and_no_success(engine: AsyncEngine) -> None:
    with capture_events("INFO") as events:
        await tool(await call(engine), "book_appointment", date="2026-01-24", time="10:00")

    assert [event.event for event in events if event.event.startswith("TOOL_")] == ["TOOL_CALL", "TOOL_REFUSED"]
