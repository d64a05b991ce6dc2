"""A node that dies and comes back, one that is to rest: what calls and jobs notice of it."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from prosaas_api.seats import FRESH_S
from stack_world.stack import docker, eventually
from stack_world.traffic import Traffic
from swarm_world.engines import Node
from swarm_world.fixtures import Swarm

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]

_OURS = ("prosaas-api", "prosaas-calls", "worker")


def free_of_all_else(swarm: Swarm) -> Node:
    """A node that has neither the front door and the database nor the simulated caller."""
    (caller,) = swarm.tasks("simulator")
    return next(node for node in swarm.nodes if node.name not in (swarm.manager.name, caller["Node"]))


def state_of(swarm: Swarm, node: Node) -> str:
    return swarm.manager.docker("node", "inspect", "--format", "{{.Status.State}}", node.name).strip()


def complete(swarm: Swarm) -> str | None:
    """Whether three replicas of each run, on nodes that are there."""
    away = {node.name for node in swarm.nodes if state_of(swarm, node) != "ready"}
    found = {name: [task for task in swarm.tasks(name) if task["Node"] not in away] for name in _OURS}
    return "complete" if all(len(tasks) == 3 for tasks in found.values()) else None


@dataclass(frozen=True)
class Death:
    """One node was killed with calls and jobs on it: which they were, and what was seen until all was whole again."""

    lost: Node
    its_calls: set[str]
    its_job: str
    traffic: Traffic
    ps: str
    logs: str
    story: str = ""

    @property
    def cut(self) -> set[str]:
        return broken(self.traffic)


def over(traffic: Traffic) -> set[str]:
    """Calls that are over, whatever they were like."""
    return {call["call_sid"] for call in traffic.calls if call.get("verbs") == ["Connect"]}


def broken(traffic: Traffic) -> set[str]:
    """Calls whose stream broke: their callers heard the sentence that follows it."""
    return {call["call_sid"] for call in traffic.calls if call.get("verbs", ["Connect"]) != ["Connect"]}


@contextmanager
def slow_summaries(swarm: Swarm) -> Iterator[None]:
    body = json.dumps({"responses": {"delay_ms": 20_000}}).encode()
    urllib.request.urlopen(f"{swarm.simulator}/_/faults", body, timeout=10).close()
    try:
        yield
    finally:
        request = urllib.request.Request(f"{swarm.simulator}/_/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()


def job_taken_by(swarm: Swarm, node: Node) -> str:
    """A call whose summary is being written by the worker of that node."""
    others = [task for task in swarm.tasks("worker") if task["Node"] != node.name]
    for task in others:
        swarm.node_of(task).docker("pause", f"{task['Name']}.{task['ID']}")
    try:
        placed = swarm.call()
        assert placed["ok"], placed["problems"]
        call = str(placed["call_sid"])
        taken = "select count(*) from pgqueuer where entrypoint = 'call.summarise' and status = 'picked'"
        of_it = f"{taken} and position('{call}'::bytea in payload) > 0"
        eventually(lambda: "taken" if swarm.asked(of_it) == "1" else None, "a job taken", 20)
    finally:
        for task in others:
            swarm.node_of(task).docker("unpause", f"{task['Name']}.{task['ID']}")
    return call


def cut_the_power(node: Node) -> None:
    """Not a word more from it: a process that is merely killed closes its connections, and the others know at once."""
    docker("exec", node.name, "sh", "-c", "iptables -I OUTPUT -j DROP && iptables -I INPUT -j DROP")
    docker("kill", node.name)


@pytest.fixture(scope="module")
def death(swarm: Swarm) -> Death:
    """The drill: everything that is to be seen of it, once."""
    lost = free_of_all_else(swarm)
    traffic = Traffic(swarm, live=6, every_s=0.5, rounds=3, apart_s=2 * FRESH_S)
    with slow_summaries(swarm), traffic.flowing():
        its_job = job_taken_by(swarm, lost)
        its_calls = set(swarm.calls_on(lost))
        cut_the_power(lost)
        eventually(lambda: "down" if state_of(swarm, lost) == "down" else None, "the node's death", 60)
        ps = swarm.make("ps")
        logs = swarm.make("logs", "FOLLOW=0", "SINCE=2m")
        eventually(lambda: complete(swarm), "three replicas on the nodes left", 90)
        # No caller may be left to silence for longer than it takes to be sure.
        eventually(lambda: "told" if broken(traffic) >= its_calls - over(traffic) else None, "the end of its calls", 30)
    seen = Death(lost, its_calls, its_job, traffic, ps.text, logs.text)
    return replace(seen, story=swarm.make("trace", f"CALL={min(seen.cut & its_calls)}", check=False).text)


def test_a_node_that_dies_takes_its_own_calls_along_and_no_others(death: Death) -> None:
    """At most two more: led there in the half second in which nobody could know."""
    assert len(death.cut & death.its_calls) >= 2
    assert len(death.cut - death.its_calls) <= 2


def test_new_calls_are_answered_within_five_seconds_while_a_node_dies(death: Death) -> None:
    assert len(death.traffic.first_sound_ms) > 20
    assert max(death.traffic.first_sound_ms) < 5000
    assert death.traffic.failed_webhooks == []


def test_the_job_of_a_dead_worker_is_done_once_by_another(swarm: Swarm, death: Death) -> None:
    summarised = f"select count(*) from calls where call_sid = '{death.its_job}' and summary <> ''"
    eventually(lambda: "done" if swarm.asked(summarised) == "1" else None, "the summary", 60)
    told = swarm.make("logs", "FOLLOW=0", "SINCE=5m", "S=worker", f"CALL={death.its_job}").out.splitlines()
    (done,) = [line for line in told if "JOB_DONE" in line and "job=call.summarise" in line]
    assert f"@{death.lost.name} " not in done


def test_a_manager_tells_which_node_is_away_and_shows_the_rest(death: Death) -> None:
    """Without waiting for it, and without a word of Swarm's own among the lines."""
    assert f"{death.lost.name} is away: what was written there is missing here" in death.ps
    gone = [line for line in death.ps.splitlines() if line.startswith("prosaas-calls.") and death.lost.name in line]
    assert gone
    assert all(line.endswith("its node is away") for line in gone)
    assert "grabbing logs" not in death.logs
    assert f"@{death.lost.name[:-1]}1 " in death.logs
    assert "nobody knows how the call ended" in death.story


def test_calls_lost_with_a_node_are_recorded_as_such_when_it_is_back(swarm: Swarm, death: Death) -> None:
    """As soon as a replica of the node takes up the journals there."""
    docker("start", death.lost.name)
    eventually(lambda: "back" if state_of(swarm, death.lost) == "ready" else None, "the node", 60)
    swarm.make("restart-calls")
    lost = sorted(death.cut & death.its_calls)
    for call in lost:
        reason = f"select end_reason from calls where call_sid = '{call}' and recorded_at is not null"
        assert eventually(lambda reason=reason: swarm.asked(reason) or None, call, 40) == "crashed"  # type: ignore[misc]
    told = swarm.make("trace", f"CALL={lost[0]}").out
    assert "the service went down in the middle of the call" in told
    assert f"@{death.lost.name} " in told


def test_a_node_that_is_to_rest_lets_its_calls_come_to_their_end(swarm: Swarm) -> None:
    """Its replicas go elsewhere, and nobody on the phone notices."""
    resting = free_of_all_else(swarm)
    traffic = Traffic(swarm, live=6, every_s=1.0)
    with traffic.flowing():
        assert swarm.calls_on(resting)
        swarm.manager.docker("node", "update", "--availability=drain", resting.name)
        try:
            of_calls = f"--filter=name={swarm.project}_prosaas-calls"
            eventually(lambda: None if resting.docker("ps", "--quiet", of_calls) else "empty", "an empty node", 100)
        finally:
            swarm.manager.docker("node", "update", "--availability=active", resting.name)
    traffic.check()


def test_down_takes_the_stack_off_every_node_and_the_data_stays(swarm: Swarm) -> None:
    """The last of all: nothing runs any more, and the volumes are where they were."""
    swarm.make("down")
    assert swarm.manager.docker("service", "ls", "--quiet") == ""
    for node in swarm.nodes:
        assert node.docker("ps", "--quiet", f"--filter=name={swarm.project}") == ""
    assert f"{swarm.project}_pgdata" in swarm.manager.docker("volume", "ls", "--format={{.Name}}")
