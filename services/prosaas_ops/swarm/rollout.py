"""Brings a stack to what is wanted of it, and waits until every replica on every node is that, and healthy."""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from prosaas_ops.conduct.database import LAST_LINES, not_migrated
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container
from prosaas_ops.stack.swarm import SwarmEngine
from prosaas_ops.stack.swarm.tasks import CONTENTS, ENDED, node_name
from prosaas_ops.swarm.rendered import Rendered
from prosaas_ops.texts import swarm as words

_READ = "docs/scaling.md"
# Without any task that came nearer to running for so long, a service does not become what it should be.
_PATIENCE_S = 240.0
_WENT_BACK = ("paused", "rollback_started", "rollback_paused", "rollback_completed")
MIGRATE = "migrate"


def carry(world: World, wanted: Rendered) -> None:
    """Secrets and configs that the Swarm does not have yet, by way of standard input."""
    for kind, contents in (("secret", wanted.secrets), ("config", wanted.configs)):
        there = set(world.docker(kind, "ls", "--format", "{{.Name}}").out.split())
        for name, content in contents.items():
            if name not in there:
                world.docker(kind, "create", "--label", f"{CONTENTS}={world.project}", name, "-", feed=content)


def deploy(world: World, stack: Mapping[str, Any], *, prune: bool = False) -> None:
    """Hand the stack to the Swarm; with `prune` what it does not name goes."""
    words = ["--detach", "--with-registry-auth", "--resolve-image=never", *(["--prune"] if prune else [])]
    used = {one["source"] for service in stack["services"].values() for one in service.get("secrets", ())}
    read = {one["source"] for service in stack["services"].values() for one in service.get("configs", ())}
    kept = {
        **stack,
        "secrets": {name: told for name, told in stack["secrets"].items() if name in used},
        "configs": {name: told for name, told in stack["configs"].items() if name in read},
    }
    world.docker("stack", "deploy", *words, "--compose-file", "-", world.project, feed=json.dumps(kept))


def migrate(world: World, engine: SwarmEngine, stack: Mapping[str, Any]) -> None:
    """The one-shot service, made anew and waited for; its own words if it fails."""
    name = f"{world.project}_{MIGRATE}"
    world.docker("service", "rm", name, check=False)
    deploy(world, stack)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        tasks = engine.get("/tasks", filters=json.dumps({"service": [name]}))
        ended = [task for task in tasks if task["Status"]["State"] in ENDED]
        if any(task["Status"]["State"] == "complete" for task in ended):
            world.docker("service", "rm", name, check=False)
            return
        if ended:
            said = list(engine.logs(Container(ended[-1]["ID"], MIGRATE, MIGRATE, "exited", "", "")))
            lines = "\n".join(line.text for line in said[-LAST_LINES:])
            raise not_migrated(lines, ended[-1]["Status"].get("Err", words.FAILED))
        time.sleep(0.3)
    raise Problem(words.MIGRATION_LONG(seconds=f"{_PATIENCE_S:.0f}", name=name))


def converge(world: World, engine: SwarmEngine, names: Iterable[str]) -> None:
    """Wait until each service runs as many healthy replicas of what it now is as it should, and nothing else."""
    waiting, seen, deadline = sorted(names), "", time.monotonic() + _PATIENCE_S
    while waiting:
        tasks = engine.tasks()
        described = {engine.short(service): service for service in engine.services()}
        for name in waiting:
            if (state := described[name].get("UpdateStatus", {}).get("State")) in _WENT_BACK:
                raise _failed(world, engine, name, tasks, described[name], words.TAKEN_BACK(state=state))
        left = [name for name in waiting if not _converged(described[name], tasks)]
        for name in sorted({*waiting} - {*left}):
            world.say(_where(engine, name, described[name], tasks))
        waiting = left
        now = json.dumps(sorted((task["ID"], task["Status"]["State"]) for task in tasks if _live(task)))
        if now != seen:
            # As long as replicas come and go, a rollout moves: each of them may take its time.
            seen, deadline = now, time.monotonic() + _PATIENCE_S
        elif time.monotonic() > deadline:
            raise _failed(world, engine, waiting[0], tasks, described[waiting[0]], str(words.NOT_HEALTHY))
        time.sleep(0.3 if waiting else 0)


def _live(task: Mapping[str, Any]) -> bool:
    return bool(task["DesiredState"] == "running" and task["Status"]["State"] not in ENDED)


def _converged(service: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> bool:
    wanted = service["Spec"]["TaskTemplate"]
    mode = service["Spec"]["Mode"]
    own = [task for task in tasks if task["ServiceID"] == service["ID"] and task["DesiredState"] == "running"]
    # A task keeps what it was made from: before an update has begun all of them run, and none is what is wanted.
    good = [
        task
        for task in own
        if task["Status"]["State"] == "running"
        and task["Spec"]["ContainerSpec"] == wanted["ContainerSpec"]
        and task["Spec"].get("ForceUpdate", 0) == wanted.get("ForceUpdate", 0)
    ]
    least = int(mode["Replicated"]["Replicas"]) if "Replicated" in mode else max(1, len(own))
    return len(good) == len(own) == least and service.get("UpdateStatus", {}).get("State") in (None, "completed")


def _where(engine: SwarmEngine, name: str, service: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> str:
    nodes = engine.nodes()
    own = [task for task in tasks if task["ServiceID"] == service["ID"] and _live(task)]
    hosts = sorted(node_name(nodes[task["NodeID"]]) for task in own if task.get("NodeID") in nodes)
    return words.HEALTHY(service=name, count=len(own), nodes=", ".join(hosts))


def _failed(
    world: World,
    engine: SwarmEngine,
    name: str,
    tasks: Iterable[Mapping[str, Any]],
    service: Mapping[str, Any],
    why: str,
) -> Problem:
    nodes = engine.nodes()
    own = sorted((task for task in tasks if task["ServiceID"] == service["ID"]), key=lambda task: task["UpdatedAt"])
    said = [
        f"{node_name(nodes[task['NodeID']])}: {task['Status']['Err']}" if task.get("NodeID") in nodes
        else str(task["Status"]["Err"])
        for task in own
        if task["Status"].get("Err")
    ]  # fmt: skip
    told = ": ".join([name, why, *said[-1:]])
    return problem(told, f"docker service ps --no-trunc {world.project}_{name}", _READ)
