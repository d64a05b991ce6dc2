"""An incoming message is kept once, in one conversation with one customer, which has one job."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import make_engine, raw_transaction, transaction
from prosaas_core.messages.inbox import Outcome, keep
from prosaas_core.messages.incoming import Incoming
from prosaas_core.settings import Settings

pytestmark = pytest.mark.postgres

MESSAGE = Incoming(
    provider="twilio",
    message_id="SM1",
    to="+97235550100",
    sender="972501111111",
    phone="+972501111111",
    name="נועה",
    text="שלום",
)


async def kept(engine: AsyncEngine, *messages: Incoming) -> list[Outcome]:
    async with raw_transaction(engine) as connection:
        return [await keep(connection, message) for message in messages]


async def counts(engine: AsyncEngine) -> dict[str, int]:
    tables = ("customers", "conversations", "messages", "pgqueuer")
    async with engine.connect() as connection:
        return {
            table: (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() for table in tables
        }


async def test_the_messages_of_one_customer_share_a_conversation(engine: AsyncEngine, business_id: int) -> None:
    outcomes = await kept(engine, MESSAGE, replace(MESSAGE, message_id="SM2"), MESSAGE)
    assert outcomes == [Outcome(kind, business_id) for kind in ("accepted", "accepted", "duplicate")]
    assert await counts(engine) == {"customers": 2, "conversations": 1, "messages": 2, "pgqueuer": 1}


async def test_each_provider_knows_us_by_its_own_name(engine: AsyncEngine, business_id: int) -> None:
    outcomes = await kept(
        engine,
        replace(MESSAGE, provider="meta", message_id="wamid.1", to="100000000000456"),
        replace(MESSAGE, provider="meta", message_id="wamid.2"),
        replace(MESSAGE, to="100000000000456"),
    )
    assert [outcome.kind for outcome in outcomes] == ["accepted", "unknown", "unknown"]
    assert (await counts(engine))["messages"] == 1


async def test_a_name_and_a_number_that_we_have_are_kept_and_those_that_we_lack_are_learnt(
    engine: AsyncEngine, business_id: int
) -> None:
    await kept(engine, replace(MESSAGE, name="", phone=None))
    await kept(engine, replace(MESSAGE, message_id="SM2"))
    await kept(engine, replace(MESSAGE, message_id="SM3", name="another", phone="+972509999999"))
    async with engine.connect() as connection:
        customers = await connection.execute(text("SELECT name, phone FROM customers WHERE channel = 'whatsapp'"))
        assert [tuple(row) for row in customers] == [("נועה", "+972501111111")]


async def test_a_new_message_after_the_conversation_was_closed_opens_another(
    engine: AsyncEngine, business_id: int
) -> None:
    await kept(engine, MESSAGE)
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE conversations SET status = 'closed'"))
    await kept(engine, MESSAGE)
    assert (await counts(engine))["conversations"] == 1
    await kept(engine, replace(MESSAGE, message_id="SM2"))
    assert (await counts(engine))["conversations"] == 2


async def test_one_connection_keeps_messages_long_after_postgres_made_a_plan_for_good(
    settings: Settings, business_id: int
) -> None:
    engine = make_engine(settings, pool_size=1)
    for number in range(12):
        assert [outcome.kind for outcome in await kept(engine, replace(MESSAGE, message_id=f"SM{number}"))] == [
            "accepted"
        ]
    assert (await counts(engine))["conversations"] == 1
    await engine.dispose()


async def stored(engine: AsyncEngine) -> list[tuple[str, datetime, bool]]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT id, sent_at, wants_answer FROM messages ORDER BY sent_at, serial"))
        return [tuple(row) for row in rows]


async def test_messages_of_one_second_stay_in_the_order_in_which_they_came(
    engine: AsyncEngine, business_id: int
) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    batch = [replace(MESSAGE, message_id=f"SM{number}", sent_at=at) for number in (5, 2, 9)]
    await kept(engine, *batch, replace(MESSAGE, message_id="SM1", sent_at=at - timedelta(seconds=1)))
    assert [message_id for message_id, _, _ in await stored(engine)] == ["SM1", "SM5", "SM2", "SM9"]


@pytest.mark.parametrize("at", [datetime(1970, 1, 2, tzinfo=UTC), datetime.now(UTC) - timedelta(hours=25)])
async def test_what_comes_after_days_is_kept_under_its_own_time_and_neither_answered_nor_activity(
    at: datetime, engine: AsyncEngine, business_id: int
) -> None:
    await kept(engine, replace(MESSAGE, sent_at=at))
    assert await stored(engine) == [("SM1", at, False)]
    assert (await counts(engine))["pgqueuer"] == 0
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT last_activity_at FROM conversations")) == at


async def test_a_time_that_is_still_to_come_is_now(engine: AsyncEngine, business_id: int) -> None:
    await kept(engine, replace(MESSAGE, sent_at=datetime.now(UTC) + timedelta(days=400)))
    ((_, at, wanted),) = await stored(engine)
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=1)
    assert wanted


async def test_what_wants_no_answer_is_kept_without_a_job(engine: AsyncEngine, business_id: int) -> None:
    await kept(engine, replace(MESSAGE, text="[reaction]", wants_answer=False))
    assert await counts(engine) == {"customers": 2, "conversations": 1, "messages": 1, "pgqueuer": 0}


async def test_a_customer_moves_to_their_new_number_unless_somebody_has_it(
    engine: AsyncEngine, business_id: int
) -> None:
    note = replace(MESSAGE, wants_answer=False, moved_to="972502222222")
    await kept(engine, MESSAGE, replace(note, message_id="SM2"))
    await kept(engine, replace(MESSAGE, message_id="SM3"), replace(note, message_id="SM4"))
    async with engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT external_id, phone FROM customers WHERE channel = 'whatsapp' ORDER BY id")
        )
        assert [tuple(row) for row in rows] == [
            ("972502222222", "+972502222222"),
            ("972501111111", "+972501111111"),
        ]
