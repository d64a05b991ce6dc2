"""Faults on the real stack: the right alert, and no other, stands in Alertmanager within two minutes."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from ports import free_port
from stack_world.stack import Stack, docker, eventually
from stack_world.terminal import ops

# A start with image builds, and faults that take their time to be felt.
pytestmark = pytest.mark.timeout(900)

# As it is told to people. What passes here from one look of Prometheus, and of its rules, to the next is less than in
# production, and what that spares is not granted.
PROMISED_S, LOOKS_S, DRILLED_S = 120, 10, 5
WITHIN_S = PROMISED_S - 2 * (LOOKS_S - DRILLED_S)
RECEIVER = """
import http.server
class Duty(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open("/tmp/alerts", "ab").write(body + b"\\n")
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("", 9099), Duty).serve_forever()
"""
TELL = """
import asyncio
from prosaas_core.database import make_engine, transaction
from prosaas_core.jobs import BUSINESS_TELL, enqueue
from prosaas_core.settings import load_settings
async def tell():
    engine = make_engine(load_settings())
    for number in range(3):
        async with transaction(engine) as connection:
            await enqueue(connection, BUSINESS_TELL, {"call_sid": "%s", "cause": {}}, key=f"test:{number}")
    await engine.dispose()
asyncio.run(tell())
"""


@pytest.fixture(scope="module")
def watched(stack: Stack) -> Stack:
    """The stack with MONITORING=1, whose alerts go to a receiver beside the simulator."""
    prometheus = stack.checkout.path / "deploy/monitoring/prometheus.yml"
    text = prometheus.read_text()
    assert text.count(f"_interval: {LOOKS_S}s\n") == 2
    prometheus.write_text(text.replace(f"_interval: {LOOKS_S}s\n", f"_interval: {DRILLED_S}s\n"))
    stack.checkout.configure(
        MONITORING="1",
        PROMETHEUS_PORT=str(free_port()),
        ALERTMANAGER_PORT=str(free_port()),
        ALERT_WEBHOOK_URL="http://simulator:9099/",
    )
    stack.checkout.run("make", "up-prod", timeout=600)
    docker("exec", "--detach", stack.container("simulator"), "python", "-c", RECEIVER)

    def watching() -> str | None:
        seen = json.loads(asked(stack, "prosaas-api", "http://prometheus:9090/api/v1/query?query=up"))["data"]["result"]
        return "all" if sorted(each["metric"]["job"] for each in seen if each["value"][1] == "1") == JOBS else None

    eventually(watching, "Prometheus to see everybody", 60)
    return stack


JOBS = ["gateway", "prosaas-api", "prosaas-calls", "worker"]


def asked(stack: Stack, service: str, url: str, body: str | None = None) -> str:
    """What an address inside the stack answers."""
    data = "None" if body is None else f"{body!r}.encode()"
    script = f"import urllib.request as r; print(r.urlopen(r.Request({url!r}, {data}), timeout=5).read().decode())"
    return stack.execute(service, "python", "-c", script)


def standing(stack: Stack) -> set[str]:
    """The names of the alerts that stand and that no other one explains."""
    rows = json.loads(asked(stack, "simulator", "http://alertmanager:9093/api/v2/alerts"))
    return {row["labels"]["alertname"] for row in rows if row["status"]["state"] == "active"}


@contextmanager
def alerted(stack: Stack, name: str) -> Iterator[None]:
    """What is done in the block raises this alert, and no other, within two minutes."""
    before = standing(stack)
    assert name not in before
    yield

    def raised() -> str | None:
        return name if name in standing(stack) else None

    eventually(raised, name, WITHIN_S)
    assert standing(stack) - before == {name}


@contextmanager
def faults(stack: Stack, **wanted: Any) -> Iterator[None]:
    asked(stack, "simulator", "http://127.0.0.1:9000/_/faults", json.dumps(wanted))
    try:
        yield
    finally:
        nothing = {name: {"count": 0} if name != "realtime" else {} for name in wanted}
        asked(stack, "simulator", "http://127.0.0.1:9000/_/faults", json.dumps(nothing))


def calls(stack: Stack, count: int, speed: float = 8) -> None:
    command = f"python -m simulator call --json --speed {speed} --count {count} || true"
    stack.execute("simulator", "sh", "-c", command)


@contextmanager
def stopped(stack: Stack, service: str) -> Iterator[None]:
    docker("stop", "--time=2", stack.container(service))
    try:
        yield
    finally:
        docker("start", stack.container(service))
        stack.checkout.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", service)


def test_an_alert_goes_through_to_who_is_told(watched: Stack) -> None:
    """Three lines of it are what an engineer reads at night."""
    done = ops(watched, "alert-test")
    assert done.code == 0, done.text
    assert "ok       webhook" in done.out
    told = json.loads(watched.execute("simulator", "cat", "/tmp/alerts").splitlines()[0])
    (alert,) = told["alerts"]
    assert alert["labels"]["alertname"] == "AlertTest"
    assert alert["annotations"]["next"] == "make status"


def test_a_stack_on_which_all_is_well_has_no_alert_and_says_so(watched: Stack) -> None:
    calls(watched, 3)
    done = ops(watched, "status")
    assert standing(watched) <= {"AlertTest"}
    assert "customer_hangup" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_each_panel_of_the_dashboards_has_data_after_some_calls(watched: Stack) -> None:
    """What Grafana would ask, asked of the same Prometheus."""
    calls(watched, 3)
    board = json.loads((watched.checkout.path / "deploy/monitoring/grafana/dashboards/prosaas.json").read_text())
    queries = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    for title, query in queries:

        def shown(query: str = query) -> str | None:
            address = f"http://prometheus:9090/api/v1/query?{urlencode({'query': query})}"
            found = json.loads(asked(watched, "prosaas-api", address))["data"]["result"]
            return "data" if any(each["value"][1] != "NaN" for each in found) else None

        eventually(shown, f"data for {title}: {query}", 60)


@pytest.mark.parametrize(
    ("service", "name"), [("worker", "NobodyWorks"), ("postgres", "PostgresAway"), ("prosaas-calls", "NobodyAnswers")]
)
def test_who_is_gone_is_told_by_what_people_miss(watched: Stack, service: str, name: str) -> None:
    with stopped(watched, service), alerted(watched, name):
        pass


def _gone(stack: Stack) -> None:
    # Whom words of comfort keep on the line until we give up.
    with faults(stack, realtime={"refuse": 1000}):
        calls(stack, 4, speed=1)


def _slow_to_connect(stack: Stack) -> None:
    # A new process has kept no greeting; and at once, for one of them gets the connection that stands in reserve.
    command = "for caller in 1 2 3 4; do python -m simulator call --json --speed 1 & done; wait"
    with faults(stack, realtime={"connect_delay_ms": 4000}):
        docker("restart", "--time=2", stack.container("prosaas-calls"))
        stack.checkout.compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", "prosaas-calls")
        stack.execute("simulator", "sh", "-c", command)


def _slow_to_answer(stack: Stack) -> None:
    with faults(stack, realtime={"delay_ms": 4500}):
        calls(stack, 8, speed=1)


@pytest.mark.parametrize(
    ("trouble", "name"),
    [(_gone, "CallsEndBadly"), (_slow_to_connect, "FirstSoundLate"), (_slow_to_answer, "AnswersSlow")],
)
def test_a_model_that_is_gone_or_slow_is_told_as_callers_hear_it(
    watched: Stack, trouble: Callable[[Stack], None], name: str
) -> None:
    with alerted(watched, name):
        trouble(watched)


def test_twilio_away_is_told_as_messages_that_are_not_sent(watched: Stack) -> None:
    call = watched.call()["call_sid"]
    with faults(watched, twilio={"status": 503, "count": 1_000_000}), alerted(watched, "SendingFails"):
        watched.execute("worker", "python", "-c", TELL % call)
