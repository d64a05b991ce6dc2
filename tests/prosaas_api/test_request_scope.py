"""Every request is a scope: its id goes in and out, its lines carry it, and a crash is a problem with a stack."""

import httpx
import pytest
from fastapi import FastAPI

from api_world import ADMIN_KEY, Client
from otlp_world import Receiver, attributes, traced
from prosaas_api.app import create_app
from prosaas_core.settings import Settings
from prosaas_core.tracing import root_of
from prosaas_logging import capture_events, get_logger

pytestmark = pytest.mark.postgres

log = get_logger(__name__)


@pytest.fixture
def crashing(app: FastAPI) -> None:
    """A route with a mistake in it."""

    @app.get("/crash")
    async def crash() -> None:
        log.debug("about to fail", step=1)
        raise RuntimeError("a mistake")


GIVEN = "0b0e7c1a-22d5-4a4e-9a53-6b2c6d7f8e90"


async def test_an_id_that_comes_in_goes_out_and_is_on_the_lines(client: Client) -> None:
    with capture_events() as events:
        response = await client.http.get("/v1/businesses", headers={"X-Request-ID": GIVEN})
    assert response.headers["x-request-id"] == GIVEN
    assert response.json()["request_id"] == GIVEN
    assert {event.fields["request_id"] for event in events} == {GIVEN}


async def test_a_trace_that_comes_in_goes_on_and_comes_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    try:
        with traced(monkeypatch, receiver):
            given = f"00-{'a' * 32}-{'b' * 16}-01"
            key = {"Authorization": f"Bearer {ADMIN_KEY}"}
            response = await client.http.get("/v1/businesses", headers={**key, "traceparent": given})
            alone = await client.http.get("/v1/businesses", headers={**key, "X-Request-ID": GIVEN})
    finally:
        receiver.close()
    first, second = [span for span in receiver.all if span.name == "GET /v1/businesses"]
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == ("a" * 32, "b" * 16)
    assert response.headers["traceparent"] == f"00-{'a' * 32}-{first.span_id.hex()}-01"
    assert alone.headers["traceparent"].split("-")[1] == second.trace_id.hex() == root_of("request_id", GIVEN).trace_id
    assert attributes(first)["http.response.status_code"] == response.status_code
    assert attributes(first)["http.route"] == "/v1/businesses"


async def test_without_a_receiver_no_trace_comes_out(client: Client) -> None:
    response = await client.http.get("/v1/businesses", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    assert "traceparent" not in response.headers


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "line\\nbreak", "é", "CA" + "1" * 32, "abc-1.2_3"])
async def test_an_id_that_could_do_harm_is_replaced(client: Client, given: str | None) -> None:
    headers = {} if given is None else {b"X-Request-ID": given.encode()}
    response = await client.http.get("/healthz", headers=headers)
    assert len(response.headers["x-request-id"]) == 32


async def test_a_request_is_a_line_at_debug_and_a_ping_is_another(client: Client) -> None:
    with capture_events() as events:
        for path in ("/healthz", "/readyz", "/metrics", "/nowhere"):
            await client.http.get(path)
    assert [(event.level, event.event) for event in events] == [("DEBUG", "HEALTH_PING")] * 3 + [
        ("DEBUG", "HTTP_REQUEST")
    ]
    assert events[-1].fields["status"] == 404


@pytest.mark.usefixtures("crashing")
async def test_a_mistake_of_ours_is_a_500_problem_with_the_id_and_the_stack_in_the_log(client: Client) -> None:
    with capture_events("INFO") as events:
        response = await client.http.get("/crash")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "mistake" not in response.text
    (event,) = [event for event in events if event.event == "HTTP_FAILED"]
    assert event.level == "ERROR"
    assert event.exc is not None
    assert "a mistake" in str(event.exc)


async def test_the_metrics_name_routes_and_never_paths(client: Client) -> None:
    await client.rest("GET", "/v1/businesses/456/customers/77")
    await client.http.get("/a/path/of/somebody")
    shown = (await client.http.get("/metrics")).text
    counted = (
        'prosaas_http_request_seconds_count{method="GET",route="/v1/businesses/{business_id}/customers/{customer_id}"'
    )
    assert f'{counted},status="404"}} 1.0' in shown
    assert 'route="unknown"' in shown
    assert "somebody" not in shown
    assert "prosaas_log_lines" in shown


async def test_ready_means_that_the_database_answers(client: Client, app: FastAPI) -> None:
    assert (await client.http.get("/readyz")).json() == {"status": "ready"}


async def test_without_the_database_it_is_alive_and_not_ready(settings: Settings, unused_tcp_port: int) -> None:
    app = create_app(settings.model_copy(update={"database_url": f"postgresql://x:y@127.0.0.1:{unused_tcp_port}/none"}))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        assert (await http.get("/healthz")).status_code == 200
        ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "database away"})


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(client: Client) -> None:
    for response, status in (
        (await client.http.get("/nowhere"), 404),
        (await client.http.get("/twilio/voice"), 405),
    ):
        assert response.status_code == response.json()["status"] == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["x-request-id"]
