"""An incoming message is kept once, in one conversation with one customer, with one job."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import make_engine, raw_transaction, transaction
from prosaas_core.inbound import Incoming, Outcome, keep
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
    assert await counts(engine) == {"customers": 2, "conversations": 1, "messages": 2, "pgqueuer": 2}


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
