"""Whether the figures are those of a demo is what the containers were started with, and not what .env says by now."""

from typing import Any

import pytest

from prosaas_ops import started
from prosaas_ops.ask import calls, costs
from prosaas_ops.console import world
from prosaas_ops.options import FINE, NOTHING
from prosaas_ops.stack import found, spent
from prosaas_ops.stack.day import Day
from prosaas_ops.stack.swarm import SwarmEngine
from prosaas_ops.started import is_demo


def runs_as(engine: Any, settings: dict[str, str | None]) -> None:
    for service, value in settings.items():
        engine.started_with(service, *([] if value is None else [f"DEMO={value}"]))


@pytest.mark.parametrize("filed", ["1", "0", ""])
def test_what_runs_says_whether_it_is_a_demo_whatever_was_written_since(
    engine: Any, filed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", filed)
    runs_as(engine, {"prosaas-calls": "1"})
    assert is_demo(engine)
    for live in ("0", "", None):
        runs_as(engine, {"prosaas-calls": live})
        assert not is_demo(engine)


def test_of_two_generations_the_newest_says_it(engine: Any) -> None:
    """The older one drains: whoever calls now is the new one's."""
    runs_as(engine, {"prosaas-calls": "1", "prosaas-api": "1", engine.begin("prosaas-calls").id: "0"})
    assert not is_demo(engine)


def test_where_prosaas_calls_does_not_run_another_service_says_it(engine: Any) -> None:
    runs_as(engine, {"prosaas-calls": "0", "prosaas-api": "1"})
    engine.states["prosaas-calls"] = "exited"
    assert is_demo(engine)


@pytest.mark.parametrize("filed", ["1", "0"])
def test_where_nothing_runs_or_can_be_asked_it_is_what_a_start_would_bring(
    engine: Any, filed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", filed)
    engine.gone |= {"prosaas-calls"}
    assert is_demo(engine) is (filed == "1")
    engine.gone.clear()
    engine.states |= dict.fromkeys(engine.written, "exited")
    assert is_demo(engine) is (filed == "1")


def test_of_another_project_nothing_is_a_demo_of_ours(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "1")
    monkeypatch.setattr(started, "OTHERS", ("web",))
    assert not is_demo(engine)


def test_on_a_swarm_the_manager_says_it_and_no_node_is_gone_to(monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    tasks = {"/tasks/prosaas-calls": {"Spec": {"ContainerSpec": {"Env": ["DEMO=1"]}}}}
    swarm = SwarmEngine("prosaas")
    monkeypatch.setattr(swarm, "containers", engine.containers)
    monkeypatch.setattr(swarm, "get", lambda path, **query: tasks[path])
    assert is_demo(swarm)
    tasks["/tasks/prosaas-calls"]["Spec"]["ContainerSpec"] = {}
    assert not is_demo(swarm)


@pytest.mark.parametrize(("runs", "filed"), [("1", "0"), ("0", "1")])
def test_calls_costs_and_the_console_count_by_what_runs(
    engine: Any, options: Any, runs: str, filed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a change of DEMO in .env and the start that brings it, simulated calls are what they were."""
    monkeypatch.setenv("DEMO", filed)
    runs_as(engine, {"prosaas-calls": runs})
    counted: list[bool | None] = []

    def find(wanted: found.Asked) -> found.Calls:
        counted.append("true as counted" in found.question(wanted)[0])
        return found.Calls([], 1, 0, 0)

    def paid(wanted: spent.Wanted) -> list[spent.Sum]:
        counted.append("case when true then" in spent.question(wanted)[0])
        return []

    def day(now: Any, *, demo: bool) -> Day:
        counted.append(demo)
        return Day(now)

    for module in (calls, costs):
        monkeypatch.setattr(module, "opened", lambda: engine)
    monkeypatch.setattr(calls, "live_ids", lambda engine: None)
    monkeypatch.setattr(calls, "find", find)
    monkeypatch.setattr(costs, "spent", paid)
    monkeypatch.setattr(world, "day", day)
    assert calls.run(options("calls")) == FINE
    assert costs.run(options("costs")) == NOTHING
    world.World(engine).day()
    assert world.World(engine).held() == []
    assert counted == [runs == "1"] * 4
