"""Jobs of a Swarm that ask other nodes: what they are told is in nobody's way, and what they tell is for us alone."""

import base64
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_world.engine import Docker, frame
from prosaas_core.privacy.person import Person
from prosaas_ops.act import forget, retention
from prosaas_ops.options import Problem
from prosaas_ops.stack import person
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.swarm import SwarmEngine, reach, sealed

NUMBER = "972501112222"


class Nodes(SwarmEngine):
    """Nodes that do what a job says, each in a folder of its own; what a manager stores and shows is noted."""

    def __init__(self, folder: Path, *nodes: str) -> None:
        super().__init__("shop")
        self.folder = folder
        self.known = {
            name: {
                "ID": name,
                "Description": {"Hostname": name},
                "Status": {"State": "ready"},
                "Spec": {"Availability": "active"},
            }
            for name in nodes
        }
        self.secrets: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.shown: list[str] = []
        self.gone: list[str] = []
        self.stack_tasks: list[dict[str, Any]] = []
        self.refuses: str = ""

    def get(self, path: str, **query: object) -> Any:
        if path == "/nodes":
            return list(self.known.values())
        if path == "/services":
            worker = {"Image": "prosaas/worker:1", "User": "10001:10001", "Secrets": ["every other one"]}
            api = {"TaskTemplate": {"ContainerSpec": {"Image": "prosaas/api:1"}}}
            return [
                {"ID": "a", "Spec": {"Name": "shop_prosaas-api", **api}},
                {"ID": "w", "Spec": {"Name": "shop_worker", "TaskTemplate": {"ContainerSpec": worker}}},
                *self.jobs.values(),
            ]
        if path == "/secrets":
            return list(self.secrets.values())
        if path == "/info":
            return {"Swarm": {"NodeID": "manager"}}
        if path == "/tasks" and "service" in str(query):
            return [self._task(node) for node in self.known]
        if path == "/tasks":
            return self.stack_tasks
        return next(task for task in self.stack_tasks if path.endswith(task["ID"]))

    def _task(self, node: str) -> dict[str, Any]:
        state = "rejected" if node == self.refuses else "complete"
        return {
            "ID": f"job-{node}",
            "NodeID": node,
            "Spec": {"ContainerSpec": {"Image": "prosaas/worker:1"}},
            "Status": {"State": state, "Err": "No such image"},
        }

    def post(self, path: str, payload: dict[str, Any] | None = None, **_query: object) -> Any:
        assert payload is not None
        if path == "/secrets/create":
            self.secrets[payload["Name"]] = {
                "Spec": payload,
                "ID": payload["Name"],
                "CreatedAt": "2099-01-01T00:00:00Z",
            }
            return {"ID": payload["Name"]}
        self.jobs[payload["Name"]] = {"Spec": payload, "ID": payload["Name"], "CreatedAt": "2099-01-01T00:00:00Z"}
        self.shown.append(json.dumps(payload))
        return {}

    def delete(self, path: str) -> None:
        self.gone.append(path)
        self.jobs.pop(path.rpartition("/")[2], None)
        self.secrets.pop(path.rpartition("/")[2], None)

    def logs(self, container: Container, since: float | None = None, until: float | None = None) -> Iterator[RawLine]:
        """Run the job's own command, as that node's engine would."""
        node = container.id.removeprefix("job-")
        if node == self.refuses:
            return
        (job,) = self.jobs.values()
        own = job["Spec"]["TaskTemplate"]["ContainerSpec"]
        (secret,) = own["Secrets"]
        home = self.folder / node
        home.mkdir(exist_ok=True)
        (home / "asked").write_bytes(base64.b64decode(self.secrets[secret["SecretName"]]["Spec"]["Data"]))
        _, *options, script = own["Command"]
        script = script.replace("/run/secrets/asked", str(home / "asked"))
        script = script.replace("/var/run/docker.sock", str(self.folder / "docker.sock"))
        here = {
            **os.environ,
            "SPOOL_DIR": str(home),
            "LOG_BLACKBOX": str(home),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PATH": f"{self.folder}:{os.environ['PATH']}",
        }
        done = subprocess.run([sys.executable, *options, script], capture_output=True, text=True, env=here)
        self.shown += [*done.args, done.stdout, done.stderr]
        for line in (*done.stdout.splitlines(), "and a warning behind it"):
            yield RawLine("x", "reach", line)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    (tmp_path / "python").symlink_to(sys.executable)
    made = Nodes(tmp_path, "n1", "n2", "n3")
    for name in made.known:
        (tmp_path / name).mkdir()
        (tmp_path / name / "CA0123456789abcdef.jsonl").write_text(f"said on {name}")
    yield made
    assert (made.jobs, made.secrets) == ({}, {})


def ask(nodes: Nodes, act: str) -> dict[str, str]:
    return person.in_volumes(nodes, Person(NUMBER), {"calls": ["CA0123456789abcdef"]}, act)


def test_every_node_is_asked_also_one_without_a_worker_and_none_loses_what_another_has(nodes: Nodes) -> None:
    """Volumes are their node's, and three services write a recording each of the same call."""
    assert ask(nodes, "show") == {f"{name}/CA0123456789abcdef.jsonl": f"said on {name}" for name in ("n1", "n2", "n3")}
    ask(nodes, "erase")
    assert ask(nodes, "find") == {}


def test_old_files_go_on_every_node_whoever_they_are_about(nodes: Nodes) -> None:
    """A worker's daily job sweeps its own node alone."""
    for name in nodes.known:
        os.utime(nodes.folder / name / "CA0123456789abcdef.jsonl", (1e9,) * 2)
        (nodes.folder / name / "CA2.jsonl").touch()
    keep = {"KEEP_TRANSCRIPTS_DAYS": "90", "KEEP_BLACKBOX_DAYS": "14"}
    assert list(retention._swept(nodes, keep)) == [f"on n{number}: 1 old files removed" for number in (1, 2, 3)]
    left = {path.name for name in nodes.known for path in (nodes.folder / name).glob("*.jsonl")}
    assert left == {"CA2.jsonl"}


def test_whom_it_is_about_and_what_they_said_is_in_no_specification_command_or_log(nodes: Nodes) -> None:
    ask(nodes, "show")
    shown = "\n".join(nodes.shown)
    assert "sealed" in shown
    for word in (NUMBER, "CA0123456789abcdef", "said on"):
        assert word not in shown


def test_the_log_opens_with_the_key_of_its_question_alone(nodes: Nodes) -> None:
    ask(nodes, "show")
    told = [json.loads(text)["sealed"] for text in nodes.shown if text.startswith('{"sealed"')]
    assert len(told) == 3
    for text in told:
        with pytest.raises(zlib.error):
            zlib.decompress(base64.b64decode(text))
        with pytest.raises(ValueError, match="while decompressing"):
            sealed.opened(text, sealed.question()[1])


def test_two_machines_of_one_host_name_are_two(nodes: Nodes) -> None:
    """As those are that were made of one image: what is on the second would be neither exported nor missed."""
    nodes.known["n2"] |= {"Description": {"Hostname": "n1"}}
    assert {*ask(nodes, "show").values()} == {f"said on {name}" for name in ("n1", "n2", "n3")}


@pytest.mark.parametrize("word", ['{"sealed": "AAAA"}', '{"sealed": "not base64"}', '{"sealed": 3}', '{"other": 1}'])
def test_an_answer_that_was_spoiled_is_no_answer(nodes: Nodes, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(Nodes, "logs", lambda *_: [RawLine("x", "reach", word)])
    with pytest.raises(Problem, match=r"the answer of n\d cannot be opened"):
        ask(nodes, "find")


def test_a_node_needs_no_image_that_the_deploy_did_not_look_at_it_with(nodes: Nodes) -> None:
    """Nothing else is sure to be there, and a pull of it would need the registry's password."""
    ask(nodes, "find")
    own = json.loads(nodes.shown[0])["TaskTemplate"]["ContainerSpec"]
    assert (own["Image"], own["User"]) == ("prosaas/api:1", "10001:10001")


def test_the_secret_is_for_the_jobs_user_alone(nodes: Nodes) -> None:
    ask(nodes, "find")
    (secret,) = json.loads(nodes.shown[0])["TaskTemplate"]["ContainerSpec"]["Secrets"]
    assert secret["File"] == {"Name": "asked", "UID": "10001", "GID": "10001", "Mode": 0o400}


@pytest.mark.parametrize("why", [{"Status": {"State": "down"}}, {"Spec": {"Availability": "drain"}}])
def test_a_node_that_cannot_be_asked_is_named_before_anything_changes(nodes: Nodes, why: dict[str, Any]) -> None:
    """Its files are known by ids, which nobody has any more once the rest is forgotten."""
    nodes.known["n2"] |= why
    with pytest.raises(Problem, match="n2 cannot be asked, and may have files"):
        ask(nodes, "erase")
    assert nodes.shown == []


def test_a_node_that_does_not_run_the_job_is_named(nodes: Nodes) -> None:
    nodes.refuses = "n3"
    with pytest.raises(Problem, match=r"n3 could not run prosaas/worker:1: No such image"):
        ask(nodes, "find")


def test_a_node_whose_answer_does_not_come_is_named(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_EVERYWHERE_S", 0.3)
    monkeypatch.setattr(Nodes, "logs", lambda *_: [])
    with pytest.raises(Problem, match=r"n1, n2, n3 does not answer"):
        ask(nodes, "find")


def test_what_a_killed_command_left_goes_with_the_next_one(nodes: Nodes) -> None:
    old = {"ID": "old", "CreatedAt": "2026-01-01T00:00:00.123456789Z"}
    nodes.secrets["old"] = {**old, "Spec": {"Name": "shop_reach_0"}}
    nodes.secrets["own"] = {**old, "ID": "own", "Spec": {"Name": "shop_other"}}
    ask(nodes, "find")
    assert "/secrets/old" in nodes.gone
    assert nodes.secrets.pop("own")


def test_a_command_inside_a_container_of_another_node_is_no_ones_to_read_either(nodes: Nodes, tmp_path: Path) -> None:
    """The job asks that node's engine, which answers in frames."""
    engine = Docker(tmp_path / "docker.sock")
    engine.answers = {
        "/containers/c/exec": (201, b'{"Id": "e"}'),
        "/exec/e/start": (200, frame("said\n") + frame("careful\n", kind=2)),
        "/exec/e/json": (200, b'{"ExitCode": 3}'),
    }
    engine.start()
    nodes.stack_tasks = [stack_task("t1", "running")]
    (found,) = nodes.containers()
    try:
        assert nodes.run(found, "show", "CA0123456789abcdef", PERSON=NUMBER) == (3, "said\n", "careful\n")
    finally:
        engine.close()
    assert not [word for word in (NUMBER, "CA0123456789abcdef", "careful") if word in "\n".join(nodes.shown)]


def stack_task(number: str, state: str, **spec: Any) -> dict[str, Any]:
    return {
        "ID": number,
        "ServiceID": "w",
        "NodeID": "n1",
        "Slot": 1,
        "CreatedAt": "2026-01-01T00:00:00Z",
        "Spec": {"ContainerSpec": {"Image": "prosaas/worker:1"}, **spec},
        "Status": {"State": state, "ContainerStatus": {"ContainerID": "c"}},
    }


def test_the_log_of_a_task_whose_container_is_gone_is_told_without_asking_its_node(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    driver = {"LogDriver": {"Name": "local", "Options": {"max-size": "10m", "max-file": "5"}}}
    nodes.stack_tasks = [stack_task("t1", "shutdown", **driver), stack_task("t2", "running", **driver)]
    told = [row for row in forget.out_of_reach(nodes) if row.startswith("log of")]
    (both,) = told
    assert both.count("worker.1@n1") == 2
    assert all("5 × 10m" in row for row in told)
    assert nodes.shown == []


def test_a_log_that_cannot_be_asked_about_is_one_row_of_what_is_out_of_reach(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All has been erased by then: the rest must be told."""

    def gone(_self: object, _path: str, **_query: object) -> Any:
        raise Problem("No such container")

    engine = Engine("shop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine, "containers", lambda: [Container("c", "worker", "shop-worker-1", "exited", "", "")])
    monkeypatch.setattr(Engine, "get", gone)
    rows = forget.out_of_reach(engine)
    assert rows[0] == "log of shop-worker-1: it could not be asked about (No such container)"
    assert len(rows) > 1


def test_the_operators_own_system_is_out_of_reach_where_there_is_one(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUSINESS_WEBHOOK_URL", raising=False)
    assert "BUSINESS_WEBHOOK_URL" not in "".join(forget.out_of_reach(nodes))
    (tmp_path / ".env").write_text("BUSINESS_WEBHOOK_URL=https://crm.example.com\n")
    assert "BUSINESS_WEBHOOK_URL" in "".join(forget.out_of_reach(nodes))


def test_an_answer_opens_with_the_key_of_its_own_question_alone() -> None:
    content, key = sealed.question(command=["x"])
    assert json.loads(base64.b64decode(content)) == {"command": ["x"], "key": key}
    assert sealed.question()[1] != key
