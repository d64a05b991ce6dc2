"""call.summarise turns a transcript into a few sentences in the business's language, once."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from prosaas_core.jobs import CALL_SUMMARISE
from prosaas_core.records import CallRecord, save_call_record
from prosaas_core.tables import Business, Call
from prosaas_worker.job import Hopeless, Job
from prosaas_worker.jobs import call_summarise

pytestmark = pytest.mark.postgres

TRANSCRIPT = [
    {"who": "ai", "text": "שלום, כאן מספרת דנה", "at_ms": 0},
    {"who": "customer", "text": "אני רוצה תור למחר", "at_ms": 2000},
]


def job(call_sid="CA1"):
    payload = {"call_sid": call_sid}
    return Job("1", CALL_SUMMARISE, f"{CALL_SUMMARISE}:{call_sid}", payload, {"call_sid": call_sid}, 1)


async def record(engine, transcript):
    now = datetime.now(UTC)
    finished = CallRecord(
        call_sid="CA1",
        business_id=456,
        started_at=now,
        ended_at=now,
        duration_s=1,
        end_reason="customer_hangup",
        transcript=transcript,
    )
    async with engine.begin() as connection:
        assert await save_call_record(connection, finished)


async def summary(engine):
    async with engine.connect() as connection:
        return (await connection.execute(select(Call.summary, Call.summarised_at))).one()


async def test_the_model_reads_who_said_what_and_its_summary_is_kept(tools, providers):
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    kept = await summary(tools.engine)
    assert (kept.summary, kept.summarised_at is not None) == ("answer 1", True)
    assert providers.asked[0]["input"] == [
        {"role": "user", "content": "Agent: שלום, כאן מספרת דנה\nCustomer: אני רוצה תור למחר"}
    ]
    assert "עברית" in providers.asked[0]["instructions"]


async def test_an_english_business_gets_an_english_summary(tools, providers, engine):
    async with engine.begin() as connection:
        await connection.execute(update(Business).values(language="en"))
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    assert "Write English" in providers.asked[0]["instructions"]


async def test_a_call_without_words_costs_no_request(tools, providers):
    await record(tools.engine, [{"who": "customer", "text": "  ", "at_ms": 0}])
    await call_summarise.run(job(), tools)
    assert providers.asked == []
    assert (await summary(tools.engine)).summary == "השיחה הסתיימה בלי שנאמר בה דבר."


async def test_the_first_summary_stands(tools):
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    await call_summarise.run(job(), tools)
    assert (await summary(tools.engine)).summary == "answer 1"


async def test_a_call_that_is_not_there_is_hopeless(tools):
    with pytest.raises(Hopeless, match="CA404"):
        await call_summarise.run(job("CA404"), tools)
