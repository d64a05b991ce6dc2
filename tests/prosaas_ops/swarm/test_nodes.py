"""What keeps a deploy from beginning on a Swarm: each reason in one line, with what to do."""

import json
import re
import time
from typing import Any

import pytest

from prosaas_ops.conduct.finding import Finding
from prosaas_ops.swarm import nodes


class Docker:
    """The client that acts, noting what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def docker(self, *words: str, check: bool = True) -> None:
        self.asked.append(words)


def stack(replicas: int = 1, memory: int = 1 << 30) -> dict[str, Any]:
    limits = {"resources": {"limits": {"memory": str(memory)}}}
    return {"services": {"postgres": {"deploy": limits}, "calls": {"deploy": {"replicas": replicas, **limits}}}}


def bad(manager: Any, **wanted: int) -> list[str]:
    return [finding.text for finding in nodes.known(manager, stack(**wanted)) if finding.bad]


def test_a_whole_swarm_is_in_order(manager: Any) -> None:
    manager.node("n1", "one", gateway="1", database="1")
    manager.node("n2", "two")
    assert bad(manager) == []


def test_an_engine_alone_and_a_worker_are_no_place_to_deploy_from(manager: Any) -> None:
    manager.answers["/info"] = {"Swarm": {"LocalNodeState": "inactive"}}
    assert bad(manager) == ["this engine is in no Swarm"]
    manager.answers["/info"] = {"Swarm": {"LocalNodeState": "active", "ControlAvailable": False}}
    assert bad(manager) == ["this node is no manager"]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"state": "down"}, "two is down"),
        ({"engine": "20.10.5"}, "two has engine 20.10.5, older than 25.0.0"),
        ({"database": "1"}, "one, two all have the label prosaas.database=1, and the data is on one"),
    ],
)
def test_a_node_that_cannot_carry_its_part_is_named(manager: Any, second: dict[str, str], told: str) -> None:
    manager.node("n1", "one", gateway="1", database="1")
    manager.node("n2", "two", **second)
    assert bad(manager) == [told]


def test_without_labels_nobody_knows_where_the_door_and_the_data_are(manager: Any) -> None:
    manager.node("n1", "one")
    assert [text.partition(" has the label ")[2].split("=")[0].split(",")[0] for text in bad(manager)] == [
        "prosaas.gateway",
        "prosaas.database",
    ]


def test_more_than_the_nodes_have_room_for_is_refused(manager: Any) -> None:
    manager.node("n1", "one", gateway="1", database="1")
    assert bad(manager, replicas=5) == []
    assert bad(manager, replicas=9) == ["4096 MB on 1 nodes, and the limits add up to 10240"]


def looked(manager: Any, **told: Any) -> list[Finding]:
    """What is found where the node `two`, which has the door, says this of itself."""
    manager.node("n2", "two", gateway="1")
    manager.task("t2", "shop_preflight", "n2", told.pop("state", "complete"), status=told.pop("status", {}))
    manager.lines["t2"] = json.dumps({"at": time.time() + told.pop("off_s", 0), "disk": 9000, "taken": [], **told})
    client = Docker()
    found = list(nodes.seen(client, manager, "image", [8000]))  # type: ignore[arg-type]
    assert client.asked[-1] == ("service", "rm", "shop_preflight")
    return found


def test_a_node_in_order_has_nothing_to_tell(manager: Any) -> None:
    assert looked(manager) == []


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"off_s": -3600}, r"the clock of two is 3\d{3} s off"),
        ({"off_s": 3600}, r"the clock of two is 3\d{3} s off"),
        ({"disk": 12}, "12 MB free on two"),
        ({"taken": [8000]}, "port 8000 of two is taken"),
        ({"state": "rejected", "status": {"Err": "No such image: image"}}, "two could not run one: No such image"),
    ],
)
def test_what_a_node_says_of_itself_is_refused_by_its_name(manager: Any, told: dict[str, Any], text: str) -> None:
    (finding,) = looked(manager, **told)
    assert finding.bad
    assert re.search(text, finding.text)


@pytest.mark.parametrize("lines", ["", "sitecustomize: warning", "[1]"])
def test_a_node_of_which_no_line_arrives_is_named(manager: Any, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    monkeypatch.setattr(nodes, "_WORD_S", 0.0)
    manager.node("n2", "two", gateway="1")
    manager.task("t2", "shop_preflight", "n2", "complete")
    manager.lines["t2"] = lines
    client = Docker()
    (finding,) = nodes.seen(client, manager, "image", [8000])  # type: ignore[arg-type]
    assert (finding.bad, finding.text) == (True, "two ran our image, and no line of it arrived")
    # What a node's own driver keeps is for no manager to read, and a collector's is nobody's here.
    assert "--log-driver=json-file" in client.asked[1]


def test_a_line_that_arrives_later_or_has_another_behind_it_is_found(manager: Any) -> None:
    manager.node("n2", "two")
    manager.task("t2", "shop_preflight", "n2", "complete")
    manager.lines["t2"] = ""
    word = json.dumps({"at": time.time(), "disk": 9000, "taken": []}) + "\nsitecustomize: warning"
    asked: list[str] = []

    def logs(*_: object) -> list[Any]:
        asked.append("")
        manager.lines["t2"] = word if len(asked) > 1 else ""
        return type(manager).logs(manager, *_)

    manager.logs = logs
    assert list(nodes.seen(Docker(), manager, "image", [])) == []  # type: ignore[arg-type]
    assert len(asked) == 2


def test_a_node_that_left_meanwhile_keeps_nothing_from_beginning(manager: Any) -> None:
    manager.node("n2", "two")
    manager.task("t3", "shop_preflight", "n3", "orphaned")
    assert list(nodes.seen(Docker(), manager, "image", [])) == []  # type: ignore[arg-type]


def test_a_port_that_our_own_door_holds_is_not_taken(manager: Any) -> None:
    manager.service("gateway")
    manager.task("g", "gateway", "n2", "running")
    assert looked(manager, taken=[8000]) == []
