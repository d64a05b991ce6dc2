"""A panel that deploys from git: a clone, variables, `docker compose up -d`, and no make."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle_world.checkout import ROOT, Checkout, make_checkout
from ports import free_port
from postgres_world import docker
from stack_world.stack import Stack, remove

pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]
FILES = "docker-compose.yml:docker-compose.prod.yml"
PANEL = f"{FILES}:deploy/overlays/panel.yml"
# Without these Compose refuses every command, `down` too.
NEEDED = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "POSTGRES_PASSWORD", "ADMIN_API_KEY")


@pytest.fixture
def clone() -> Iterator[Checkout]:
    """As git leaves it: no .env, no secrets, no state."""
    target = ROOT / "logs" / f"prosaas-test-panel-{free_port()}"
    target.mkdir(parents=True)
    made = make_checkout(target)
    yield made
    remove(made, COMPOSE_FILE=PANEL, **dict.fromkeys(NEEDED, "x"))
    assert docker("volume", "ls", "--quiet", f"--filter=label=com.docker.compose.project={target.name}") == ""


def test_a_fresh_clone_says_what_to_run_first(clone: Checkout) -> None:
    """In one line, and before anything is made."""
    for files in ("docker-compose.yml", FILES, PANEL):
        done = clone.compose("up", "--detach", check=False, COMPOSE_FILE=files)
        assert done.code
        assert len(done.err.strip().splitlines()) == 1
        assert "is missing a value: run make up-prod first" in done.err
    assert clone.run("docker", "volume", "ls", "--quiet", f"--filter=name={clone.path.name}").out == ""


@pytest.mark.alone
def test_a_panel_needs_nothing_but_variables(clone: Checkout) -> None:
    """The demo answers a call; `down` and `up` again find the same database."""
    # What every panel has on its own: images to build on, and an authority that this machine's network may need.
    bases = dict(line.split("=", 1) for line in clone.run("scripts/base-image.sh").out.split())
    variables: Any = bases | {
        "CA_BUNDLE": Checkout(ROOT).setting("CA_BUNDLE") or "/dev/null",
        "COMPOSE_FILE": PANEL,
        "COMPOSE_PROFILES": "demo",
        "DEMO": "1",
        "API_PORT": str(free_port()),
        "POSTGRES_PASSWORD": "onlyLettersAndDigits1",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "of-the-demo",
        "ADMIN_API_KEY": "chosen-by-whoever-deploys",
    }
    stack = Stack(clone, clone.path.name)
    for calls in (1, 2):
        clone.compose("up", "--detach", "--wait", timeout=300, **variables)
        assert stack.call()["ok"]
        psql = ("psql", "--username=prosaas", "-At", "-c", "SELECT count(*) FROM calls WHERE end_reason IS NOT NULL")
        assert stack.execute("postgres", *psql).strip() == str(calls)
        clone.compose("--profile", "*", "down", **variables)
    assert not (clone.path / ".env").exists()
    assert not (clone.path / "secrets").exists()


def test_every_secret_of_the_stack_can_be_a_variable(clone: Checkout) -> None:
    """A secret file that the overlay forgets would be missing in a clone: nothing but image builds uses one."""
    variables: Any = dict.fromkeys(NEEDED, "x") | {"COMPOSE_FILE": PANEL}
    printed = clone.compose("--profile=demo", "config", "--format=json", **variables).out
    for name, service in json.loads(printed)["services"].items():
        assert not service.get("secrets"), name
        files = {key: value for key, value in service["environment"].items() if key.endswith("_FILE")}
        assert not any(Path(value or "").is_relative_to("/run/secrets") for value in files.values()), name
