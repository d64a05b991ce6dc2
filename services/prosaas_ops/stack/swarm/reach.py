"""Asks other nodes of a Swarm, by a job there: their engines answer their own machine alone."""

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import SOCKET, Container, Engine
from prosaas_ops.stack.swarm import sealed
from prosaas_ops.stack.swarm.tasks import CONTENTS, ENDED, container_of, node_name
from prosaas_ops.texts import swarm as words

_ONE_NODE_S = 20.0
# The nodes of one question have so long, a first pull of the image included.
_EVERYWHERE_S = 120.0
# Nobody waits any more for a job of that age: whoever asked was killed.
_LEFT_S = 600.0


def beside(engine: Engine, task: dict[str, Any], wanted: dict[str, Any] | None) -> dict[str, Any]:
    """What the engine of its node answers about the task's container: what came of an exec in it, or what it is.

    The job is of the task's own image: that is there already.
    """
    own = {
        "Image": task["Spec"]["ContainerSpec"]["Image"],
        "Command": sealed.BESIDE,
        "User": "0:0",
        "ReadOnly": True,
        "CapabilityDrop": ["ALL"],
        "Mounts": [{"Type": "bind", "Source": SOCKET, "Target": SOCKET}],
    }
    job = {
        "TaskTemplate": {
            "ContainerSpec": own,
            "Placement": {"Constraints": [f"node.id=={task['NodeID']}"]},
        },
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
    }
    question = {"container": container_of(task), "exec": wanted}
    (told,) = _asked(engine, job, {task["NodeID"]}, _ONE_NODE_S, question).values()
    return told


def instead(
    engine: Engine, own: dict[str, Any], nodes: set[str], question: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """By node what came of a command in the place of a service's process, in a container as `own` describes it."""
    job = {
        "TaskTemplate": {"ContainerSpec": {**own, "Command": sealed.INSTEAD, "Args": []}},
        "Mode": {"GlobalJob": {}},
    }
    return _asked(engine, job, nodes, _EVERYWHERE_S, question)


def last_word(engine: Engine, task: str) -> dict[str, Any] | None:
    """The JSON object that was the last word of an ended task; None as long as the manager has none of it."""
    for line in reversed([*engine.logs(Container(task, "reach", task, "exited", "", ""))]):
        with suppress(ValueError):
            if isinstance(told := json.loads(line.text), dict):
                return told
    return None


def _asked(
    engine: Engine, job: dict[str, Any], nodes: set[str], patience_s: float, question: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """By node what a job answers the question there; nothing of either is left."""
    _clear(engine)
    name = f"{engine.project}_reach_{secrets.token_hex(4)}"
    content, key = sealed.question(**question)
    # A killed command's secret goes with the next deploy's contents at the latest.
    labels = {CONTENTS: engine.project}
    secret = engine.post("/secrets/create", {"Name": name, "Data": content, "Labels": labels})["ID"]
    try:
        template = job["TaskTemplate"]
        uid, _, gid = str(template["ContainerSpec"].get("User") or "0").partition(":")
        file = {"Name": sealed.TARGET, "UID": uid, "GID": gid or uid, "Mode": 0o400}
        container = {
            **template["ContainerSpec"],
            "Healthcheck": {"Test": ["NONE"]},
            "Secrets": [{"SecretID": secret, "SecretName": name, "File": file}],
        }
        own = {
            **template,
            "ContainerSpec": container,
            "RestartPolicy": {"Condition": "none"},
            "LogDriver": {"Name": "json-file"},
        }
        engine.post("/services/create", {**job, "Name": name, "TaskTemplate": own})
        return _answers(engine, name, key, nodes, patience_s)
    finally:
        engine.delete(f"/services/{name}")
        engine.delete(f"/secrets/{secret}")


def _answers(engine: Engine, name: str, key: str, nodes: set[str], patience_s: float) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        time.sleep(0.1)
        for job in engine.get("/tasks", filters=json.dumps({"service": [name]})):
            node, status = job.get("NodeID", ""), job["Status"]
            if node not in nodes - {*found} or status["State"] not in ENDED:
                continue
            if told := last_word(engine, job["ID"]):
                try:
                    found[node] = sealed.opened(told.get("sealed"), key)
                except ValueError:
                    raise Problem(words.SPOILED(node=_named(engine, node))) from None
            elif status["State"] != "complete":
                image, why = job["Spec"]["ContainerSpec"]["Image"], status.get("Err") or words.ITS_END
                raise Problem(words.NO_IMAGE(node=_named(engine, node), image=image, why=why))
        if found.keys() == nodes:
            return found
    silent = ", ".join(sorted(_named(engine, node) for node in nodes - {*found}))
    raise Problem(words.NO_ANSWER(name=silent, seconds=f"{patience_s:.0f}"))


def _named(engine: Engine, node: str) -> str:
    return next(node_name(row) for row in engine.get("/nodes") if row["ID"] == node)


def _clear(engine: Engine) -> None:
    """Take away what a command that was killed left of its question."""
    beginning = f"{engine.project}_reach_"
    for kind in ("services", "secrets"):
        for row in engine.get(f"/{kind}", filters=json.dumps({"name": [beginning]})):
            if row["Spec"]["Name"].startswith(beginning) and _age_s(row["CreatedAt"]) > _LEFT_S:
                engine.delete(f"/{kind}/{row['ID']}")


def _age_s(stamp: str) -> float:
    return time.time() - datetime.fromisoformat(stamp).timestamp()
