"""What runs where there is no Compose: only variables, a port and a signal; no volume, no file of settings."""

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError

import pytest

from bundle_world.checkout import ROOT, make_checkout
from ports import free_port
from postgres_world import docker
from stack_world.images import python_base

SERVICES = ("api", "calls", "worker")
PRODUCTION = dict(line.split("=", 1) for line in (ROOT / "env/prod.env").read_text().splitlines() if line[:1].isalpha())
VARIABLES = {
    **PRODUCTION,
    "PUBLIC_URL": "https://api.example.com",
    "TWILIO_AUTH_TOKEN": "not-a-secret",
    "DEMO": "1",
    "LOG_BLACKBOX": "stdout",
    "DRAIN_SECONDS": "5",
}
Run = Callable[..., str]


def answer(port: int, path: str, seconds: float = 30) -> int:
    """The status of GET *path* once somebody answers on *port*."""
    deadline = monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as response:
                return int(response.status)
        except (URLError, ConnectionError):
            assert monotonic() < deadline, f"nobody is well on port {port} in {seconds:.0f} s"
            sleep(0.1)


@pytest.fixture
def container() -> Iterator[Run]:
    """Runs an image as a platform does, on this machine's network, and removes it afterwards."""
    name = f"prosaas-platform-{uuid.uuid4().hex[:8]}"

    def run(image: str, port: int, database_url: str, *command: str) -> str:
        variables = VARIABLES | {"PORT": str(port), "DATABASE_URL": database_url}
        options = [f"--env={key}={value}" for key, value in variables.items()]
        docker("run", "--detach", "--network=host", f"--name={name}", *options, image, *command)
        return name

    yield run
    subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)


@pytest.mark.docker
@pytest.mark.parametrize("stop", ["TERM", "INT"])
@pytest.mark.parametrize("service", SERVICES)
def test_an_image_needs_only_variables(
    service: str, stop: str, container: Run, image: Callable[[str], str], database_url: str
) -> None:
    """It listens on the platform's port, says so on its output, and ends well at either signal."""
    port = free_port()
    name = container(image(service), port, database_url)
    assert answer(port, "/readyz") == 200
    docker("kill", f"--signal={stop}", name)
    assert docker("wait", name).strip() == "0"
    said = docker("logs", name)
    assert re.search(r"^\[INFO\] \S+ \[(SERVICE|WORKER)_START\]", said, re.MULTILINE)
    assert "[SERVICE_STOP]" in said


@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.parametrize("service", SERVICES)
def test_the_platforms_dockerfile_makes_a_service(
    service: str, container: Run, database_url: str, tmp_path: Path
) -> None:
    """Built the way a platform does: from the root, without targets, cache mounts or secrets."""
    tag = f"prosaas-platform:{uuid.uuid4().hex[:8]}"
    base = python_base(f"{tag}-base", tmp_path)
    try:
        arguments = [f"--build-arg=PYTHON_IMAGE={base}", f"--build-arg=SERVICE={service}", f"--tag={tag}"]
        docker("build", "--quiet", "--file", str(ROOT / "deploy/Dockerfile"), *arguments, str(ROOT))
        port = free_port()
        start = json.loads((ROOT / f"deploy/railway/{service}.json").read_text())["deploy"]["startCommand"]
        name = container(tag, port, database_url, *start.split())
        assert answer(port, "/readyz") == 200
        assert docker("exec", name, "logctl", "status")
        assert docker("exec", name, "ls", "/app").split() == sorted(
            ["prosaas_core", "prosaas_logging", f"prosaas_{service}"]
        )
        docker("rm", "--force", name)
    finally:
        subprocess.run(["docker", "rmi", "--force", tag, f"{tag}-base"], capture_output=True, check=False)


@pytest.mark.postgres
@pytest.mark.parametrize("service", SERVICES)
def test_a_platform_with_its_own_python_starts_a_service(service: str, database_url: str, tmp_path: Path) -> None:
    """As Replit does it: the command and the variables of .replit, the service by its name, a managed database.

    This interpreter stands where `deploy/run.sh build` puts one.
    """
    clone = make_checkout(tmp_path / "clone").path
    python = clone / f".deploy/{service}/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', "utf-8")
    python.chmod(0o755)
    replit = tomllib.loads((clone / ".replit").read_text(encoding="utf-8"))
    port = free_port()
    environ = VARIABLES | replit["env"] | {"PORT": str(port), "SERVICE": service, "DATABASE_URL": database_url}
    environ |= {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    start = replit["deployment"]["run"]
    with subprocess.Popen(start, cwd=clone, env=environ, stdout=subprocess.PIPE, text=True) as one:
        try:
            assert answer(port, "/readyz") == 200
        finally:
            one.send_signal(signal.SIGTERM)
            said, _ = one.communicate(timeout=30)
    assert one.returncode == 0
    assert "_START]" in said
    assert (clone / ".deploy/spool").is_dir()


@pytest.mark.parametrize("words", [["deploy/run.sh"], ["deploy/run.sh", "stop"]])
def test_the_starter_says_how_it_is_used(words: list[str]) -> None:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: SERVICE=api|calls|worker deploy/run.sh build|start\n")


def test_the_starter_refuses_a_service_that_is_none() -> None:
    environ = {"PATH": os.environ["PATH"], "SERVICE": "postgres"}
    done = subprocess.run(
        ["deploy/run.sh", "start"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "error: SERVICE=postgres is none of api, calls, worker\n")


def test_replit_logs_as_production_does() -> None:
    replit = tomllib.loads((ROOT / ".replit").read_text(encoding="utf-8"))
    assert replit["env"].items() >= PRODUCTION.items()
    assert int(replit["env"]["PORT"]) == replit["ports"][0]["localPort"]


@pytest.mark.parametrize("service", SERVICES)
def test_railway_builds_and_starts_what_is_here(service: str) -> None:
    """Railway refuses a number in quotes, and a file that names what does not exist."""
    config = json.loads((ROOT / f"deploy/railway/{service}.json").read_text(encoding="utf-8"))
    build, deploy = config["build"], config["deploy"]
    assert (ROOT / build["dockerfilePath"]).is_file()
    assert build["builder"] == "DOCKERFILE"
    for pattern in build["watchPatterns"]:
        assert (ROOT / pattern.strip("/").removesuffix("/**")).exists(), pattern
    assert deploy["startCommand"] == f"python -m prosaas_{service}"
    assert deploy["healthcheckPath"] == "/readyz"
    for name in ("healthcheckTimeout", "overlapSeconds", "drainingSeconds"):
        assert isinstance(deploy[name], int), name


def test_only_one_service_migrates_on_railway() -> None:
    configs = {name: json.loads((ROOT / f"deploy/railway/{name}.json").read_text()) for name in SERVICES}
    commands = {name: config["deploy"].get("preDeployCommand") for name, config in configs.items()}
    assert commands == {"api": ["python -m prosaas_core.migrate"], "calls": None, "worker": None}


def test_railway_waits_longer_for_calls_than_the_service_does() -> None:
    from prosaas_core.settings import Settings

    config = json.loads((ROOT / "deploy/railway/calls.json").read_text())
    assert config["deploy"]["drainingSeconds"] >= Settings.model_fields["drain_seconds"].default + 30
