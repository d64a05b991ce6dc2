"""Deploys that no caller notices: a live call goes on, new callers are answered, webhooks arrive, lines stay."""

import subprocess
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest

from stack_world.stack import Stack, docker, eventually
from stack_world.traffic import Traffic

# Ten calls live and a new one each second are what a machine of two cores carries, with nothing else on it.
pytestmark = [pytest.mark.docker, pytest.mark.alone]


def marked(path: Path, text: str) -> None:
    path.write_text(path.read_text() + f"\n# {text}\n")


def test_a_changed_image_is_noticed_by_no_caller(stack: Stack) -> None:
    """Every service is new afterwards; the old prosaas-calls ends by itself, and its lines can still be read."""
    old = {name: stack.container(name) for name in ("prosaas-api", "prosaas-calls", "worker")}
    for package in ("prosaas_api", "prosaas_calls", "prosaas_worker"):
        marked(stack.checkout.path / f"services/{package}/__init__.py", "changed")
    traffic = Traffic(stack)
    with traffic.flowing():
        done = stack.checkout.run("make", "up-prod", timeout=300)
    traffic.check()
    assert {name: stack.generations(name)[0] for name in old} != old

    def alone() -> str | None:
        return "alone" if len(stack.generations("prosaas-calls")) == 1 else None

    eventually(alone, "the old generation gone", 60)
    # It has ended; what watched over it keeps its lines next, on a machine that has ten calls to carry.
    kept = stack.checkout.path / f".state/lines/prosaas-calls.{old['prosaas-calls'][:12]}.gz"
    eventually(lambda: "kept" if kept.exists() else None, "the lines of the old generation", 60)
    assert "up in" in done.text
    before = docker("ps", "--quiet", f"--filter=label=com.docker.compose.project={stack.project}")
    stack.checkout.compose("up", "--detach")
    assert set(docker("ps", "--quiet", f"--filter=label=com.docker.compose.project={stack.project}").split()) == set(
        before.split()
    )


def test_a_restart_at_debug_is_noticed_by_no_caller(stack: Stack) -> None:
    traffic = Traffic(stack)
    with traffic.flowing():
        stack.checkout.run("make", "restart-calls", "LOG_LEVEL=DEBUG")
    traffic.check()
    stack.checkout.run("make", "restart-calls")


def test_a_second_restart_while_the_first_ones_calls_go_on_cuts_none_of_them(stack: Stack) -> None:
    """Nor does a rollback right after a deploy: what drains already is not asked again."""
    traffic = Traffic(stack)
    with traffic.flowing():
        stack.checkout.run("make", "restart-calls")
        stack.checkout.run("make", "restart-calls")
    traffic.check()


def test_a_release_that_never_becomes_ready_never_gets_a_call(stack: Stack) -> None:
    """The old one goes on as if nothing had happened, and the reason is shown."""
    entry = stack.checkout.path / "services/prosaas_calls/__main__.py"
    text = entry.read_text()
    entry.write_text("raise SystemExit('no calls from me')\n")
    old = stack.generations("prosaas-calls")[0]
    traffic = Traffic(stack)
    try:
        with traffic.flowing():
            done = stack.checkout.run("make", "up-prod", check=False, timeout=300)
    finally:
        entry.write_text(text)
    traffic.check()
    assert "no calls from me" in done.text
    assert stack.generations("prosaas-calls") == [old]


def test_a_changed_front_door_cuts_nobody(stack: Stack) -> None:
    """Its configuration is read in place: the container stays."""
    door = stack.container("gateway")
    path = stack.checkout.path / "deploy/gateway/Caddyfile"
    path.write_text(
        path.read_text().replace("respond 404\n}\n\n{$GATEWAY", "respond 404 {\n\t\tclose\n\t}\n}\n\n{$GATEWAY")
    )
    traffic = Traffic(stack)
    with traffic.flowing():
        stack.checkout.run("make", "up-prod", timeout=300)
    traffic.check()
    assert stack.container("gateway") == door


def test_a_rotated_key_cuts_nobody(stack: Stack) -> None:
    """Only the api holds it: no generation of calls changes for it."""
    calls = stack.generations("prosaas-calls")
    traffic = Traffic(stack)
    with traffic.flowing():
        stack.checkout.run("make", "rotate-secret", "NAME=ADMIN_API_KEY")
    traffic.check()
    assert stack.generations("prosaas-calls") == calls


@pytest.mark.parametrize("step", ["release", "migrate", "renew worker", "renew prosaas-api", "renew prosaas-calls"])
def test_a_deploy_that_is_killed_is_finished_by_the_next(stack: Stack, step: str) -> None:
    """The tools' container dies when the journal names the step; the same command again ends up on one version."""
    marked(stack.checkout.path / "services/prosaas_worker/__init__.py", step)
    running = subprocess.Popen(
        ["make", "up-prod"], cwd=stack.checkout.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    journal = stack.checkout.path / ".state/journal.json"

    def there() -> bool:
        with suppress(FileNotFoundError):
            return f'"{step}"' in journal.read_text()
        return False

    # Some steps are over in a moment.
    while not there():
        assert running.poll() is None, f"the step {step} was not seen"
        sleep(0.01)
    (tools,) = docker(
        "ps", "--quiet", "--filter=label=prosaas.ops.command=up-prod", f"--filter=volume={stack.checkout.path}"
    ).split()
    docker("kill", tools)
    running.wait(60)
    assert journal.exists()
    stack.checkout.run("make", "up-prod", timeout=300)
    assert not journal.exists()
    assert len(stack.generations("worker")) == len(stack.generations("prosaas-api")) == 1
    assert stack.call()["ok"]


def test_a_rollback_brings_the_release_before_back(stack: Stack) -> None:
    before = stack.inspect("worker")["Image"]
    marked(stack.checkout.path / "services/prosaas_worker/__init__.py", "to be taken back")
    stack.checkout.run("make", "up-prod", timeout=300)
    assert stack.inspect("worker")["Image"] != before
    stack.checkout.run("make", "rollback")
    assert stack.inspect("worker")["Image"] == before
    assert stack.call()["ok"]


def test_the_release_before_runs_on_the_schema_of_the_next_one(stack: Stack) -> None:
    """A migration adds and is not taken back; the older images do not know it, and serve calls on it all the same."""
    versions = stack.checkout.path / "services/prosaas_core/migrations/versions"
    newest = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
    (versions / "9999_next.py").write_text(
        f"""from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "{newest}", None, None


def upgrade() -> None:
    op.execute("ALTER TABLE calls ADD COLUMN next text NOT NULL DEFAULT ''")
    op.execute("CREATE TABLE next (id int)")
"""
    )
    try:
        stack.checkout.run("make", "up-prod", timeout=300)
        traffic = Traffic(stack)
        with traffic.flowing():
            stack.checkout.run("make", "rollback", timeout=200)
        traffic.check()
    finally:
        (versions / "9999_next.py").unlink()
    psql = ("psql", "--username=prosaas", "-At", "-c", "SELECT version_num FROM alembic_version")
    assert stack.execute("postgres", *psql).strip() == "9999"
    assert stack.call()["ok"]


def test_a_rotated_call_secret_refuses_nobody(stack: Stack) -> None:
    """Calls that ring while it changes have tokens of the old one; a webhook's trace outlives its container."""
    before = stack.call()["call_sid"]
    traffic = Traffic(stack)
    with traffic.flowing():
        stack.checkout.run("make", "rotate-secret", "NAME=CALL_TOKEN_SECRET", timeout=280)
    traffic.check()
    assert "[VOICE_WEBHOOK]" in stack.checkout.run("scripts/run", "trace", f"CALL={before}").out


def test_a_stop_cuts_nobody_who_is_on_the_phone(stack: Stack) -> None:
    """Not those of a generation that drains already either. It is the last test: nothing runs after it."""
    traffic = Traffic(stack, live=3, every_s=600)
    with traffic.flowing():
        stack.checkout.run("make", "restart-calls")
        newer = Traffic(stack, live=3, every_s=600)
        with newer.flowing():
            done = stack.checkout.run("make", "down", timeout=300)
    assert "calls of the generation before go on" in done.text
    assert (len(traffic.calls), traffic.cut, len(newer.calls), newer.cut) == (3, [], 3, [])
    assert stack.checkout.compose("ps", "--quiet").out == ""
