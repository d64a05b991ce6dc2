"""The examples of docs/adoption.md, run as they stand: existing services that logging was brought into."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ports import free_port

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SERVICES = Path(__file__).parents[2] / "services"

Line = dict[str, Any]
Serve = Callable[..., "Service"]


class Service:
    """A running example; its lines are collected as they come."""

    def __init__(self, folder: str, command: list[str], environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=EXAMPLES / folder,
            env={**environ, "LOG_JSON": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.lines: list[Line] = []
        self.strangers: list[bytes] = []
        self._collector = threading.Thread(target=self._collect)
        self._collector.start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.strangers.append(line)

    def stop(self) -> list[Line]:
        """End it as an orchestrator would, and return every line; each was valid JSON."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait()

    def wait(self) -> list[Line]:
        """Let it end by itself."""
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._collector.join(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert self.strangers == []
        return self.lines


@pytest.fixture
def serve(program_environ: dict[str, str]) -> Iterator[Serve]:
    started: list[Service] = []

    def start(folder: str, *command: str, **environ: str) -> Service:
        service = Service(folder, [sys.executable, *command], {**program_environ, **environ})
        started.append(service)
        return service

    yield start
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
        service.wait()


def get(port: int, path: str, timeout: float = 60) -> int:
    """The status of an answer; waits for a server that is not there yet."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"X-Request-ID": "r1"})
    deadline = time.monotonic() + timeout
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as refused:
            return refused.code
        except (OSError, urllib.error.URLError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def check(lines: list[Line], service: str, text: str, scope: str) -> None:
    """What every example shows: own lines with fields and scope, prints as events, errors whole, libraries quiet."""
    assert {line["service"] for line in lines} == {service}
    (own,) = [line for line in lines if line["message"] == text]
    assert (own["severity"], own["order"]) == ("INFO", "7")
    assert scope in own
    (printed,) = [line for line in lines if line.get("event") == "STDOUT"]
    assert printed["message"] == "a print that somebody left behind"
    failures = [line for line in lines if "error" in line and line["error"].get("kind") == "ZeroDivisionError"]
    assert failures
    assert all(line["severity"] == "ERROR" for line in failures)
    assert failures[0]["error"]["stack"].rstrip().endswith("ZeroDivisionError: division by zero")
    assert not [line for line in lines if line["severity"] == "DEBUG"]
    noise = [line["message"] for line in lines if line["severity"] == "INFO" and line not in (own, printed)]
    assert noise == []


def test_flask_under_gunicorn(serve: Serve, tmp_path: Path) -> None:
    port = free_port()
    service = serve("flask_gunicorn", "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "shop:app")
    assert get(port, "/order/7") == 200
    assert get(port, "/fail") == 500
    check(service.stop(), "shop", "order shown", "request_id")


def test_fastapi_under_uvicorn_with_workers(serve: Serve, tmp_path: Path) -> None:
    port = free_port()
    service = serve("fastapi_uvicorn", "shop.py", PORT=str(port))
    assert get(port, "/order/7") == 200
    assert get(port, "/fail") == 500
    check(service.stop(), "shop", "order shown", "request_id")


# RQ's worker as it stands, on a Redis in its own memory; the process forked for each job works on a copy of that.
RQ = """
import runpy
import fakeredis, redis
from rq import Queue
connection = fakeredis.FakeRedis()
redis.Redis.from_url = lambda url: connection
queue = Queue("default", connection=connection)
queue.enqueue("jobs.bill", "7")
queue.enqueue("jobs.fail", "8")
runpy.run_path("worker.py", run_name="__main__")
"""


def test_rq_with_a_process_for_each_job(serve: Serve, tmp_path: Path) -> None:
    lines = serve("rq_worker", "-c", RQ, BURST="1").wait()
    check(lines, "billing", "billed", "job_id")
    recorded = [file.read_text() for file in (tmp_path / "blackbox").iterdir()]
    assert len(recorded) == 1
    assert "adding up" in recorded[0]


def test_celery_with_its_forked_workers(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = {"BROKER_URL": "filesystem://", "BROKER_FOLDER": str(folder)}
    ask = "import tasks; tasks.bill.delay('7'); tasks.fail.delay('8')"
    subprocess.run(
        [sys.executable, "-c", ask],
        cwd=EXAMPLES / "celery_worker",
        env={**os.environ, **broker, "PYTHONPATH": str(SERVICES)},
        check=True,
    )
    service = serve(
        "celery_worker",
        "-m",
        "celery",
        "-q",
        "-A",
        "tasks",
        "worker",
        "--concurrency",
        "2",
        "--without-gossip",
        **broker,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = list(service.lines)
        if any("error" in line for line in lines) and any(line["message"] == "billed" for line in lines):
            break
        time.sleep(0.05)
    check(service.stop(), "billing", "billed", "job_id")
