"""A simulated call, against a simulator that a test plays."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from prosaas_ops.act import simulate
from prosaas_ops.options import Problem, Usage
from prosaas_ops.stack.engine import Container
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, parse


class Simulator(BaseHTTPRequestHandler):
    """Answers an order with the rows that the test has prepared."""

    rows: ClassVar[list[dict[str, Any]]] = []
    status: ClassVar[int] = 200
    order: ClassVar[dict[str, Any]] = {}

    def do_POST(self) -> None:
        type(self).order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"".join(json.dumps(row).encode() + b"\n" for row in self.rows))

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Simulator]]:
    server = HTTPServer(("127.0.0.1", 0), Simulator)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SIMULATOR_URL", f"http://127.0.0.1:{server.server_port}")
    Simulator.rows, Simulator.status = [{"what": "greeting"}, {"what": "result", "ok": True, "duration_ms": 31000}], 200
    yield Simulator
    server.shutdown()


class Log:
    """The followed log: the lines of a call, then silence."""

    items: ClassVar[list[Line | Happening]] = []

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __iter__(self) -> Iterator[Line | Happening | None]:
        yield from self.items
        while True:
            yield None

    def close(self) -> None: ...


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, engine: Any) -> type[Log]:
    monkeypatch.setattr(simulate, "Follow", Log)
    monkeypatch.setattr(simulate, "_PATIENCE_SECONDS", 0.2)
    engine.written["simulator"] = []
    Log.items = [
        parse(RawLine("2024-01-25T14:00:00Z", service, text))
        for service, text in (
            ("prosaas-calls", "[INFO] 🚀 [CALL_START] call_sid=CA1, business_id=456"),
            ("prosaas-calls", "[INFO] of another · call_sid=CA2"),
            ("prosaas-calls", "[INFO] 🔚 [CALL_END] x · call_sid=CA1"),
            ("worker", "[INFO] ✅ [JOB_DONE] x, job=call.summarise, ms=3 · call_sid=CA1"),
            ("prosaas-api", "[INFO] 📞 [CALL_STATUS] call_sid=CA1, status=completed · request_id=r1"),
        )
    ]
    return Log


def test_a_call_is_complete_with_its_result_its_end_and_its_job(
    simulator: type[Simulator], log: type[Log], engine: Any
) -> None:
    heard: list[Any] = []
    accepted: list[int] = []
    placed = simulate.place(
        engine,
        "CA1",
        scenario="demo",
        speed=4.0,
        accepted=lambda: accepted.append(len(heard)),
        heard=heard.append,
    )
    assert accepted == [0], "once, and before its first line"
    assert simulator.order == {"scenario": "demo", "speed": 4.0, "call_sid": "CA1", "count": 1}
    assert (placed.end_seen, placed.job, placed.seconds, placed.result["ok"]) == (True, "JOB_DONE", 31.0, True)
    assert [line.event for line in placed.lines] == ["CALL_START", "CALL_END", "JOB_DONE", "CALL_STATUS"]
    assert heard == placed.lines
    assert (placed.rows("prosaas-calls"), placed.rows("worker"), placed.rows("prosaas-api")) == (2, 1, 1)


def test_a_call_is_not_over_before_what_the_carrier_says_of_its_end_has_come(
    simulator: type[Simulator], log: type[Log], engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its service writes it when all others have ended: for the budget it is a line like any other."""
    *others, status = log.items
    over, news = threading.Event(), simulate._news

    def hear(told: Any) -> dict[str, Any]:
        said = news(told)
        if said["what"] == "result":
            over.set()
        return said

    def late(_: Log) -> Iterator[Line | Happening | None]:
        yield from others
        while not over.is_set():
            yield None
        yield status
        while True:
            yield None

    monkeypatch.setattr(simulate, "_news", hear)
    monkeypatch.setattr(log, "__iter__", late)
    assert simulate.place(engine, "CA1", scenario="demo", speed=4.0).lines[-1].event == "CALL_STATUS"


@pytest.mark.timeout(20)
def test_what_came_again_and_is_counted_later_is_a_line_of_the_call_too(
    simulator: type[Simulator], log: type[Log], engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook that was put off twice is a warning, and half a minute later one more line; `make trace` has both."""
    waited: list[float] = []

    def line(event: str, service: str = "prosaas-api", later: float = 0.0) -> Line:
        at = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=later)
        return parse(RawLine(f"{at.isoformat()}Z", service, f"[WARNING] [{event}] x · call_sid=CA1"))

    def written(_: Log) -> Iterator[Line | Happening | None]:
        yield line("VOICE_REFUSED")
        yield from log.items
        while not waited:
            yield None
        yield line("JOB_RETRY", "worker", later=20.0)
        yield line("REPEATED")
        yield None
        # What comes of a job after the call's end puts off nothing.
        monkeypatch.setattr(simulate.time, "time", lambda: datetime.now(UTC).timestamp() + 40.0)
        while True:
            yield None

    monkeypatch.setattr(log, "__iter__", written)
    placed = simulate.place(engine, "CA1", scenario="demo", speed=4.0, waits=waited.append)
    assert (placed.lines[-1].event, placed.rows("prosaas-api")) == ("REPEATED", 3)
    assert len(waited) == 1
    assert 20.0 < waited[0] <= 32.0


@pytest.mark.timeout(20)
def test_what_the_carrier_says_is_not_waited_for_where_a_service_writes_no_more_than_warnings(
    simulator: type[Simulator], log: type[Log], engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "_PATIENCE_SECONDS", 300.0)
    monkeypatch.setattr(simulate, "_STATUS_SECONDS", 0.05)
    log.items = [item for item in log.items if item is None or item.service != "prosaas-api"]
    assert simulate.place(engine, "CA1", scenario="demo", speed=4.0).lines[-1].event == "JOB_DONE"


def test_a_call_goes_to_the_business_and_comes_from_the_number_that_are_asked_for(
    simulator: type[Simulator], log: type[Log], engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "_PATIENCE_SECONDS", 0.0)
    simulate.place(engine, "CA1", scenario="demo", speed=4.0, numbers={"to_number": "+97235550142"})
    assert simulator.order["to_number"] == "+97235550142"
    assert "from_number" not in simulator.order


def test_an_end_that_is_not_seen_in_time_leaves_the_call_incomplete(
    simulator: type[Simulator], log: type[Log], engine: Any
) -> None:
    log.items = log.items[:1]
    placed = simulate.place(engine, "CA1", scenario="demo", speed=4.0)
    assert (placed.end_seen, placed.job) == (False, "")


def test_another_job_of_the_call_is_not_taken_for_its_summary(
    simulator: type[Simulator], log: type[Log], engine: Any, json_line: Any
) -> None:
    told = json_line("INFO", "done", event="JOB_DONE", job="business.tell", call_sid="CA1")
    log.items[-2] = parse(RawLine("2024-01-25T14:00:00Z", "worker", told))
    assert simulate.place(engine, "CA1", scenario="demo", speed=4.0).job == ""
    failed = json_line("ERROR", "failed", event="JOB_FAILED", job="call.summarise", call_sid="CA1")
    log.items.append(parse(RawLine("2024-01-25T14:00:00Z", "worker", failed)))
    assert simulate.place(engine, "CA1", scenario="demo", speed=4.0).job == "JOB_FAILED"


def test_an_order_that_is_refused_is_wrong_usage_in_the_simulators_words(
    simulator: type[Simulator], log: type[Log], engine: Any
) -> None:
    simulator.status, simulator.rows = 400, [{"error": "אין תסריט 'demmo'\nat line 3"}]
    said: list[str] = []
    with pytest.raises(Usage, match=r"refused the call: אין תסריט 'demmo'$"):
        simulate.place(engine, "CA1", scenario="demmo", speed=4.0, accepted=lambda: said.append("calling"))
    assert said == [], "nobody is said to be called"


def test_a_simulator_that_stops_half_way_is_a_problem(simulator: type[Simulator], log: type[Log], engine: Any) -> None:
    simulator.rows = [{"what": "greeting"}]
    with pytest.raises(Problem, match="stopped before the call's end"):
        simulate.place(engine, "CA1", scenario="demo", speed=4.0)


def test_a_simulator_that_is_renewed_under_a_call_is_said_to_be(
    simulator: type[Simulator], log: type[Log], engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deploy cuts no call of a telephone, and whoever rehearses one must not take this for such a cut."""
    simulator.rows = [{"what": "greeting"}]
    old, new = (Container(name, "simulator", name, "running", "", "") for name in ("old", "new"))
    there = iter([[old], [old, new]])
    monkeypatch.setattr(engine, "containers", lambda *_: next(there))
    with pytest.raises(Problem, match="the simulator was renewed during the call"):
        simulate.place(engine, "CA1", scenario="demo", speed=4.0)


def test_a_simulator_that_is_away_is_a_problem(log: type[Log], engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATOR_URL", "http://127.0.0.1:1")
    with pytest.raises(Problem, match="does not answer"):
        simulate.place(engine, "CA1", scenario="demo", speed=4.0)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["never answers", "falls silent in a call"])
def test_a_simulator_that_takes_the_order_and_says_no_more_is_a_problem(
    log: type[Log], engine: Any, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(simulate, "LONGEST_CALL_SECONDS" if answer else "_ANSWER_SECONDS", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()

        def accept() -> None:
            connection, _ = silent.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                while connection.recv(65536):
                    pass

        threading.Thread(target=accept, daemon=True).start()
        monkeypatch.setenv("SIMULATOR_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Problem, match="timed out"):
            simulate.place(engine, "CA1", scenario="demo", speed=1.0)
