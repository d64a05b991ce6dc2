"""The images that the tests of deployments run, built from this checkout."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from bundle_world.checkout import ROOT
from stack_world.stack import prepare, remove


@pytest.fixture(scope="session")
def image() -> Iterator[Callable[[str], str]]:
    """The name of an image by that of its service: api, calls or worker."""
    checkout, project = prepare()
    try:
        files = "docker-compose.yml:docker-compose.prod.yml"
        checkout.compose("build", "--quiet", "prosaas-api", "prosaas-calls", "worker", COMPOSE_FILE=files)
        yield lambda name: f"prosaas/{name}:{project}"
    finally:
        remove(checkout)


@pytest.fixture(scope="session")
def watchers() -> dict[str, str]:
    """The images by their settings, made as `make up-prod` makes them where they are not here."""
    command = ["scripts/base-image.sh"]
    environ = os.environ | {"MONITORING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


SERVER = """
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE}
ARG PACKAGE
RUN --mount=type=secret,id=ca \\
    if [ -s /run/secrets/ca ]; then echo 'Acquire::https::CaInfo "/run/secrets/ca";' >/etc/apt/apt.conf.d/99ca; fi \\
    && apt-get update -qq \\
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$PACKAGE" >/dev/null
"""


@pytest.fixture(scope="session")
def python_image() -> str:
    """What our images are made on, which `make setup` has noted."""
    recorded = (ROOT / ".env").read_text("utf-8") if (ROOT / ".env").exists() else ""
    settings = dict(line.split("=", 1) for line in recorded.splitlines() if "=" in line)
    return os.environ.get("PYTHON_IMAGE") or settings.get("PYTHON_IMAGE", "python:3.13-slim-trixie")


@pytest.fixture
def server(python_image: str) -> Iterator[Callable[[str, Path, list[str]], tuple[str, int]]]:
    """Starts a package of Debian's with a configuration of ours; its container, and where port 601 of it is reached."""
    started = []

    def start(package: str, configuration: Path, command: list[str]) -> tuple[str, int]:
        name = f"prosaas-deploy-{package}-{token_hex(4)}"
        build = ["docker", "build", "--quiet", f"--tag={name}", f"--build-arg=PACKAGE={package}"]
        build += [
            f"--build-arg=PYTHON_IMAGE={python_image}",
            "--secret=id=ca,src=/etc/ssl/certs/ca-certificates.crt",
            "-",
        ]
        started.append(name)
        subprocess.run(build, input=SERVER, text=True, check=True, timeout=300, stdout=subprocess.DEVNULL)
        run = ["docker", "run", "--detach", f"--name={name}", "--publish=127.0.0.1::601"]
        run += [f"--volume={configuration}:/etc/collector.conf:ro", name, *command]
        subprocess.run(run, check=True, timeout=60, stdout=subprocess.DEVNULL)
        port = subprocess.run(["docker", "port", name, "601"], capture_output=True, text=True, check=True).stdout
        return name, int(port.strip().rpartition(":")[2])

    yield start
    for name in started:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
        subprocess.run(["docker", "image", "rm", name], check=False, capture_output=True)
