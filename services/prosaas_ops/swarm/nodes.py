"""What must be true of a Swarm before anything on it changes: its nodes as the manager knows them, and as they say."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from prosaas_ops.conduct.finding import Finding
from prosaas_ops.conduct.machine import LEAST_ENGINE
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.stack.swarm import SwarmEngine
from prosaas_ops.stack.swarm.reach import last_word
from prosaas_ops.stack.swarm.tasks import ENDED, node_name
from prosaas_ops.texts import swarm as words

_READ = "docs/scaling.md"
GATEWAY, DATABASE = "prosaas.gateway", "prosaas.database"
LARGEST_SKEW_S = 2.0
_LEAST_DISK_MB = 3000
# Of all limits together, as on one machine: not everything is at its own at once.
_ROOM = 0.6
# A first pull of the image may take long.
_PATIENCE_S = 300.0
_WORD_S = 10.0
# Seen by each node for itself: its clock, the disk of its engine, and which of the ports are taken.
_LOOK = """
import json, shutil, socket, sys, time
def taken(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except PermissionError:
            return False
        except OSError:
            return True
    return False
print(json.dumps({"at": time.time(), "disk": shutil.disk_usage("/").free // 1000000,
                  "taken": [port for port in map(int, sys.argv[1:]) if taken(port)]}))
"""


def known(engine: SwarmEngine, stack: Mapping[str, Any]) -> Iterator[Finding]:
    """What the manager knows of every node: state, engine, labels, and room for all that is to run."""
    here = engine.get("/info")["Swarm"]
    if here.get("LocalNodeState") != "active":
        yield Finding("swarm", str(words.NO_SWARM), str(words.MAKE_SWARM), _READ)
        return
    if not here.get("ControlAvailable"):
        yield Finding("swarm", str(words.NO_MANAGER), str(words.ON_A_MANAGER), _READ)
        return
    usable = []
    for node in engine.nodes().values():
        name, state = node_name(node), node["Status"]["State"]
        if node["Spec"]["Availability"] != "active":
            yield Finding("node", words.RESTING(node=name, state=node["Spec"]["Availability"]))
        elif state != "ready":
            yield Finding("node", words.NOT_READY(node=name, state=state), words.START_IT(node=name), _READ)
        else:
            usable.append(node)
            yield _engine(name, str(node["Description"]["Engine"]["EngineVersion"]))
    yield from _labels(usable, stack)
    yield _room(usable, stack)


def _engine(name: str, version: str) -> Finding:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if found and tuple(map(int, found.groups())) >= LEAST_ENGINE:
        return Finding("node", words.READY(node=name, version=version))
    wanted = ".".join(map(str, LEAST_ENGINE))
    old = words.OLD_ENGINE(node=name, version=version, least=wanted)
    return Finding("node", old, words.NEWER_ON(node=name), _READ)


def _labels(nodes: list[dict[str, Any]], stack: Mapping[str, Any]) -> Iterator[Finding]:
    def labelled(label: str) -> list[str]:
        return [node_name(node) for node in nodes if node["Spec"].get("Labels", {}).get(label) == "1"]

    if doors := labelled(GATEWAY):
        yield Finding("label", words.DOORS(nodes=", ".join(doors)))
    else:
        yield Finding("label", words.NO_DOOR(label=GATEWAY), words.LABEL_DOOR(label=GATEWAY), _READ)
    if "postgres" not in stack["services"]:
        return
    homes = labelled(DATABASE)
    if len(homes) == 1:
        yield Finding("label", words.HOME(node=homes[0]))
    else:
        told = words.HOMES(label=DATABASE, nodes=", ".join(homes)) if homes else words.NO_HOME(label=DATABASE)
        yield Finding("label", told, words.LABEL_HOME(label=DATABASE), _READ)


def _room(nodes: list[dict[str, Any]], stack: Mapping[str, Any]) -> Finding:
    has = sum(int(node["Description"]["Resources"]["MemoryBytes"]) for node in nodes) // 2**20
    wanted = sum(
        int(service["deploy"].get("replicas", 1)) * int(service["deploy"]["resources"]["limits"]["memory"]) // 2**20
        for service in stack["services"].values()
    )
    if has >= wanted * _ROOM:
        return Finding("memory", words.ROOM(has=has, nodes=len(nodes), limits=wanted))
    told = words.NO_ROOM(has=has, nodes=len(nodes), limits=wanted)
    return Finding("memory", told, str(words.MORE_ROOM), _READ)


def seen(world: World, engine: SwarmEngine, image: str, ports: list[int]) -> Iterator[Finding]:
    """What each node says when our image runs on it for a moment: that it can, its clock, its disk, its ports.

    The clocks are compared with this manager's: a moment that a node names must lie between question and answer.
    """
    name = f"{engine.project}_preflight"
    world.docker("service", "rm", name, check=False)
    asked = time.time()
    try:
        world.docker(
            "service", "create", "--quiet", "--detach", "--mode=global-job", "--network=host", f"--name={name}",
            "--restart-condition=none", "--no-resolve-image", "--with-registry-auth", "--log-driver=json-file", image,
            "python", "-IS", "-c", _LOOK, *map(str, ports),
        )  # fmt: skip
        yield from _answers(engine, name, asked, ports)
    finally:
        world.docker("service", "rm", name, check=False)


def _answers(engine: SwarmEngine, name: str, asked: float, ports: list[int]) -> Iterator[Finding]:
    doors = {one.name.rpartition("@")[2] for one in engine.containers("gateway") if one.state == "running"}
    nodes = engine.nodes()
    for task in _ended(engine, name):
        node = nodes.get(task.get("NodeID", ""))
        if node is None:
            # It left the Swarm meanwhile.
            continue
        host, status = node_name(node), task["Status"]
        if status["State"] != "complete":
            why = status.get("Err", words.ITS_END)
            told = words.NO_IMAGE(node=host, image=_image(task), why=why)
            yield Finding("image", told, str(words.BRING_IMAGE), _READ)
            continue
        said = _said(engine, task["ID"])
        if said is None:
            yield Finding("node", words.NO_WORD(node=host), words.LINES_OF(node=host), _READ)
            continue
        skew = max(asked - said["at"], said["at"] - time.time(), 0.0)
        if skew > LARGEST_SKEW_S:
            off = words.CLOCK(node=host, seconds=f"{skew:.0f}")
            yield Finding("clock", off, words.SET_CLOCK(node=host), _READ)
        if said["disk"] < _LEAST_DISK_MB:
            little = words.LITTLE_DISK(free=said["disk"], node=host, needed=_LEAST_DISK_MB)
            yield Finding("disk", little, words.MORE_DISK(node=host), _READ)
        taken = said["taken"] if node["Spec"].get("Labels", {}).get(GATEWAY) == "1" and host not in doors else []
        for port in taken:
            yield Finding("port", words.PORT_TAKEN(port=port, node=host), str(words.OTHER_PORT), _READ)


def _ended(engine: SwarmEngine, name: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        tasks: list[dict[str, Any]] = engine.get("/tasks", filters=json.dumps({"service": [name]}))
        if tasks and all(task["Status"]["State"] in ENDED for task in tasks):
            return tasks
        time.sleep(0.3)
    raise Problem(words.SILENT(name=name, seconds=f"{_PATIENCE_S:.0f}"))


def _said(engine: SwarmEngine, task: str) -> dict[str, Any] | None:
    """Its word, which a manager may have a moment after the task's end."""
    deadline = time.monotonic() + _WORD_S
    while (said := last_word(engine, task)) is None and time.monotonic() < deadline:
        time.sleep(0.3)
    return said


def _image(task: Mapping[str, Any]) -> str:
    return str(task["Spec"]["ContainerSpec"]["Image"])
