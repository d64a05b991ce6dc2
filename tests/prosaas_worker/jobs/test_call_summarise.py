"""call.summarise turns a transcript into a few sentences in the business's language, once."""

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import select, update

from otlp_world import Receiver, attributes, traced
from prosaas_core import tracing
from prosaas_core.database import raw_connection
from prosaas_core.facts.simulated import new_call_sid
from prosaas_core.jobs import CALL_SUMMARISE
from prosaas_core.outward.http import Outbound, Policy, Unavailable
from prosaas_core.patience import Patience
from prosaas_core.privacy import person
from prosaas_core.records import CallRecord, save_call_record
from prosaas_core.tables import Business, Call, Charge
from prosaas_logging import scope
from prosaas_logging.testing import capture_events
from prosaas_worker.job import Hopeless, Job
from prosaas_worker.jobs import call_summarise
from prosaas_worker.metrics import REGISTRY

pytestmark = pytest.mark.postgres

TRANSCRIPT = [
    {"who": "ai", "text": "שלום, כאן מספרת דנה", "at_ms": 0},
    {"who": "customer", "text": "אני רוצה תור למחר", "at_ms": 2000},
]


def job(call_sid="CA1"):
    payload = {"call_sid": call_sid}
    return Job("1", CALL_SUMMARISE, f"{CALL_SUMMARISE}:{call_sid}", payload, {"call_sid": call_sid}, 1)


async def record(engine, transcript, call_sid="CA1"):
    now = datetime.now(UTC)
    finished = CallRecord(
        call_sid=call_sid,
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


async def test_who_is_forgotten_while_the_model_thinks_stays_forgotten(tools, monkeypatch):
    """Forgetting looks once more, finds nobody, and gives a receipt; what was thought meanwhile is not kept."""

    async def forgotten_meanwhile(*_, **__):
        async with raw_connection(tools.engine) as raw:
            await person.erase(raw, {"calls": ["CA1"]}, datetime.now(UTC))
        return "Dana, who is ill, asked for tomorrow"

    monkeypatch.setattr(call_summarise, "answer", forgotten_meanwhile)
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    assert (await summary(tools.engine)).summary is None


async def test_the_first_summary_stands(tools):
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    await call_summarise.run(job(), tools)
    assert (await summary(tools.engine)).summary == "answer 1"


async def test_a_call_that_is_not_there_is_hopeless(tools):
    with pytest.raises(Hopeless, match="CA404"):
        await call_summarise.run(job("CA404"), tools)


async def charges(engine):
    async with engine.connect() as connection:
        rows = select(Charge.kind, Charge.name, Charge.business_id, Charge.call_sid, Charge.tokens_in, Charge.cost)
        return (await connection.execute(rows)).all()


async def test_a_summary_is_charged_to_the_business_of_its_call(tools, providers):
    providers.usage = {"input_tokens": 1000, "output_tokens": 100, "input_tokens_details": {"cached_tokens": 0}}
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    cost = pytest.approx(0.00075 + 0.00045)
    assert await charges(tools.engine) == [("text", "gpt-5.4-mini", 456, "CA1", 1000, cost)]


async def test_an_answer_of_no_use_is_paid_for_and_so_is_the_next(tools, providers):
    """Each of them was made, and is on the bill."""
    providers.usage, providers.words = {"input_tokens": 10, "output_tokens": 5}, ""
    await record(tools.engine, TRANSCRIPT)
    with pytest.raises(Unavailable):
        await call_summarise.run(job(), tools)
    providers.words = "answer"
    await call_summarise.run(job(), tools)
    assert [row.tokens_in for row in await charges(tools.engine)] == [10, 10]


@pytest.mark.parametrize("odd", ["<html>", "[]", '"words"', "[" * 100_000])
async def test_an_answer_that_is_no_answer_is_an_outage_of_the_models_and_no_defect_of_ours(odd, tools, providers):
    await record(tools.engine, TRANSCRIPT)
    providers.faults.append(httpx.Response(200, text=odd))
    with pytest.raises(Unavailable, match="without text"):
        await call_summarise.run(job(), tools)


async def test_a_summary_is_a_part_of_its_calls_trace_with_what_the_model_used(tools, providers, monkeypatch):
    """The job and the api's own request for it agree on the trace by the call's id."""
    providers.usage = {"input_tokens": 1000, "output_tokens": 100}
    await record(tools.engine, TRANSCRIPT)
    receiver = Receiver()
    try:
        with traced(monkeypatch, receiver), scope(job_id="1", call_sid="CA1") as entered:
            tracing.join(entered)
            await call_summarise.run(job(), tools)
            tracing.finish(entered, CALL_SUMMARISE, kind="consumer")
    finally:
        receiver.close()
    spans, root = receiver.spans, tracing.root_of("call_sid", "CA1")
    assert {span.trace_id.hex() for span in receiver.all} == {root.trace_id}
    assert spans[CALL_SUMMARISE].parent_span_id.hex() == root.span_id
    assert spans["chat gpt-5.4-mini"].parent_span_id == spans[CALL_SUMMARISE].span_id
    assert spans["POST"].parent_span_id == spans["chat gpt-5.4-mini"].span_id
    assert attributes(spans["chat gpt-5.4-mini"])["gen_ai.usage.input_tokens"] == 1000


@pytest.mark.parametrize(("usage", "tokens", "told"), [("much", 0, 1), ({"input_tokens": 7}, 7, 0)])
async def test_an_odd_bill_costs_a_debug_line_and_not_the_summary(usage, tokens, told, tools, providers):
    providers.usage = usage
    await record(tools.engine, TRANSCRIPT)
    with capture_events("DEBUG") as events:
        await call_summarise.run(job(), tools)
    assert sum(event.text.startswith("usage not understood") for event in events) == told
    assert (await summary(tools.engine)).summary == "answer 1"
    assert [row.tokens_in for row in await charges(tools.engine)] == [tokens]


async def test_what_an_answer_used_is_counted(tools, providers):
    def counted():
        labels = {"model": "gpt-5.4-mini", "direction": "in"}
        return REGISTRY.get_sample_value("prosaas_tokens_total", labels) or 0

    before = counted()
    providers.usage = {"input_tokens": 1000, "output_tokens": 100}
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    assert counted() == before + 1000


@pytest.mark.parametrize(("demo", "tokens"), [("0", 0), ("1", 1000)])
async def test_the_summary_of_a_simulated_call_is_counted_in_a_demo_alone(demo, tokens, tools, providers, monkeypatch):
    def counted():
        labels = {"model": "gpt-5.4-mini", "direction": "in"}
        return REGISTRY.get_sample_value("prosaas_tokens_total", labels) or 0

    monkeypatch.setenv("DEMO", demo)
    before, call_sid = counted(), new_call_sid()
    providers.usage = {"input_tokens": 1000, "output_tokens": 100}
    await record(tools.engine, TRANSCRIPT, call_sid=call_sid)
    await call_summarise.run(job(call_sid=call_sid), tools)
    assert counted() == before + tokens
    assert [row.tokens_in for row in await charges(tools.engine)] == [1000]


async def test_of_an_answer_only_the_words_are_kept_and_all_of_them(tools, providers):
    message = [
        {"type": "output_text", "text": " First."},
        {"type": "refusal", "text": "No."},
        {"type": "output_text", "text": " Second. "},
    ]
    output = [
        {"type": "reasoning", "content": [{"type": "output_text", "text": "Hm."}]},
        {"type": "message", "content": message},
    ]
    providers.faults.append(httpx.Response(200, json={"output": output}))
    await record(tools.engine, TRANSCRIPT)
    await call_summarise.run(job(), tools)
    assert (await summary(tools.engine)).summary == "First. Second."


async def test_a_model_that_stumbles_is_asked_again_at_once(tools, providers):
    await record(tools.engine, TRANSCRIPT)
    providers.faults.append(500)
    policy = Policy(patience=Patience(first_s=0.01, longest_s=0.01, total_s=0.1))
    async with Outbound(policy, transport=httpx.MockTransport(providers)) as outbound:
        await call_summarise.run(job(), replace(tools, outbound=outbound))
    assert (await summary(tools.engine)).summary == "answer 1"
