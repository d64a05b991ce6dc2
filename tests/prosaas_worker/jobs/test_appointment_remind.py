"""appointment.remind speaks only while the appointment stands as it was booked."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update

from prosaas_core.jobs import APPOINTMENT_REMIND
from prosaas_core.tables import Appointment, Business, Customer
from prosaas_core.words import day_in_words
from prosaas_logging import capture_events
from prosaas_worker.job import Hopeless, Job
from prosaas_worker.jobs import appointment_remind

pytestmark = pytest.mark.postgres

TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)


def job(starts_at=TOMORROW):
    payload = {"appointment_id": 9, "starts_at": starts_at.isoformat()}
    return Job("1", APPOINTMENT_REMIND, f"{APPOINTMENT_REMIND}:9:{starts_at.isoformat()}", payload, {}, 1)


@pytest.fixture
async def booked(engine):
    async with engine.begin() as connection:
        await connection.execute(
            insert(Appointment).values(
                id=9, business_id=456, customer_id=7, starts_at=TOMORROW, ends_at=TOMORROW + timedelta(minutes=30)
            )
        )


async def change(engine, table, **values):
    async with engine.begin() as connection:
        await connection.execute(update(table).values(**values))


@pytest.mark.usefixtures("booked")
async def test_a_customer_with_a_phone_number_gets_an_sms_with_the_local_time(tools, providers, engine):
    await change(tools.engine, Customer, phone="+972501234567")
    await change(engine, Business, timezone="Etc/GMT-3")
    with capture_events() as events:
        await appointment_remind.run(job(), tools)
    (sent,) = providers.sent
    assert [event.event for event in events if (event.event or "").endswith("_SENT")] == ["SMS_SENT"]
    local = TOMORROW + timedelta(hours=3)
    assert (sent["from"], sent["to"]) == ("+97235550100", "+972501234567")
    assert sent["body"] == f"שלום דוד, תזכורת: קבעתם תור במספרת דנה ל{day_in_words(local, 'he')}, בשעה {local:%H:%M}."


@pytest.mark.usefixtures("booked")
async def test_a_customer_known_only_on_whatsapp_gets_it_there_while_they_may_be_written_to(tools, providers, message):
    await message("wamid.1", channel="meta", ago=3600)
    await appointment_remind.run(job(), tools)
    assert [(sent["from"], sent["to"]) for sent in providers.sent] == [("1055", "972501234567")]


@pytest.mark.usefixtures("booked")
async def test_outside_of_whatsapps_day_the_approved_template_is_sent(tools, providers, message):
    await message("wamid.1", channel="meta", ago=25 * 3600)
    settings = tools.settings.model_copy(update={"whatsapp_reminder_template": "reminder"})
    await appointment_remind.run(job(), replace(tools, settings=settings))
    (sent,) = providers.sent
    template = json.loads(sent["body"])
    assert (template["name"], template["language"]) == ("reminder", {"code": "he"})
    local = TOMORROW.astimezone(ZoneInfo("Asia/Jerusalem"))
    told = [value["text"] for value in template["components"][0]["parameters"]]
    assert told == ["דוד", "מספרת דנה", day_in_words(local, "he"), f"{local:%H:%M}"]


@pytest.mark.usefixtures("booked")
async def test_who_has_no_name_is_told_all_the_same(tools, providers, message):
    """Meta refuses an empty parameter; and no space stands before a comma."""
    await change(tools.engine, Customer, name=" ")
    settings = tools.settings.model_copy(update={"whatsapp_reminder_template": "reminder"})
    await appointment_remind.run(job(), replace(tools, settings=settings))
    template = json.loads(providers.sent[0]["body"])
    assert template["components"][0]["parameters"][0]["text"] == "-"


@pytest.mark.usefixtures("booked")
async def test_without_a_template_nothing_is_sent_and_a_person_hears_what_to_set(tools, providers):
    with pytest.raises(Hopeless, match="WHATSAPP_REMINDER_TEMPLATE"):
        await appointment_remind.run(job(), tools)
    assert providers.sent == []


@pytest.mark.usefixtures("booked")
async def test_a_reminder_that_could_not_be_sent_before_its_hour_is_heard_of(tools):
    past = datetime.now(UTC) - timedelta(hours=1)
    await change(tools.engine, Appointment, starts_at=past, ends_at=past + timedelta(minutes=30))
    with pytest.raises(Hopeless, match="before its reminder"):
        await appointment_remind.run(replace(job(past), attempt=2), tools)


@pytest.mark.usefixtures("booked")
async def test_a_second_run_does_not_remind_again(tools, providers):
    await change(tools.engine, Customer, phone="+972501234567")
    await appointment_remind.run(job(), tools)
    await appointment_remind.run(job(), tools)
    assert len(providers.sent) == 1


@pytest.mark.usefixtures("booked")
@pytest.mark.parametrize(
    "changed",
    [
        {"status": "cancelled"},
        {"starts_at": TOMORROW + timedelta(hours=1), "ends_at": TOMORROW + timedelta(hours=2)},
    ],
)
async def test_a_moved_or_cancelled_appointment_is_passed_over(changed, tools, providers):
    await change(tools.engine, Appointment, **changed)
    with capture_events("DEBUG") as events:
        await appointment_remind.run(job(), tools)
    assert providers.sent == []
    assert [event.fields["appointment_id"] for event in events if event.text.startswith("reminder is out of")] == [9]


async def test_a_deleted_appointment_is_passed_over(tools, providers):
    await appointment_remind.run(job(), tools)
    assert providers.sent == []


@pytest.mark.usefixtures("booked")
async def test_a_reminder_that_comes_too_late_stays_unsaid(tools, providers):
    past = datetime.now(UTC) - timedelta(hours=1)
    await change(tools.engine, Appointment, starts_at=past, ends_at=past + timedelta(minutes=30))
    with capture_events("DEBUG") as events:
        await appointment_remind.run(job(past), tools)
    assert providers.sent == []
    assert [event.fields["appointment_id"] for event in events if event.text.startswith("reminder comes too")] == [9]


@pytest.mark.usefixtures("booked")
async def test_a_customer_whom_nothing_reaches_is_for_a_person_to_look_at(tools, engine):
    await change(engine, Business, whatsapp_phone_number_id=None)
    with pytest.raises(Hopeless, match="no way to reach the customer of appointment 9"):
        await appointment_remind.run(job(), tools)
