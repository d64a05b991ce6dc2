"""The stack on three machines of a Docker Swarm: calls across them, and what happens to calls as they change."""

import json
import re
import tarfile
from pathlib import Path

import pytest

from stack_world.stack import eventually
from stack_world.traffic import Traffic
from swarm_world.engines import load
from swarm_world.fixtures import Swarm, tools

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]


def test_every_service_is_spread_over_the_nodes_and_the_door_is_where_its_label_is(swarm: Swarm) -> None:
    """Replicas that share a node would go with it."""
    every = {node.name for node in swarm.nodes}
    for service in ("prosaas-api", "prosaas-calls", "worker"):
        assert {task["Node"] for task in swarm.tasks(service)} == every
    assert [task["Node"] for task in swarm.tasks("gateway")] == [swarm.manager.name]
    shown = swarm.make("ps").out
    assert all(f"prosaas-calls.{number}" in shown for number in (1, 2, 3))


def test_a_call_goes_end_to_end_across_nodes_and_the_manager_tells_of_it(swarm: Swarm) -> None:
    """`make call` reads its lines from all nodes, and judges them; the story names each one's replica and node."""
    seen: set[int] = set()
    for _ in range(6):
        told = swarm.make("call", "SPEED=8").out
        assert "✅ the caller's side" in told
        call = next(word.partition("=")[2] for word in told.split() if word.startswith("CALL=CA"))
        story = swarm.make("trace", f"CALL={call.rstrip(',')}").out
        places = dict(re.findall(r" (api|calls|worker)\.\d+@(\S+) ", story))
        assert set(places) == {"api", "calls", "worker"}
        seen.add(len(set(places.values())))
        if max(seen) > 1:
            return
    raise AssertionError("six calls, and each of them was served by one node alone")


def test_a_manager_reads_and_describes_every_replica_of_every_node(swarm: Swarm, tmp_path: Path) -> None:
    """Lines, the checklist, and the archive for whoever is to help: each names replica and node."""
    replicas = {
        f"{service.removeprefix('prosaas-')}.{task['Name'].rpartition('.')[2]}@{task['Node']}"
        for service in ("prosaas-api", "prosaas-calls", "worker")
        for task in swarm.tasks(service)
    }
    assert len(replicas) == 9
    lines = swarm.make("logs", "FOLLOW=0", "SINCE=30m").out
    assert replicas <= set(re.findall(r"(?:api|calls|worker)\.\d@\S+", lines))
    checked = swarm.make("checklist", "SPEED=8").out
    assert "7 of 7 hold" in checked
    assert replicas <= set(re.findall(r"(?:api|calls|worker)\.\d@[\w-]+", checked))
    swarm.make("capture", "SINCE=30m")
    (written,) = (swarm.checkout.path / "logs").glob("capture-stack-*.tar.gz")
    with tarfile.open(written) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    described = {each["name"].removeprefix("prosaas-") for each in json.loads((folder / "inspect.json").read_text())}
    assert replicas <= described
    rows = [json.loads(row) for row in (folder / "events.jsonl").read_text().splitlines()]
    assert {f"{row['service'].removeprefix('prosaas-')}.{row['place']}" for row in rows if "place" in row} >= replicas


def test_what_a_deploy_would_change_is_told_by_service(swarm: Swarm) -> None:
    assert "the settings are the same" in swarm.make("diff").out
    settings = swarm.checkout.env.read_text()
    swarm.checkout.configure(MAX_CALLS="7", CALLS_REPLICAS="4")
    try:
        told = swarm.make("diff").out.splitlines()
    finally:
        swarm.checkout.env.write_text(settings)
    (line,) = told
    assert line.startswith("prosaas-calls: ")
    assert "MAX_CALLS" in line
    assert "replicas" in line


def test_a_deploy_that_could_not_work_is_refused_before_anything_changes(swarm: Swarm) -> None:
    """Each reason in one line, with what helps; nothing is rolled out, and nothing back."""
    other = swarm.nodes[1]
    before = {task["ID"] for task in swarm.tasks("prosaas-calls")}
    swarm.manager.docker("node", "update", "--label-add=prosaas.database=1", other.name)
    swarm.checkout.configure(CALLS_REPLICAS="999")
    try:
        refused = swarm.make("up-swarm", "BUILD=0", check=False)
    finally:
        swarm.checkout.configure(CALLS_REPLICAS="3")
        swarm.manager.docker("node", "update", "--label-rm=prosaas.database", other.name)
    assert refused.code != 0
    assert re.search(r"label .* all have the label prosaas.database=1, and the data is on one", refused.text)
    assert re.search(r"memory .*\d+ MB on 3 nodes, and the limits add up to \d+", refused.text)
    assert "2 problem(s) before the start; nothing was changed" in refused.text
    assert "healthy on" not in refused.text
    assert {task["ID"] for task in swarm.tasks("prosaas-calls")} == before


def test_any_manager_answers(swarm: Swarm) -> None:
    """Not only the one from which the stack was started."""
    other = swarm.nodes[1]
    swarm.manager.docker("node", "promote", other.name)
    try:
        load(other, *tools(swarm))
        shown = swarm.make("ps", on=other).out
        assert shown == swarm.make("ps").out
        assert all(node.name in shown for node in swarm.nodes)
        assert " calls.3@" in swarm.make("logs", "FOLLOW=0", "SINCE=30m", on=other).out
        assert "the settings are the same" in swarm.make("diff", on=other).out
        assert re.search(r"^calls \(prosaas-calls\.3@\S+\) +INFO ", swarm.make("levels", on=other).out, re.M)
    finally:
        swarm.manager.docker("node", "demote", other.name)


def test_debug_reaches_every_replica_on_every_node_and_is_taken_back(swarm: Swarm) -> None:
    """A business is debugged wherever its next call goes."""
    debugged = swarm.make("debug-calls", "BUSINESS=456", "FOR=12s").out
    shown = swarm.make("ps").out
    assert all(f"prosaas-calls.{number}" in shown for number in (1, 2, 3))
    assert "DEBUG" in debugged
    for task in swarm.tasks("prosaas-calls"):

        def taken_back(task: dict[str, str] = task) -> str | None:
            lines = swarm.node_of(task).docker("logs", f"{task['Name']}.{task['ID']}")
            assert "[LOG_LEVEL_CHANGED]" in lines
            return "quiet" if "[LOG_LEVEL_REVERTED]" in lines else None

        eventually(taken_back, f"{task['Name']} at its level again", 10)


def test_a_rolling_update_cuts_no_call_and_puts_nobody_off(swarm: Swarm) -> None:
    """A replica that goes keeps its calls to their end; a new one takes the next, and who is on the way to the old.

    Longer than Twilio takes to open a stream: whoever was led to a replica before the change comes after its end.
    """
    before = {task["ID"] for task in swarm.tasks("prosaas-calls")}
    traffic = Traffic(swarm, live=8, every_s=0.7, rounds=3, opens_ms=9000)
    with traffic.flowing():
        assert all(swarm.calls_on(node) for node in swarm.nodes)
        swarm.make("restart-calls")
    after = {task["ID"] for task in swarm.tasks("prosaas-calls")}
    assert before.isdisjoint(after)
    traffic.check()


def test_a_deploy_of_what_runs_already_renews_no_replica(swarm: Swarm) -> None:
    """Also after the restart above, which is another command of Docker's."""
    before = {task["ID"] for task in swarm.tasks("prosaas-calls")}
    swarm.make("up-swarm", "BUILD=0")
    assert {task["ID"] for task in swarm.tasks("prosaas-calls")} == before
