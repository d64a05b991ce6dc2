"""business.tell: what a caller left, and who was sent away, reaches a person of the business once."""

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import insert, select, update

from prosaas_core.facts.endings import ENDINGS, EndReason
from prosaas_core.jobs import BUSINESS_TELL
from prosaas_core.outward.http import Outbound, Policy, Refused, Unavailable
from prosaas_core.patience import Patience
from prosaas_core.tables import Business, Call, CallMessage
from prosaas_logging import capture_events
from prosaas_worker.job import Job
from prosaas_worker.jobs import business_tell

pytestmark = pytest.mark.postgres


@pytest.fixture
async def reachable(engine):
    async with engine.begin() as connection:
        await connection.execute(update(Business).values(transfer_number="+97235550199"))


async def left(engine, **values):
    row = {"id": 3, "business_id": 456, "call_sid": "CA1", "body": "לחזור אליי", **values}
    async with engine.begin() as connection:
        await connection.execute(insert(CallMessage).values(row))
    return Job("1", BUSINESS_TELL, f"{BUSINESS_TELL}:message:3", {"message_id": 3}, {}, 1)


@pytest.mark.usefixtures("reachable")
async def test_a_message_is_texted_to_the_person_whom_calls_are_transferred_to(tools, providers, engine):
    job = await left(engine, name="דוד", number="+972501234567", urgent=True)
    for _ in range(2):
        await business_tell.run(job, tools)
    (sent,) = providers.sent
    assert (sent["from"], sent["to"]) == ("+97235550100", "+97235550199")
    assert sent["body"] == "דחוף! הודעה מדוד +972501234567: לחזור אליי"
    async with engine.connect() as connection:
        assert await connection.scalar(select(CallMessage.told_at)) is not None


@pytest.mark.usefixtures("reachable")
async def test_a_caller_who_was_sent_away_is_told_of_with_the_reason(tools, providers, engine):
    now = datetime.now(UTC)
    row = {"call_sid": "CA9", "business_id": 456, "from_number": "+972501234567", "end_reason": "over_capacity"}
    async with engine.begin() as connection:
        await connection.execute(insert(Call).values(**row, started_at=now))
    await business_tell.run(Job("1", BUSINESS_TELL, f"{BUSINESS_TELL}:CA9", {"call_sid": "CA9"}, {}, 1), tools)
    (sent,) = providers.sent
    assert sent["body"] == "שיחה מ-+972501234567 הסתיימה בלי מענה (כל הקווים היו תפוסים). כדאי לחזור."


async def test_a_business_without_a_number_to_ring_is_not_told_and_the_message_stays(tools, providers, engine):
    with capture_events("DEBUG") as events:
        await business_tell.run(await left(engine), tools)
    assert not providers.sent
    assert any(event.text.startswith("nobody to tell") for event in events)


@pytest.fixture
def hooked(tools):
    """An operator whose own system is told as well."""
    settings = tools.settings.model_copy(
        update={"business_webhook_url": "https://crm.example/prosaas", "business_webhook_token": "t0ken"}
    )
    return replace(tools, settings=settings)


async def test_the_operators_system_is_told_of_a_message_too(hooked, providers, engine):
    """Whole, with an id that stays the same when it is told again, and with the token that says who tells it."""
    job = await left(engine, name="דוד", number="+972501234567", urgent=True)
    for _ in range(2):
        await business_tell.run(job, hooked)
    first, again = providers.hooked
    assert first == again
    assert again["body"]["id"] == job.key
    assert first["authorization"] == "Bearer t0ken"
    at = first["body"].pop("at")
    assert datetime.fromisoformat(at).tzinfo is not None
    assert first["body"] == {
        "id": "business.tell:message:3", "type": "message", "business_id": 456, "call_sid": "CA1", "name": "דוד",
        "number": "+972501234567", "text": "לחזור אליי", "urgent": True,
    }  # fmt: skip
    assert not providers.sent
    async with engine.connect() as connection:
        assert await connection.scalar(select(CallMessage.told_at)) is not None


@pytest.mark.usefixtures("reachable")
async def test_a_system_that_is_away_keeps_no_text_from_its_reader_and_is_told_later(hooked, providers, engine):
    """The job fails and is tried again; the text is not sent again then."""
    job = await left(engine)
    providers.hook_status = 503
    with pytest.raises(Unavailable):
        await business_tell.run(job, hooked)
    assert len(providers.sent) == 1
    providers.hook_status = 200
    await business_tell.run(job, hooked)
    assert len(providers.sent) == 1
    assert providers.hooked[-1]["body"]["text"] == "לחזור אליי"


@pytest.mark.usefixtures("reachable")
async def test_a_text_that_is_refused_for_good_ends_no_hope_for_a_system_that_is_away(hooked, providers, engine):
    """Held is a job when nothing is left to try: a landline takes no text."""
    job = await left(engine)
    providers.faults.extend([400] * 2)
    providers.hook_status = 503
    with pytest.raises(Unavailable):
        await business_tell.run(job, hooked)
    providers.hook_status = 200
    with pytest.raises(Refused):
        await business_tell.run(job, hooked)
    async with engine.connect() as connection:
        assert await connection.scalar(select(CallMessage.told_at)) is not None


async def test_the_operators_system_is_told_of_a_caller_who_was_sent_away(hooked, providers, engine):
    now = datetime(2026, 1, 25, 14, tzinfo=UTC)
    row = {"call_sid": "CA9", "business_id": 456, "from_number": "+972501234567", "end_reason": "missed"}
    async with engine.begin() as connection:
        await connection.execute(insert(Call).values(**row, started_at=now))
    await business_tell.run(Job("1", BUSINESS_TELL, f"{BUSINESS_TELL}:CA9", {"call_sid": "CA9"}, {}, 1), hooked)
    assert [told["body"] for told in providers.hooked] == [
        {
            "id": "business.tell:CA9", "type": "missed_call", "business_id": 456, "call_sid": "CA9",
            "number": "+972501234567", "reason": "missed", "at": now.isoformat(),
        }
    ]  # fmt: skip


async def test_a_business_whose_calls_are_transferred_to_itself_gets_no_message_from_itself(tools, providers, engine):
    async with engine.begin() as connection:
        await connection.execute(update(Business).values(transfer_number="+972-3-555-0100"))
    await business_tell.run(await left(engine), tools)
    assert not providers.sent


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize(
    ("language", "said"), [("en", "A message from ?: לחזור אליי"), ("he", "הודעה מ-?: לחזור אליי")]
)
async def test_a_message_of_nobody_known_that_is_not_urgent_says_no_more_than_it_knows(
    language, said, tools, providers, engine
):
    async with engine.begin() as connection:
        await connection.execute(update(Business).values(language=language))
    await business_tell.run(await left(engine), tools)
    assert [sent["body"] for sent in providers.sent] == [said]


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize(
    ("language", "reason", "said"),
    [
        ("en", "missed", f"A call from ? was not served ({ENDINGS[EndReason.MISSED].en}). Please call back."),
        ("he", "missed", f"שיחה מ-? הסתיימה בלי מענה ({ENDINGS[EndReason.MISSED].he}). כדאי לחזור."),
        ("en", "of_a_later_release", "A call from ? was not served (of_a_later_release). Please call back."),
    ],
)
async def test_a_caller_who_hides_is_told_of_in_the_languages_own_words(
    language, reason, said, hooked, providers, engine
):
    row = {"call_sid": "CA9", "business_id": 456, "from_number": "anonymous", "end_reason": reason}
    async with engine.begin() as connection:
        await connection.execute(update(Business).values(language=language))
        await connection.execute(insert(Call).values(**row, started_at=datetime.now(UTC)))
    await business_tell.run(Job("1", BUSINESS_TELL, f"{BUSINESS_TELL}:CA9", {"call_sid": "CA9"}, {}, 1), hooked)
    assert [sent["body"] for sent in providers.sent] == [said]
    assert [told["body"]["number"] for told in providers.hooked] == [""]


async def test_of_what_was_deleted_meanwhile_nobody_is_told(hooked, providers):
    await business_tell.run(Job("1", BUSINESS_TELL, f"{BUSINESS_TELL}:message:404", {"message_id": 404}, {}, 1), hooked)
    assert (providers.sent, providers.hooked) == ([], [])


async def test_a_system_without_a_token_is_told_without_one(hooked, providers, engine):
    open_to_all = hooked.settings.model_copy(update={"business_webhook_token": ""})
    await business_tell.run(await left(engine), replace(hooked, settings=open_to_all))
    assert [told["authorization"] for told in providers.hooked] == [None]


async def test_a_system_that_stumbles_is_told_again_at_once_and_its_address_is_nobodys_to_read(
    hooked, providers, engine
):
    """Whoever knows it may post there; what is posted twice has its id."""
    answers = [httpx.Response(500), httpx.Response(204)]
    policy = Policy(patience=Patience(first_s=0.01, longest_s=0.01, total_s=0.1))
    transport = httpx.MockTransport(lambda _: answers.pop(0))
    with capture_events("TRACE") as events:
        async with Outbound(policy, transport=transport) as outbound:
            await business_tell.run(await left(engine), replace(hooked, outbound=outbound))
    assert answers == []
    said = [f"{event.text} {event.fields}" for event in events]
    assert any("crm.example" in line for line in said)
    assert not any("/prosaas" in line for line in said)
