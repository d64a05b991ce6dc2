"""A manager asked about every node: tasks as containers, their lines, and commands inside those of other nodes."""

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_world.engine import Docker, frame
from prosaas_ops.options import Problem
from prosaas_ops.stack import swarm
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.swarm import SwarmEngine, opened, sealed
from prosaas_ops.stack.swarm.tasks import as_container


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Docker]:
    server = Docker(tmp_path / "docker.sock")
    server.start()
    for path, answer in {
        "/services": [{"ID": "s1", "Spec": {"Name": "shop_prosaas-calls"}}],
        "/nodes": [node("n1", "one"), node("n2", "two")],
        "/info": {"Swarm": {"NodeID": "n1"}},
        "/tasks": [task("t2", 2, "n2"), task("t1", 1, "n1", state="shutdown", created="2026-01-01T00:00:00.5Z")],
        "/tasks/t2": task("t2", 2, "n2"),
        "/services/create": {"ID": "job"},
        "/secrets": [],
        "/secrets/create": {"ID": "asked"},
    }.items():
        server.answers[path] = (200, json.dumps(answer).encode())
    yield server
    server.close()


@pytest.fixture
def engine(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SwarmEngine:
    monkeypatch.setattr(sealed, "opened", lambda told, _key: json.loads(told))
    return SwarmEngine("shop", str(tmp_path / "docker.sock"))


def node(number: str, name: str, *, state: str = "ready") -> dict[str, Any]:
    return {"ID": number, "Description": {"Hostname": name}, "Status": {"State": state}}


def task(number: str, slot: int, node: str, *, state: str = "running", created: str = "") -> dict[str, Any]:
    return {
        "ID": number,
        "ServiceID": "s1",
        "NodeID": node,
        "Slot": slot,
        "CreatedAt": created or "2026-01-02T00:00:00.5Z",
        "Status": {
            "State": state,
            "Timestamp": "2026-01-02T00:00:09Z",
            "ContainerStatus": {"ContainerID": "c" + number},
        },
        "Spec": {"ContainerSpec": {"Image": "registry.example.com/prosaas-calls:v7@sha256:0123456789abcdef"}},
    }


def test_a_task_is_a_container_whose_name_says_replica_and_node(engine: SwarmEngine) -> None:
    old, new = engine.containers()
    assert (new.service, new.name, new.state, new.version) == ("prosaas-calls", "prosaas-calls.2@two", "running", "v7")
    assert (old.name, old.state) == ("prosaas-calls.1@one", "exited")
    assert [one.name for one in engine.current()] == ["prosaas-calls.2@two"]
    assert [one.name for one in engine.serving("prosaas-calls")] == ["prosaas-calls.2@two"]


def test_a_node_that_is_away_is_told_once_and_nothing_is_asked_of_it(
    engine: SwarmEngine, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Swarm still calls running there is not: a look into it would wait in vain."""
    docker.answers["/nodes"] = (200, json.dumps([node("n1", "one"), node("n2", "two", state="down")]).encode())
    _, found = engine.containers()
    assert (found.state, found.status) == ("away", "its node is away")
    assert list(engine.logs(found)) == []
    assert engine.current() == [found]
    assert capsys.readouterr().err == "two is away: what was written there is missing here until it is back\n"
    assert not [path for path in docker.asked if path.endswith("/logs")]


def test_what_the_manager_says_of_a_node_that_it_cannot_reach_is_no_line_of_ours(
    engine: SwarmEngine, docker: Docker
) -> None:
    """It may die between two questions."""
    said = "Error grabbing logs: rpc error: code = Unknown desc = warning: incomplete log stream\n"
    docker.answers["/tasks/t2/logs"] = (200, frame("2026-01-02T00:00:01Z one\n") + frame(said, kind=2))
    (found,) = engine.containers("prosaas-calls")[1:]
    assert [line.text for line in engine.logs(found)] == ["one"]


def test_the_replica_of_this_node_is_asked_first(engine: SwarmEngine, docker: Docker) -> None:
    """It is reached in no time, and the others hear of a switch from it."""
    newest = {"created": "2026-01-03T00:00:00.5Z"}
    docker.answers["/tasks"] = (200, json.dumps([task("t1", 1, "n1"), task("t2", 2, "n2", **newest)]).encode())
    assert [one.place for one in engine.generations("prosaas-calls")] == ["1@one", "2@two"]


def test_a_task_that_the_manager_has_forgotten_meanwhile_has_no_lines(engine: SwarmEngine, docker: Docker) -> None:
    (found,) = engine.containers("prosaas-calls")[1:]
    assert list(engine.logs(found)) == []
    docker.answers["/tasks/t2/logs"] = (500, b'{"message": "no leader"}')
    with pytest.raises(Problem, match="no leader"):
        list(engine.logs(found))


def test_its_lines_are_read_from_whichever_node(engine: SwarmEngine, docker: Docker) -> None:
    lines = frame("2026-01-02T00:00:01Z one\n") + frame("2026-01-02T00:00:03Z two\n")
    docker.answers["/tasks/t2/logs"] = (200, lines)
    (found,) = engine.containers("prosaas-calls")[1:]
    assert [line.text for line in engine.logs(found)] == ["one", "two"]
    assert [line.text for line in engine.logs(found, until=1767312002.0)] == ["one"]


def test_a_command_reaches_a_task_of_another_node_and_leaves_nothing_behind(
    engine: SwarmEngine, docker: Docker
) -> None:
    """A job of the Swarm, beside the task, asks that node's engine."""
    printed = base64.b64encode(zlib.compress(frame("on\n") + frame("careful\n", kind=2))).decode()
    job = {**task("j", 0, "n2", state="complete"), "ServiceID": "job"}
    docker.answers["/tasks"] = (200, json.dumps([job]).encode())
    told = json.dumps({"sealed": json.dumps({"code": 3, "frames": printed})})
    docker.answers["/tasks/j/logs"] = (200, frame(f"2026-01-02T00:00:01Z {told}\n"))
    found = as_container(task("t2", 2, "n2"), "prosaas-calls", node("n2", "two"))
    assert engine.run(found, "logctl", "status") == (3, "on\n", "careful\n")
    assert docker.asked[-2].startswith("/services/shop_reach_")
    assert docker.asked[-1].startswith("/secrets/asked")


def test_a_command_that_could_not_be_run_there_says_why(engine: SwarmEngine, docker: Docker) -> None:
    job = {**task("j", 0, "n2", state="complete"), "ServiceID": "job"}
    docker.answers["/tasks"] = (200, json.dumps([job]).encode())
    told = json.dumps({"sealed": json.dumps({"message": "is not running"})})
    docker.answers["/tasks/j/logs"] = (200, frame(f"2026-01-02T00:00:01Z {told}\n"))
    found = as_container(task("t2", 2, "n2"), "prosaas-calls", node("n2", "two"))
    with pytest.raises(Problem, match=r"logctl in prosaas-calls\.2@two did not run: is not running"):
        engine.run(found, "logctl")


def test_a_replica_that_comes_later_is_told_of(
    engine: SwarmEngine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an engine tells of a container that starts, so that whoever follows takes it in."""
    monkeypatch.setattr(swarm, "_LOOKS_EVERY_S", 0.01)
    docker.answers["/tasks"] = (200, json.dumps([task("t2", 2, "n2")]).encode())
    with engine.follow_events() as listening:
        listening.settimeout(5)
        assert listening.recv(1) == b"\n"
        docker.answers["/tasks"] = (200, json.dumps([task("t2", 2, "n2"), task("t3", 3, "n1")]).encode())
        heard = b""
        while b"t3" not in heard or not heard.endswith(b"\n"):
            heard += listening.recv(4096)
    told = [json.loads(row) for row in heard.split(b"\n") if row]
    assert [(row["Action"], row["Actor"]["ID"]) for row in told] == [("start", "t3")]


def test_which_engine_is_asked_the_door_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPS_SWARM", raising=False)
    assert type(opened()) is Engine
    monkeypatch.setenv("OPS_SWARM", "1")
    assert type(opened()) is SwarmEngine
