"""What runs, and at which level."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from prosaas_ops.ask import ps
from prosaas_ops.options import FINE, PROBLEM, Problem


def test_each_service_stands_there_with_the_level_that_it_says(
    engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not answer, or is no service of ours, has none: nothing is taken from a file."""

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        if service == "worker":
            return 1, "", "no such thing"
        level = "DEBUG" if service == "prosaas-calls" else "INFO"
        return 0, json.dumps({"level": level, "source": "x", "switches": []}), ""

    engine.on_run = run
    engine.written["postgres"] = []
    monkeypatch.setattr(ps, "opened", lambda: engine)
    assert ps.run(options("ps")) == FINE
    said = capsys.readouterr().out
    assert re.search(r"^prosaas-prosaas-calls-1 +v1.4 +DEBUG +Up$", said, re.MULTILINE)
    assert re.search(r"^prosaas-prosaas-api-1 +v1.4 +INFO +Up$", said, re.MULTILINE)
    assert re.search(r"^prosaas-worker-1 +v1.4 +[?] +Up$", said, re.MULTILINE)
    assert re.search(r"^prosaas-postgres-1 +v1.4 +Up$", said, re.MULTILINE)


def test_a_stack_that_does_not_run_is_a_problem(engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.written.clear()
    monkeypatch.setattr(ps, "opened", lambda: engine)
    with pytest.raises(Problem, match="not running"):
        ps.run(options("ps"))


def test_a_service_of_which_nothing_runs_is_a_problem_and_a_generation_that_ended_is_none(
    engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.on_run = lambda service, command: (0, json.dumps({"level": "INFO", "source": "x", "switches": []}), "")
    monkeypatch.setattr(ps, "opened", lambda: engine)
    engine.states["prosaas-calls"] = "exited"
    assert ps.run(options("ps")) == PROBLEM
    engine.begin("prosaas-calls")
    assert ps.run(options("ps")) == FINE


@pytest.mark.parametrize("service", ["console", "console-reader"])
def test_a_console_that_was_killed_is_missed_by_nobody(
    service: str, engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.on_run = lambda service, command: (0, json.dumps({"level": "INFO", "source": "x", "switches": []}), "")
    monkeypatch.setattr(ps, "opened", lambda: engine)
    engine.written[service] = []
    engine.states[service] = "exited"
    assert ps.run(options("ps")) == FINE


def test_a_service_that_has_no_container_stands_there_by_its_name(
    engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.on_run = lambda service, command: (0, json.dumps({"level": "INFO", "source": "x", "switches": []}), "")
    monkeypatch.setattr(ps, "opened", lambda: engine)
    assert ps.run(options("ps")) == FINE
    del engine.written["prosaas-calls"]
    assert ps.run(options("ps")) == PROBLEM
    assert re.search(r"^prosaas-calls +no container$", capsys.readouterr().out, re.MULTILINE)


def test_one_that_drains_is_not_called_healthy(
    engine: Any, options: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is well, and it takes no call: known by what only a drain says; who is full has no place either."""
    said = {"prosaas-calls": "draining"}

    def run(service: str, command: tuple[str, ...]) -> tuple[int, str, str]:
        if command == ("healthcheck", "ready"):
            return 1, f'/readyz answered 503: {{"status": "{said.get(service, "full")}", "active": 1}}', ""
        return 0, json.dumps({"level": "INFO", "source": "x", "switches": []}), ""

    engine.on_run = run
    up = [replace(one, status="Up 3 minutes (healthy)") for one in engine.containers()]
    engine.containers = lambda *some: up
    monkeypatch.setattr(ps, "opened", lambda: engine)
    assert ps.run(options("ps")) == PROBLEM
    rows = [line for line in capsys.readouterr().out.splitlines() if "Up 3 minutes" in line]
    assert [line.partition("Up 3 minutes ")[2] for line in rows] == [
        "(healthy)",
        "(draining)",
        "(healthy)",
        "(healthy)",
    ]
    said["prosaas-calls"] = "full"
    assert ps.run(options("ps")) == FINE
    assert "draining" not in capsys.readouterr().out
