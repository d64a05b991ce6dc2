"""A manager that answers from what a test says is there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.swarm import SwarmEngine


class Manager(SwarmEngine):
    """The engine's answers by path; what a task wrote by its id."""

    def __init__(self) -> None:
        super().__init__("shop")
        self.answers: dict[str, Any] = {
            "/info": {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True, "NodeID": "n1"}},
            "/nodes": [],
            "/services": [],
            "/tasks": [],
        }
        self.lines: dict[str, str] = {}

    def get(self, path: str, **query: object) -> Any:
        answer = self.answers[path]
        if path == "/tasks" and "service" in (asked := json.loads(str(query.get("filters", "{}")))):
            return [task for task in answer if task["ServiceID"] in asked["service"]]
        return (
            [row for row in answer if path != "/tasks" or row["ServiceID"] != "shop_preflight"]
            if isinstance(answer, list)
            else answer
        )

    def logs(self, container: Any, since: float | None = None, until: float | None = None) -> Iterator[RawLine]:
        return (RawLine("", container.service, line) for line in self.lines[container.id].splitlines())

    def node(self, number: str, name: str, *, state: str = "ready", engine: str = "26.1.5", **labels: str) -> None:
        """One more node, with 4 GB."""
        named = {f"prosaas.{key}": value for key, value in labels.items()}
        self.answers["/nodes"].append(
            {
                "ID": number,
                "Description": {
                    "Hostname": name,
                    "Engine": {"EngineVersion": engine},
                    "Resources": {"MemoryBytes": 4 << 30},
                },
                "Status": {"State": state, "Addr": "10.0.0.1"},
                "Spec": {
                    "Availability": "active",
                    "Labels": named,
                },
            }
        )

    def task(self, number: str, service: str, node: str, state: str, **more: Any) -> dict[str, Any]:
        """One more task of a service, as it was made from the image `one`."""
        made = {
            "ID": number,
            "ServiceID": service,
            "NodeID": node,
            "Slot": 1,
            "DesiredState": more.pop("desired", "running"),
            "CreatedAt": "2026-01-01T00:00:00Z",
            "UpdatedAt": f"2026-01-01T00:00:{len(self.answers['/tasks']):02}Z",
            "Status": {"State": state, "Timestamp": "2026-01-01T00:00:01Z", **more.pop("status", {})},
            "Spec": {"ContainerSpec": {"Image": more.pop("image", "one")}, "ForceUpdate": more.pop("force", 0)},
        }
        self.answers["/tasks"].append(made)
        return made

    def service(self, name: str, replicas: int = 1, **more: Any) -> dict[str, Any]:
        """One more service, which is to run the image `one`."""
        made: dict[str, Any] = {
            "ID": name,
            "Spec": {
                "Name": f"shop_{name}",
                "Mode": {"Global": {}} if replicas == 0 else {"Replicated": {"Replicas": replicas}},
                "TaskTemplate": {"ContainerSpec": {"Image": "one"}, "ForceUpdate": 0},
            },
            **more,
        }
        self.answers["/services"].append(made)
        return made


@pytest.fixture
def manager() -> Manager:
    return Manager()
