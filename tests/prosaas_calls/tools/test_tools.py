"""The tools on a real calendar: answers that the model can speak, and no hour sold twice."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from calls_world.world import BUSINESS, CALLER
from prosaas_calls.ending import EndReason
from prosaas_calls.profile import Profile
from prosaas_calls.store import Store
from prosaas_calls.tools.base import Answer, ToolContext
from prosaas_calls.tools.use import use
from prosaas_core.database import session
from prosaas_core.stream_token import StreamClaims
from prosaas_core.tables import Appointment, CallMessage, Customer
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


async def tool(context: ToolContext, name: str, /, **arguments: Any) -> Answer:
    return await use(context, name, json.dumps(arguments), limit=20)


async def booked(engine: AsyncEngine) -> list[datetime]:
    async with session(engine) as opened:
        starts = select(Appointment.starts_at).where(Appointment.status == "booked").order_by(Appointment.starts_at)
        return [moment.astimezone(UTC) for moment in await opened.scalars(starts)]


async def test_a_free_day_is_told_in_few_words(engine: AsyncEngine) -> None:
    """The number of times for the log, the first of them for the caller, in the hours of the business."""
    answer = await tool(await call(engine), "check_availability", date="2026-01-25")

    assert answer.summary == "16 זמנים פנויים"
    assert answer.text == "יום ראשון, 25 בינואר, 16 זמנים פנויים: 09:00, 09:30, 10:00, 10:30, 11:00, 11:30"


async def test_a_wanted_hour_comes_first(engine: AsyncEngine) -> None:
    """The caller asked for two o'clock: what is near it is offered."""
    answer = await tool(await call(engine), "check_availability", date="2026-01-25", time="14:00")

    assert "16 זמנים פנויים: 14:00, 13:30, 14:30" in answer.text


@pytest.mark.parametrize(
    ("day", "why"), [("2026-01-24", "סגור"), ("2026-01-18", "עברה"), ("2024-01-25", "השנה"), ("2031-01-05", "רחוק")]
)
async def test_a_day_without_times_says_why(engine: AsyncEngine, day: str, why: str) -> None:
    """A Saturday, a day of last week, and years that were computed wrong: none sounds like a full diary."""
    answer = await tool(await call(engine), "check_availability", date=day)

    assert why in answer.text
    assert "תפוס" not in answer.text


async def test_a_full_day_is_full(engine: AsyncEngine) -> None:
    """Not closed, and not past."""
    for number in range(16):
        hour, minute = divmod(9 * 60 + 30 * number, 60)
        other = await call(engine, f"CA{number}", f"+97250100{number:04d}")
        await tool(other, "book_appointment", date="2026-01-25", time=f"{hour:02d}:{minute:02d}")

    answer = await tool(await call(engine), "check_availability", date="2026-01-25")

    assert answer.text == "יום ראשון, 25 בינואר: הכול תפוס. יש להציע יום אחר."


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
    assert made.text == "הפגישה נקבעה: יום ראשון, 25 בינואר, 14:00."
    assert await booked(engine) == [datetime(2026, 1, 25, 12, tzinfo=UTC)]

    old = {"current_date": "2026-01-25", "current_time": "14:00"}
    moved = await tool(context, "reschedule_appointment", date="2026-01-26", time="09:30", **old)
    assert moved.text == "הפגישה הועברה. קודם: יום ראשון, 25 בינואר, 14:00. עכשיו: יום שני, 26 בינואר, 09:30."
    assert await booked(engine) == [datetime(2026, 1, 26, 7, 30, tzinfo=UTC)]

    gone = await tool(context, "cancel_appointment", date="2026-01-26", time="09:30")
    assert gone.text == "הפגישה בוטלה: יום שני, 26 בינואר, 09:30."
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
        ("2031-01-05", "10:00", "רחוק"),
        ("2026-01-25", "14:07", "14:00, 14:30"),
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
    assert not [event for event in events if event.event == "TOOL_FAILED"]


async def test_moving_to_a_taken_time_keeps_the_old_one(engine: AsyncEngine) -> None:
    """Nobody ends up without an appointment by asking for another."""
    await tool(await call(engine, "CA0", "+972501111111"), "book_appointment", date="2026-01-25", time="10:00")
    context = await call(engine)
    await tool(context, "book_appointment", date="2026-01-25", time="14:00")

    old = {"current_date": "2026-01-25", "current_time": "14:00"}
    answer = await tool(context, "reschedule_appointment", date="2026-01-25", time="10:00", **old)

    assert "תפוסה" in answer.text
    assert len(await booked(engine)) == 2
    assert datetime(2026, 1, 25, 12, tzinfo=UTC) in await booked(engine)


async def test_another_callers_appointment_is_out_of_reach(engine: AsyncEngine) -> None:
    """Moving and cancelling concern the caller's own."""
    await tool(await call(engine, "CA0", "+972501111111"), "book_appointment", date="2026-01-25", time="10:00")
    context = await call(engine)

    theirs, old = {"date": "2026-01-25", "time": "10:00"}, {"current_date": "2026-01-25", "current_time": "10:00"}
    new = {"date": "2026-01-26", "time": "10:00"}
    assert "אין ללקוח פגישה" in (await tool(context, "cancel_appointment", **theirs)).text
    assert "אין ללקוח פגישה" in (await tool(context, "reschedule_appointment", **old, **new)).text
    assert len(await booked(engine)) == 1


@pytest.mark.parametrize("named", [{"date": "2026-01-26", "time": "11:00"}, {"date": "2026-01-28", "time": "10:00"}])
async def test_an_appointment_is_given_up_by_its_own_day_and_hour_alone(
    engine: AsyncEngine, named: dict[str, str]
) -> None:
    """A wrong hour or a wrong day cancels nothing, and the model is told what there is."""
    context = await call(engine)
    for day in ("2026-01-25", "2026-01-26"):
        await tool(context, "book_appointment", date=day, time="10:00")

    refused = await tool(context, "cancel_appointment", **named)

    assert len(await booked(engine)) == 2
    assert "יום ראשון, 25 בינואר, 10:00; יום שני, 26 בינואר, 10:00" in refused.text
    assert refused.text.count("26 בינואר") == 1
    listed = await tool(context, "my_appointments")
    assert listed.text == "הפגישות של הלקוח: יום ראשון, 25 בינואר, 10:00; יום שני, 26 בינואר, 10:00."

    await tool(context, "cancel_appointment", date="2026-01-26", time="10:00")
    assert await booked(engine) == [datetime(2026, 1, 25, 8, tzinfo=UTC)]


async def test_a_booking_asked_for_twice_is_one_that_they_have(engine: AsyncEngine) -> None:
    """The first answer was lost with the model's connection: the same hour is neither refused nor booked again."""
    context = await call(engine)
    for _ in range(2):
        answer = await tool(context, "book_appointment", date="2026-01-25", time="14:00")

    assert "כבר קבועה" in answer.text
    assert "תפוסה" not in answer.text
    assert len(await booked(engine)) == 1


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
        *(
            tool(
                c,
                "reschedule_appointment",
                date="2026-01-25",
                time=wishes[n % 3],
                current_date="2026-01-26",
                current_time=f"{9 + n // 2:02d}:{30 * (n % 2):02d}",
            )
            for n, c in enumerate(movers)
        ),
        *(tool(c, "book_appointment", date="2026-01-25", time=wishes[n % 3]) for n, c in enumerate(bookers)),
    )

    taken = [moment for moment in await booked(engine) if moment.date() == DAY]
    assert len(taken) == len(set(taken)) == 3
    async with session(engine) as opened:
        assert (await opened.scalar(select(func.count()).select_from(Appointment)) or 0) >= 10


async def test_callers_who_hide_their_number_share_nothing(engine: AsyncEngine) -> None:
    """They are not one customer: nobody hears of, or gives up, another's appointment."""
    first = await call(engine, "CA1", "anonymous")
    second = await call(engine, "CA2", "anonymous")

    assert first.profile.customer_id is None
    assert (await tool(first, "book_appointment", date="2026-01-25", time="14:00")).refused
    assert (await tool(second, "my_appointments")).refused
    async with session(engine) as opened:
        anonymous = select(func.count()).select_from(Customer).where(Customer.external_id == "anonymous")
        assert await opened.scalar(anonymous) == 0


async def test_a_message_is_kept_and_the_business_is_told(engine: AsyncEngine, owner: AsyncEngine) -> None:
    """Name, number, words and urgency; the number called from when no other is named."""
    context = replace(await call(engine), caller=CALLER)
    await tool(context, "take_message", text="לחזור אליי", name="דוד", urgent=True)
    await tool(context, "take_message", text="לא דחוף", number="+97221234567")

    async with session(owner) as opened:
        kept = (await opened.scalars(select(CallMessage).order_by(CallMessage.id))).all()
        jobs = await opened.execute(text("SELECT payload FROM pgqueuer WHERE entrypoint = 'business.tell' ORDER BY id"))
        told = [json.loads(bytes(payload))["message_id"] for (payload,) in jobs]
    assert [(each.name, each.number, each.body, each.urgent) for each in kept] == [
        ("דוד", CALLER, "לחזור אליי", True),
        ("", "+97221234567", "לא דחוף", False),
    ]
    assert told == [each.id for each in kept]


async def test_what_callers_leave_is_kept_without_card_numbers(engine: AsyncEngine, owner: AsyncEngine) -> None:
    context, card = await call(engine), "4580260000000000"
    await tool(context, "take_message", text=f"לחייב את {card}", name=f"דוד {card}", number=card)
    await tool(context, "book_appointment", date="2026-01-25", time="14:00", note=f"כרטיס {card}")
    await tool(context, "remember_caller", name=f"דוד {card}")
    async with session(owner) as opened:
        message, booking = await opened.scalar(select(CallMessage)), await opened.scalar(select(Appointment))
        name = await opened.scalar(select(Customer.name).where(Customer.phone == CALLER))
    assert message is not None
    assert booking is not None
    for kept in (message.body, message.name, message.number, booking.note, name):
        assert "4580" not in str(kept)
        assert "[redacted]" in str(kept)


async def test_a_number_to_call_back_is_kept_whole(engine: AsyncEngine, owner: AsyncEngine) -> None:
    """As everybody writes it, so that it is found when its owner asks to be forgotten; or else as it was said."""
    context = await call(engine)
    for number in ("02-123-4567", "שלוחה 12"):
        await tool(context, "take_message", text="לחזור", number=number)
    async with session(owner) as opened:
        numbers = await opened.scalars(select(CallMessage.number).order_by(CallMessage.id))
        assert numbers.all() == ["+97221234567", "שלוחה 12"]


async def test_a_call_leaves_a_few_messages_and_another_call_its_own(engine: AsyncEngine, owner: AsyncEngine) -> None:
    context = await call(engine)
    answers = [await tool(context, "take_message", text=f"הודעה {number}") for number in range(7)]

    assert [answer.refused for answer in answers] == [False] * 5 + [True] * 2
    assert not (await tool(await call(engine, "CA2"), "take_message", text="הודעה")).refused
    async with session(owner) as opened:
        assert await opened.scalar(select(func.count()).select_from(CallMessage)) == 6
        jobs = text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'business.tell'")
        assert await opened.scalar(jobs) == 6


async def test_messages_are_counted_for_as_long_as_a_call_may_last(engine: AsyncEngine, owner: AsyncEngine) -> None:
    """Four hours; what is older need not be looked through."""
    context = await call(engine)
    for number in range(5):
        await tool(context, "take_message", text=f"הודעה {number}")
    for minutes, refused in ((230, True), (250, False)):
        async with owner.begin() as opened:
            made_then = func.now() - timedelta(minutes=minutes)
            await opened.execute(update(CallMessage).values(created_at=made_then))
        assert (await tool(context, "take_message", text="ועוד אחת")).refused is refused


async def test_the_line_that_leads_back_to_us_is_not_rung(engine: AsyncEngine) -> None:
    """A transfer to the business's own number would be answered by the agent."""
    context = await call(engine)
    assert context.profile.business is not None
    context.profile.business.transfer_number = "+972-3-555-0100"

    assert (await tool(context, "transfer_to_human", reason="כועס")).refused


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

    when = {"date": "2026-01-25", "time": "14:00", "current_date": "2026-01-26", "current_time": "14:00"}
    answer = await tool(generic, name, **when)

    assert answer.summary == "היומן לא זמין"
    assert answer.refused
    # No message can be taken either, so that nobody would know of it.
    assert "אין להבטיח דבר" in answer.text


async def test_a_refusal_is_an_event_of_its_own_and_no_success(engine: AsyncEngine) -> None:
    with capture_events("INFO") as events:
        await tool(await call(engine), "book_appointment", date="2026-01-24", time="10:00")

    assert [event.event for event in events if str(event.event).startswith("TOOL_")] == ["TOOL_CALL", "TOOL_REFUSED"]


async def introduced(engine: AsyncEngine, caller: str, **who: str) -> tuple[ToolContext, Answer]:
    """A call whose caller says who they are; how the call goes on for its tools."""
    known = [await call(engine, "CA2", caller)]
    context = replace(known[0], introduce=lambda profile: known.append(replace(known[0], profile=profile)))
    answer = await tool(context, "remember_caller", **who)
    return known[-1], answer


async def test_a_callers_name_is_kept_for_the_diary(engine: AsyncEngine) -> None:
    await introduced(engine, CALLER, name="רות")

    assert (await call(engine, "CA3")).profile.customer_name == "רות"


async def test_who_comes_is_in_the_diary(engine: AsyncEngine) -> None:
    """A mother books for her child."""
    await tool(await call(engine), "book_appointment", date="2026-01-25", time="14:00", for_whom="נועם")
    async with session(engine) as opened:
        assert await opened.scalar(select(Appointment.for_whom)) == "נועם"


async def test_a_hidden_caller_books_under_the_number_that_they_give_and_gets_at_nothing_else(
    engine: AsyncEngine,
) -> None:
    """Anybody can give anybody's number: what that customer has is neither told nor touched, and nobody is renamed."""
    await introduced(engine, CALLER, name="רות")
    theirs = await call(engine)
    await tool(theirs, "book_appointment", date="2026-01-25", time="14:00")

    hidden, answer = await introduced(engine, "anonymous", name="מישהו", number="050-123-4567")
    assert not answer.refused
    assert not (await tool(hidden, "book_appointment", date="2026-01-25", time="15:00")).refused
    for name, arguments in (
        ("my_appointments", {}),
        ("cancel_appointment", {"date": "2026-01-25", "time": "14:00"}),
        ("cancel_appointment", {"date": "2026-01-25", "time": "09:00"}),
    ):
        answer = await tool(hidden, name, **arguments)
        assert answer.refused
        assert "14:00" not in answer.text
    async with session(engine) as opened:
        assert (await opened.scalars(select(Customer.name))).all() == ["רות"]
    assert len(await booked(engine)) == 2


async def test_a_number_that_is_none_is_asked_for_again(engine: AsyncEngine) -> None:
    for number in ("050", "", "לא יודע"):
        context, answer = await introduced(engine, "anonymous", number=number)
        assert answer.refused
        assert context.profile.customer_id is None


class Caller:
    """A caller to the demo business, whose call goes on with what they said about themselves."""

    def __init__(self, context: ToolContext) -> None:
        self.context = replace(context, introduce=self._introduce)

    def _introduce(self, profile: Profile) -> None:
        self.context = replace(self.context, profile=profile)

    async def __call__(self, name: str, /, **arguments: Any) -> Answer:
        return await tool(self.context, name, **arguments)


async def diary(engine: AsyncEngine) -> list[tuple[str | None, str]]:
    """The number and the name under which each appointment stands."""
    async with session(engine) as opened:
        who = select(Customer.phone, Customer.name).join(Appointment, Appointment.customer_id == Customer.id)
        return [(phone, name) for phone, name in await opened.execute(who.order_by(Appointment.starts_at))]


async def test_a_corrected_number_takes_the_calls_bookings_and_its_name_along(engine: AsyncEngine) -> None:
    """Whoever has the misheard number gets neither a reminder nor a name; what they booked themselves stays theirs."""
    theirs = Caller(await call(engine, "CA0", "+972501111111"))
    await theirs("book_appointment", date="2026-01-25", time="09:00")
    caller = Caller(await call(engine, "CA2", "anonymous"))
    await caller("remember_caller", name="רות", number="050-111-1112")
    await caller("book_appointment", date="2026-01-25", time="14:00")
    await caller("remember_caller", number="050-111-1111")
    assert not (await caller("remember_caller", number="050-222-2222")).refused
    await caller("book_appointment", date="2026-01-25", time="15:00")

    assert await diary(engine) == [("+972501111111", ""), ("+972502222222", "רות"), ("+972502222222", "רות")]
    async with session(engine) as opened:
        assert await opened.scalar(select(Customer.name).where(Customer.phone == "+972501111112")) == ""


async def test_numbers_are_not_tried_out_in_one_call(engine: AsyncEngine) -> None:
    """Five different ones; to say the same again is no trial."""
    caller = Caller(await call(engine, "CA2", "anonymous"))
    answers = [await caller("remember_caller", number=f"050-333-333{digit}") for digit in (0, 0, 1, 2, 3, 4, 5, 6)]

    assert [answer.refused for answer in answers] == [False] * 6 + [True] * 2
    async with session(engine) as opened:
        tried = select(func.count()).select_from(Customer).where(Customer.phone.like("+97250333333_"))
        assert await opened.scalar(tried) == 5


async def test_a_caller_who_shows_their_number_hears_that_another_is_not_noted(engine: AsyncEngine) -> None:
    """Their name is; and the number that they call from is no other."""
    caller = Caller(replace(await call(engine), caller=CALLER))
    answer = await caller("remember_caller", name="רות", number="050-222-2222")

    assert answer.refused
    assert "לא נרשם" in answer.text
    assert not (await caller("remember_caller", number="050-123-4567")).refused
    assert (await call(engine, "CA3")).profile.customer_name == "רות"
    async with session(engine) as opened:
        assert await opened.scalar(select(Customer.id).where(Customer.phone == "+972502222222")) is None


async def test_who_only_says_a_number_does_not_learn_when_its_owner_comes(engine: AsyncEngine) -> None:
    """Their time and anybody else's are taken alike; what the call booked itself is known to be theirs."""
    await tool(await call(engine), "book_appointment", date="2026-01-25", time="14:00")
    other = await call(engine, "CA2", "+972502222222")
    await tool(other, "book_appointment", date="2026-01-25", time="15:00")

    caller = Caller(await call(engine, "CA3", "anonymous"))
    await caller("remember_caller", number="050-123-4567")
    theirs, others = [await caller("book_appointment", date="2026-01-25", time=time) for time in ("14:00", "15:00")]
    assert theirs == others
    assert "תפוסה" in theirs.text
    await caller("book_appointment", date="2026-01-25", time="16:00")
    assert "כבר קבועה" in (await caller("book_appointment", date="2026-01-25", time="16:00")).text
