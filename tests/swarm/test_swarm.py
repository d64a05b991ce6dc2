"""The stack on three machines of a Docker Swarm: calls across them, and what happens to calls as they change."""

import re

import pytest

from stack_world.traffic import Traffic
from swarm_world.fixtures import Swarm

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


def test_debug_reaches_every_replica_on_every_node_and_is_taken_back(swarm: Swarm) -> None:
    """A business is debugged wherever its next call goes."""
    debugged = swarm.make("debug-calls", "BUSINESS=456", "FOR=12s").out
    assert all(f"prosaas-calls.{number}" in swarm.make("ps").out for number in (1, 2, 3))
    assert "DEBUG" in debugged
    for task in swarm.tasks("prosaas-calls"):
        lines = swarm.node_of(task).docker("logs", f"{task['Name']}.{task['ID']}")
        assert "[LOG_LEVEL_CHANGED]" in lines
        assert "[LOG_LEVEL_REVERTED]" in lines


def test_a_rolling_update_cuts_no_call_and_puts_nobody_off(swarm: Swarm) -> None:
    """A replica that goes keeps its calls to their end; a new one takes the next."""
    before = {task["ID"] for task in swarm.tasks("prosaas-calls")}
    traffic = Traffic(swarm, live=10, every_s=1.0)
    with traffic.flowing():
        assert all(swarm.calls_on(node) for node in swarm.nodes)
        swarm.make("restart-calls")
    after = {task["ID"] for task in swarm.tasks("prosaas-calls")}
    assert before.isdisjoint(after)
    traffic.check()
