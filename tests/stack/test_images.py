"""The images: small, and without a trace of what they were built with."""

import json
import re

import pytest

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
