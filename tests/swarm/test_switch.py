"""What one replica is told, and what one writes down, is known on every node."""

import re
import time
from datetime import datetime

import pytest

from stack_world.stack import eventually
from swarm_world.fixtures import Swarm

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]

# A process of the replica's own container fails within a call.
FAILS = """
import sys
from prosaas_logging import bootstrap, flush, get_logger, scope
bootstrap("prosaas-calls")
with scope(kind="call", call_sid=sys.argv[1]):
    get_logger("drill").debug("what led to it")
    get_logger("drill").error("drill")
flush(5)
"""


def said(swarm: Swarm, task: dict[str, str], event: str, about: str = "") -> list[float]:
    """When the task's log said so, by its engine's clock: on one machine all engines have the same."""
    lines = swarm.node_of(task).docker("logs", "--timestamps", f"{task['Name']}.{task['ID']}").splitlines()
    return [
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z", r"\1+00:00", line.split()[0])).timestamp()
        for line in lines
        if f"[{event}]" in line and about in line
    ]


def when_all_said(swarm: Swarm, service: str, event: str, about: str) -> list[float]:
    """Its last moment in each replica, once all of them said it."""
    deadline = time.monotonic() + 20
    while True:
        moments = [said(swarm, task, event, about) for task in swarm.tasks(service)]
        if all(moments):
            return [each[-1] for each in moments]
        assert time.monotonic() < deadline, moments
        time.sleep(0.2)


def test_a_switch_reaches_every_node_within_a_second_and_is_taken_back_from_any(swarm: Swarm) -> None:
    """Also a replica that starts later: within a second of its start."""
    first, *_, last = swarm.tasks("worker")
    swarm.execute(first, "logctl", "level", "DEBUG", "--business", "7007", "--for", "4m")
    moments = when_all_said(swarm, "worker", "LOG_LEVEL_CHANGED", "7007")
    assert len(moments) == 3
    assert max(moments) - min(moments) < 1
    known = {task["ID"] for task in swarm.tasks("worker")}
    # Swarm itself would watch it for five seconds more.
    swarm.manager.docker("service", "scale", "--detach", f"{swarm.project}_worker=4")
    eventually(lambda: "there" if len(swarm.tasks("worker")) == 4 else None, "a fourth worker", 60)
    (later,) = (task for task in swarm.tasks("worker") if task["ID"] not in known)
    when_all_said(swarm, "worker", "LOG_LEVEL_CHANGED", "7007")
    assert said(swarm, later, "LOG_LEVEL_CHANGED", "7007")[0] - said(swarm, later, "WORKER_START")[0] < 1
    swarm.execute(last, "logctl", "reset")
    moments = when_all_said(swarm, "worker", "LOG_LEVEL_REVERTED", "7007")
    assert len(moments) == 4
    assert max(moments) - min(moments) < 1
    swarm.manager.docker("service", "scale", "--detach", f"{swarm.project}_worker=3")


def test_a_black_box_is_found_from_the_manager_whichever_node_wrote_it_and_once_its_file_is_gone(swarm: Swarm) -> None:
    call = "CA" + "d" * 32
    tasks, (database,) = swarm.tasks("prosaas-calls"), swarm.tasks("postgres")
    for task in tasks:
        swarm.execute(task, "python", "-c", FAILS, call)
    # Replicas of one node write into one file.
    nodes = {task["Node"] for task in tasks}
    count = f"SELECT count(*) FROM black_boxes WHERE name = '{call}'"
    deadline = time.monotonic() + 40
    while swarm.execute(database, "psql", "-U", "prosaas", "-Atc", count).strip() != str(len(nodes)):
        assert time.monotonic() < deadline
        time.sleep(1)
    for task in tasks:
        swarm.execute(task, "rm", "-f", f"/var/log/prosaas/blackbox/{call}.jsonl")
    shown = swarm.make("blackbox", f"CALL={call}").out
    for node in nodes:
        assert f"@{node}" in shown
