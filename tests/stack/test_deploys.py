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


def test_changed_images_and_a_changed_front_door_are_noticed_by_no_caller(stack: Stack) -> None:
    """Every service is new afterwards; the old prosaas-calls ends by itself, and its lines can still be read.

    What the front door is told is read in place: its container stays.
    """
    old = {name: stack.container(name) for name in ("prosaas-api", "prosaas-calls", "worker")}
    door = stack.container("gateway")
    path = stack.checkout.path / "deploy/gateway/Caddyfile"
    before = path.read_text()
    path.write_text(before.replace("respond 404\n}\n\n{$GATEWAY", "respond 404 {\n\t\tclose\n\t}\n}\n\n{$GATEWAY"))
    assert path.read_text() != before
    for package in ("prosaas_api", "prosaas_calls", "prosaas_worker"):
        marked(stack.checkout.path / f"services/{package}/__init__.py", "changed")
    traffic = Traffic(stack, opens_ms=1000)
    with traffic.flowing():
        done = stack.checkout.run("make", "up-prod", timeout=300)
    traffic.check()
    assert not {stack.generations(name)[0] for name in old} & set(old.values())
    assert stack.container("gateway") == door

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


def test_a_restart_at_debug_and_the_one_back_are_noticed_by_no_caller(stack: Stack) -> None:
    """The second comes while calls of the first go on, as a rollback after a deploy: what drains is not asked again."""
    before = stack.generations("prosaas-calls")[0]
    traffic = Traffic(stack)
    with traffic.flowing():
        stack.checkout.run("make", "restart-calls", "LOG_LEVEL=DEBUG")
        assert before in stack.generations("prosaas-calls")[1:]
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
    assert stack.generations("prosaas-calls")[0] == old


def test_rotated_secrets_cut_and_refuse_nobody(stack: Stack) -> None:
    """A key that only the api holds leaves the calls' generation alone; that of the streams' tokens changes both.

    Calls that ring meanwhile have tokens of the old one; a webhook's trace outlives its container.
    """
    before = stack.call()["call_sid"]
    calls = stack.generations("prosaas-calls")[0]
    traffic = Traffic(stack)
    with traffic.flowing():
        stack.checkout.run("make", "rotate-secret", "NAME=ADMIN_API_KEY")
        assert stack.generations("prosaas-calls")[0] == calls
        stack.checkout.run("make", "rotate-secret", "NAME=CALL_TOKEN_SECRET", timeout=280)
    traffic.check()
    assert stack.generations("prosaas-calls")[0] != calls
    assert "[VOICE_WEBHOOK]" in stack.checkout.run("scripts/run", "trace", f"CALL={before}").out


@pytest.mark.timeout(600)
def test_a_deploy_that_is_killed_is_gone_on_with_by_the_next(stack: Stack) -> None:
    """At one step after the other, each time by the same command, until it ends up on one version."""
    before = stack.inspect("worker")["Image"]
    marked(stack.checkout.path / "services/prosaas_worker/__init__.py", "killed")
    for step in ("release", "migrate", "renew worker", "renew prosaas-api", "renew prosaas-calls"):
        deploy_until_killed_at(stack, step)
    stack.checkout.run("make", "up-prod", timeout=300)
    assert not (stack.checkout.path / ".state/journal.json").exists()
    assert stack.inspect("worker")["Image"] != before
    assert len(stack.generations("worker")) == len(stack.generations("prosaas-api")) == 1
    assert stack.call()["ok"]


def deploy_until_killed_at(stack: Stack, step: str) -> None:
    """The tools' container dies when the journal names the step."""
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
    assert f'"{step}"' in journal.read_text()


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
