"""Traces: which spans belong together, what is in them, and what a receiver that does not take them costs."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy import text

from otlp_world import Receiver, attributes, traced
from prosaas_core import tracing
from prosaas_core.database import make_engine, raw_connection, transaction
from prosaas_core.jobs import enqueue_raw
from prosaas_core.settings import load_settings
from prosaas_logging import scope


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def test_two_services_agree_on_the_trace_of_a_call_without_telling_one_another(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    with traced(monkeypatch, receiver, OTEL_EXPORTER_OTLP_HEADERS="api-key=secret"):
        with scope(request_id="r1") as request:
            tracing.join(request)
            alone = request.context.fields["trace_id"]
            request.add(call_sid="CA1")
            tracing.join(request)
            tracing.finish(request, "POST /twilio/voice", kind="server", http_response_status_code=200)
        with scope(call_sid="CA1") as call:
            tracing.join(call)
            with tracing.span("execute_tool book", gen_ai_tool_name="book"), tracing.span("SELECT"):
                pass
            tracing.finish(call, "call", prosaas_cost=0.07)
    spans = receiver.spans
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["call"].trace_id.hex() == request.context.fields["trace_id"] != alone
    assert spans["call"].parent_span_id == b""
    assert spans["POST /twilio/voice"].parent_span_id == spans["call"].span_id
    assert spans["execute_tool book"].parent_span_id == spans["call"].span_id
    assert spans["SELECT"].parent_span_id == spans["execute_tool book"].span_id
    assert attributes(spans["call"]) == {"prosaas.call_sid": "CA1", "prosaas.cost": 0.07}
    assert attributes(spans["execute_tool book"]) == {"gen_ai.tool.name": "book"}
    assert attributes(spans["POST /twilio/voice"])["http.response.status_code"] == 200
    assert spans["POST /twilio/voice"].kind == Span.SPAN_KIND_SERVER
    assert receiver.resource["service.name"] == "prosaas-calls"
    assert receiver.resource["service.version"] == "1.2.3"
    assert (receiver.headers[0]["api-key"], receiver.headers[0]["path"]) == ("secret", "/v1/traces")


def test_the_standards_own_names_say_whose_they_are(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    names = {"OTEL_SERVICE_NAME": "phones", "OTEL_RESOURCE_ATTRIBUTES": "service.version=9,team=night"}
    with traced(monkeypatch, receiver, **names), scope(call_sid="CA1") as call:
        tracing.join(call)
        tracing.finish(call, "call")
    assert receiver.resource["service.name"] == "phones"
    assert (receiver.resource["service.version"], receiver.resource["team"]) == ("9", "night")


def test_of_a_whatsapp_id_a_span_has_what_a_line_shows(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    """Its beginning is the number, in base64; spans go to other companies."""
    whole = "wamid.HBgMOTcyNTAxMTEyMjMzFQIAERgSNUY0MjVBNzRGMTMwMzM0OTJBAA=="
    with traced(monkeypatch, receiver), scope(job_id="5", message_id=whole) as job:
        tracing.join(job)
        tracing.finish(job, "job")
    assert attributes(receiver.spans["job"])["messaging.message.id"] == "wamid.…MzM0OTJBAA=="


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_sent_where_the_standards_settings_say_so(environ: dict[str, str], wanted: bool) -> None:
    assert tracing.wanted(environ) is wanted


def test_without_the_setting_nothing_of_it_is_imported() -> None:
    words = "import sys; from prosaas_core import tracing, database; tracing.start('x', '1'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True, env={"PYTHONPATH": "services"}
    )
    assert "prosaas_core.database" in done.stdout
    assert "opentelemetry" not in done.stdout


def test_a_traceparent_is_taken_and_given(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    given = f"00-{'a' * 32}-{'b' * 16}-01"
    with traced(monkeypatch, receiver):
        with scope(request_id="r1") as request:
            tracing.join(request, given)
            request.add(call_sid="CA1")
            tracing.join(request)
            answer = tracing.traceparent(request)
            tracing.finish(request, "GET /v1/calls", kind="server")
        with scope(request_id="r2") as other:
            tracing.join(other, "00-" + "0" * 32 + "-nonsense")
            assert other.context.fields["trace_id"] == tracing.root_of("request_id", "r2").trace_id
    span = receiver.spans["GET /v1/calls"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("a" * 32, "b" * 16)
    assert answer == f"00-{'a' * 32}-{span.span_id.hex()}-01"


@pytest.mark.postgres
async def test_queries_are_parts_of_what_asked_them_with_their_text_and_without_their_values(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, database_url: str
) -> None:
    with traced(monkeypatch, receiver):
        engine = make_engine(load_settings({"DATABASE_URL": database_url}))
        with scope(call_sid="CA1") as call:
            tracing.join(call)
            with tracing.span("execute_tool book"):
                async with transaction(engine) as connection:
                    await connection.execute(
                        text("SELECT name FROM customers WHERE phone = :phone"), {"phone": "+97250"}
                    )
                async with raw_connection(engine) as raw:
                    await raw.fetchval(
                        "INSERT INTO job_effects (key, job) VALUES ($1, 'x') RETURNING 1", "secret words"
                    )
                    await enqueue_raw(raw, "call.summarise", {"call_sid": "CA1"}, key="k")
                    headers = json.loads(await raw.fetchval("SELECT headers::text FROM pgqueuer"))
                await asyncio.sleep(0)
            tracing.finish(call, "call")
        await engine.dispose()
    spans = receiver.spans
    tool = spans["execute_tool book"].span_id
    assert {spans["SELECT"].parent_span_id, spans["INSERT"].parent_span_id} == {tool}
    assert attributes(spans["INSERT"])["db.system.name"] == "postgresql"
    assert spans["SELECT"].kind == Span.SPAN_KIND_CLIENT
    sent = b"".join(request.SerializeToString() for request in receiver.requests)
    assert b"FROM customers WHERE phone = $1" in sent
    assert b"97250" not in sent
    assert b"secret words" not in sent
    assert headers["traceparent"].split("-")[1] == spans["call"].trace_id.hex()


def test_a_part_that_raises_says_what_and_goes_on_raising(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    with traced(monkeypatch, receiver), scope(call_sid="CA1") as call:
        tracing.join(call)
        with pytest.raises(ValueError, match="x"), tracing.span("execute_tool book"):
            raise ValueError("x")
    assert receiver.spans["execute_tool book"].status.code == 2
    assert attributes(receiver.spans["execute_tool book"])["error.type"] == "ValueError"


@pytest.mark.parametrize("how", ["hangs", "429", "away"])
def test_a_receiver_that_takes_nothing_costs_no_time_and_bounded_memory_and_what_is_lost_is_counted(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, how: str
) -> None:
    """Ten thousand spans: as many wait as there is room for, the others are lost, and the caller never waits."""
    if how == "hangs":
        receiver.hang.clear()
    elif how == "429":
        receiver.status = 429
    else:
        receiver.server.server_close()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with traced(monkeypatch, receiver):
        with scope(call_sid="CA1") as call:
            tracing.join(call)
            started = time.thread_time()
            for _ in range(10_000):
                tracing.part("turn", 0.0, 1.0)
            assert (time.thread_time() - started) / 10_000 < 0.001
        assert tracing.lost() >= 10_000 - 2048 - 10 * 512
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 6.0
