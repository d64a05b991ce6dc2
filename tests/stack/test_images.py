"""The images: small, whole, and without a trace of what they were built with."""

import hashlib
import json
import re
from collections.abc import Iterator

import pytest

from bundle_world.checkout import ROOT
from stack_world.stack import Stack, docker

# What each may weigh over its base image, in MB: room for an update, not for a mistake.
ROOM = {"api": 190, "calls": 130, "worker": 130, "simulator": 50, "gateway": 60}


@pytest.fixture(params=ROOM)
def image(request: pytest.FixtureRequest, stack: Stack) -> str:
    return stack.image(request.param)


def size(image: str) -> int:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def test_is_small(image: str, stack: Stack) -> None:
    """A compiler or a package cache left behind would show here."""
    name = image.removeprefix("prosaas/").partition(":")[0]
    base = stack.checkout.setting("PYTHON_IMAGE") or "python:3.13-slim-trixie"
    assert size(image) - size(base) < ROOM[name] * 10**6


def test_history_and_settings_hold_no_secret(image: str, stack: Stack) -> None:
    """Whoever gets the image gets no key, no password, no certificate, no address of a package index."""
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    told = history + json.dumps(json.loads(docker("image", "inspect", image))[0]["Config"])
    for path in (stack.checkout.path / "secrets").iterdir():
        assert not path.read_text() or path.read_text() not in told, path.name
    assert not re.search(r"BEGIN CERTIFICATE|index-url|(PASSWORD|SECRET|TOKEN|API_KEY)=\S", told)


def test_build_secret_stays_out(image: str) -> None:
    """The CA bundle of the machine that built it is not in the image."""
    listed = docker("run", "--rm", "--entrypoint", "sh", image, "-c", "ls -A /run/secrets /requirements || true")
    assert listed == ""


def test_runs_without_root_by_itself(image: str) -> None:
    """Platforms that read no compose file get the same account."""
    assert docker("image", "inspect", "--format", "{{.Config.User}}", image).strip() == "10001:10001"


def test_says_which_version_it_is(image: str, stack: Stack) -> None:
    """Only the front door and the simulator do not: new images of them would cut calls for a version not their own."""
    described = json.loads(docker("image", "inspect", image))[0]["Config"]
    wanted = "" if re.search(r"/(gateway|simulator):", image) else stack.checkout.setting("PROSAAS_VERSION")
    assert (described["Labels"] or {}).get("org.opencontainers.image.version", "") == wanted
    if wanted:
        assert f"PROSAAS_VERSION={wanted}" in described["Env"]


# How an image's own code gets at what is not code: each reads every file of its kind, and fails without.
READING = {
    "api": """
from prosaas_core.migrate import _config
from alembic.script import ScriptDirectory
list(ScriptDirectory.from_config(_config()).walk_revisions())""",
    "calls": """
from typing import get_args
from prosaas_calls.prompts import PromptName, prompt
assert all(len(prompt(name, language)) > 8000 for name in get_args(PromptName) for language in ("he", "en"))""",
    "worker": "import prosaas_worker.jobs",
    "simulator": """
from simulator.scenario import Library
from simulator.audio.comfort import recordings
Library().load("demo")
assert all(Library().load(name) for name in Library().names())
assert len(recordings()) == 2""",
    "ops": """
from prosaas_ops.screen.page import page
assert "{" in page("", "")""",
}
LISTING = """
import hashlib, pathlib
for path in sorted(path for path in pathlib.Path("/app").rglob("*") if path.is_file() and path.suffix != ".pyc"):
    print(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to("/app"))
"""


def run_python(image: str, program: str) -> str:
    return docker("run", "--rm", "--network=none", "--entrypoint", "python", image, "-c", program)


def shipped(package: str) -> Iterator[tuple[str, str]]:
    """The files of a package here, as they have to be in an image that has the package."""
    for path in (ROOT / "services" / package).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(path.relative_to(ROOT / "services")), hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", sorted(READING.keys() & ROOM))
def test_every_file_of_its_packages_is_there_as_it_is_here(name: str, stack: Stack) -> None:
    image = stack.image(name)
    rows = [line.split(" ", 1) for line in run_python(image, LISTING).splitlines()]
    listed = {path: digest for digest, path in rows}
    packages = {name.partition("/")[0] for name in listed}
    assert packages
    assert {name: value for package in packages for name, value in shipped(package)} == listed


@pytest.mark.parametrize("name", sorted(READING.keys() & ROOM))
def test_its_own_code_reads_what_is_not_code(name: str, stack: Stack) -> None:
    """Recorded sentences are read when a call needs one: too late to learn that the image has none."""
    run_python(stack.image(name), READING[name])
