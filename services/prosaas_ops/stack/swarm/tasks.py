"""What a manager says of its nodes and tasks, in the words of the stack: a task is a container with a place."""

from datetime import datetime
from typing import Any

from prosaas_ops.stack.engine import AWAY, Container
from prosaas_ops.texts import swarm as words

# Of secrets and configs: `docker stack rm` takes those with its own label, and what can be gone back to with them.
CONTENTS = "prosaas.contents"
# What a task says of itself once nothing of it runs.
ENDED = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")
_STATES = {"running": "running", "starting": "created"}


def node_name(node: dict[str, Any]) -> str:
    """Its host name."""
    return str(node["Description"]["Hostname"])


def is_away(node: dict[str, Any]) -> bool:
    """Whether its engine does not answer the managers."""
    return bool(node["Status"]["State"] != "ready")


def takes_jobs(node: dict[str, Any]) -> bool:
    """Whether a job comes to run there."""
    return bool(not is_away(node) and node["Spec"]["Availability"] == "active")


def container_of(task: dict[str, Any]) -> str:
    """The id that its container has on its node, empty where there is none."""
    return str(task["Status"].get("ContainerStatus", {}).get("ContainerID", ""))


def version_of(image: str) -> str:
    """What is after the name: a tag, or the beginning of a digest."""
    name, _, digest = image.partition("@")
    return name.rpartition("/")[2].partition(":")[2] or digest[7:19]


def as_container(task: dict[str, Any], service: str, node: dict[str, Any] | None) -> Container:
    """The task as a container of the service. Of a node that is away nobody knows what runs there."""
    status = task["Status"]
    image = str(task["Spec"]["ContainerSpec"]["Image"])
    place = f"{task.get('Slot') or ''}@{node_name(node) if node else '?'}"
    ended = status["State"] in ENDED
    state, told = _STATES.get(status["State"], "exited" if ended else "created"), str(status["State"])
    if node and is_away(node) and not ended:
        state, told = AWAY, str(words.ITS_NODE_AWAY)
    return Container(
        id=str(task["ID"]),
        service=service,
        name=f"{service}.{place}",
        state=state,
        image=image,
        status=f"{told} {status.get('Err', '')}".strip(),
        created=int(datetime.fromisoformat(task["CreatedAt"]).timestamp()),
        version=version_of(image),
        place=place,
    )
