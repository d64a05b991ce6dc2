"""Which calls are live, and what is said when nobody could tell."""

import io
import urllib.error
from typing import Any

import pytest

from prosaas_ops.ask import live_calls as command
from prosaas_ops.options import FINE, PROBLEM, Problem
from prosaas_ops.stack.live_calls import LiveCall, held, live_calls


class Answering:
    """What prosaas-calls answers, or how it fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.says: bytes | Exception = b"[]"
        self.addresses = ["10.0.0.1"]
        monkeypatch.setattr("urllib.request.urlopen", self)
        monkeypatch.setattr("socket.getaddrinfo", self._named)

    def _named(self, _host: str, port: int, **_: object) -> list[Any]:
        return [(None, None, None, "", (address, port)) for address in self.addresses]

    def __call__(self, url: str, timeout: float) -> io.BytesIO:
        if isinstance(self.says, Exception):
            raise self.says
        return io.BytesIO(self.says)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Answering:
    return Answering(monkeypatch)


def test_the_calls_are_those_that_the_service_tells(service: Answering, engine: Any) -> None:
    service.says = b'{"calls": [{"call_sid": "CA1", "business_id": 456, "started_at": "x"}]}'
    assert live_calls(engine) == [LiveCall("CA1", "456", "x")]


def test_every_generation_is_asked_and_a_call_is_counted_once(service: Answering, engine: Any) -> None:
    service.addresses = ["10.0.0.1", "10.0.0.2"]
    service.says = b'[{"call_sid": "CA1"}, {"call_sid": "CA2"}]'
    assert [call.call_sid for call in live_calls(engine) or []] == ["CA1", "CA2"]


@pytest.mark.parametrize(
    "failure",
    [
        TimeoutError(),
        ConnectionRefusedError(),
        urllib.error.HTTPError("u", 500, "x", None, None),  # type: ignore[arg-type]
        b"<html>",
        b'{"calls": [{}]}',
        b"[1]",
    ],
)
def test_a_service_that_runs_and_cannot_say_is_unknown_and_never_none(
    failure: Any, service: Answering, engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    service.says = failure
    assert live_calls(engine) is None
    monkeypatch.setattr(command, "opened", lambda: engine)
    assert command.run(options("live-calls")) == PROBLEM
    assert "live calls: unknown" in capsys.readouterr().out
    assert command.run(options("live-calls", QUIET="1")) == PROBLEM
    assert capsys.readouterr().out == "unknown\n"


def test_a_service_that_does_not_run_has_no_calls(
    service: Answering, engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    service.says = ConnectionRefusedError()
    engine.states["prosaas-calls"] = "exited"
    monkeypatch.setattr(command, "opened", lambda: engine)
    assert command.run(options("live-calls", QUIET="1")) == FINE
    assert capsys.readouterr().out == "0\n"


def overloaded(_service: str, _command: Any) -> Any:
    raise Problem("Docker did not answer in time")


@pytest.mark.parametrize(
    "says", [overloaded, lambda *_: (1, "", "timed out"), lambda *_: (0, "<html>", ""), lambda *_: (0, "[1]", "")]
)
def test_a_container_that_does_not_say_has_calls_nobody_knows_of_and_not_none(says: Any, engine: Any) -> None:
    engine.on_run = says
    assert list(held(engine).values()) == [None]


def test_a_container_that_ended_between_two_questions_has_none(engine: Any) -> None:
    def ends(service: str, _command: Any) -> Any:
        engine.states[service] = "exited"
        raise Problem("no such container")

    engine.on_run = ends
    assert held(engine) == {}
