"""scripts/run, the door to the tools, with an engine that only notes what it was asked."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bundle_world.checkout import make_checkout
from prosaas_ops.__main__ import COMMANDS

DOCKER = """#!/bin/sh
case $* in
"compose config --services") echo web ;;
"ps --all "*) printf '%b' "${CONTAINERS:-}" ;;
"compose config") printf 'name: "007"\\nservices:\\n  web:\\n' ;;
run\\ *)
    printf 'project [%s] in [%s]\\n' "$COMPOSE_PROJECT_NAME" "$STACK"
    echo "$*" | grep -o 'OPS_OPERATOR=[a-z]*'
    ;;
esac
echo "$*" >>"$NOTED"
"""
IDS = {"root": 0, "dana": 1000}
# What other commands need and no operator types.
INTERNAL = {"live-calls", "drained", "console-check", "console-link", "console-reader"}
ABOUT_OTHERS = {
    "logs", "errors", "levels", "trace", "blackbox", "capture", "log-budget", "debug-api", "debug-calls",
    "debug-worker", "quiet-api", "quiet-calls", "quiet-worker",
}  # fmt: skip


def run(
    tmp_path: Path, command: str, stack: Path | None = None, account: str = "root", settings: str = "", **variables: str
) -> "tuple[subprocess.CompletedProcess[str], str]":
    """What the door says, and what the engine was asked."""
    clone, commands, noted = make_checkout(tmp_path).path, tmp_path / "commands", tmp_path / "noted"
    commands.mkdir()
    (commands / "docker").write_text(DOCKER, "utf-8")
    (commands / "docker").chmod(0o755)
    (commands / "id").write_text(f'#!/bin/sh\n[ "$1" = -un ] && echo {account} || echo {IDS[account]}\n', "utf-8")
    (commands / "id").chmod(0o755)
    (clone / ".env").write_text(f"{settings}\n", "utf-8")
    (tmp_path / "socket").touch()
    noted.touch()
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "NOTED": str(noted)}
    environment |= {"DOCKER_HOST": f"unix://{tmp_path}/socket", **variables}
    done = subprocess.run(
        ["make", command, *([f"STACK={stack}"] if stack else [])],
        cwd=clone, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done, noted.read_text("utf-8")


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - ABOUT_OTHERS - INTERNAL))
def test_what_acts_on_this_stack_is_not_taken_for_another_s(command: str, tmp_path: Path) -> None:
    """`make down STACK=theirs` would stop our own calls."""
    done, asked = run(tmp_path, command, tmp_path)
    assert done.returncode != 0
    assert "about ProSaaS itself" in done.stderr
    assert asked == ""


def test_another_project_may_have_a_space_in_its_path_and_a_number_for_a_name(tmp_path: Path) -> None:
    stack = tmp_path / "their stack"
    stack.mkdir()
    done, _ = run(tmp_path, "levels", stack)
    assert done.returncode == 0, done.stderr
    assert f"project [007] in [{stack}]" in done.stdout


@pytest.mark.parametrize(("account", "named"), [("root", "boris"), ("dana", "dana")])
def test_whoever_used_sudo_is_named_and_nobody_else_by_that_variable(account: str, named: str, tmp_path: Path) -> None:
    """The audit has it."""
    done, _ = run(tmp_path, "levels", tmp_path, account, SUDO_USER="boris")
    assert f"OPS_OPERATOR={named}" in done.stdout


@pytest.mark.parametrize(
    ("containers", "journal", "asks"),
    [
        ("running postgres\\n", True, False),
        ("running postgres\\ncreated worker\\ncreated prosaas-api\\n", True, False),
        ("", True, False),
        ("running postgres\\nexited worker\\n", True, True),
        ("running postgres\\nrunning prosaas-calls\\n", True, True),
        ("running postgres\\n", False, True),
    ],
)
@pytest.mark.parametrize("command", ["status", "ps", "logs", "errors", "calls"])
def test_of_a_start_that_was_stopped_before_anything_of_it_ran_that_is_said_and_nobody_is_asked(
    command: str, containers: str, journal: bool, asks: bool, tmp_path: Path
) -> None:
    """Its database has neither tables nor roles. What has ended has lines, and a database of a restore has calls."""
    state = make_checkout(tmp_path).path / ".state"
    state.mkdir()
    if journal:
        (state / "journal.json").write_text("{}", "utf-8")
    done, asked = run(tmp_path, command, CONTAINERS=containers, OPS_LANG="en")
    assert any(line.startswith("run ") for line in asked.splitlines()) is asks
    told = re.search(
        r"error: nothing of the stack .*runs yet: its start was stopped\n  fix:  make up-prod\n", done.stderr
    )
    assert bool(told) is not asks
    assert (done.returncode == 0) is asks


@pytest.mark.parametrize(
    ("settings", "shell", "told"),
    [
        ("DEMO=1", {}, "1"),
        ('DEMO="1"', {}, "1"),
        ("export DEMO=1", {}, "1"),
        ("DEMO: 1", {}, "1"),
        ("DEMO=1\nDEMO=0", {}, "0"),
        ("#DEMO=1", {}, ""),
        ("DEMO=0", {"DEMO": "1"}, "1"),
    ],
)
def test_who_asks_knows_whether_the_stack_is_a_demo(
    settings: str, shell: dict[str, str], told: str, tmp_path: Path
) -> None:
    """Its figures are those of simulated calls; what the shell says goes before .env, as it does for Compose."""
    done, asked = run(tmp_path, "costs", None, settings=settings, **shell)
    assert done.returncode == 0, done.stderr
    (started,) = [line for line in asked.splitlines() if line.startswith("run ")]
    *_, (_, value) = re.findall(r" --env DEMO(=(\S*))?(?= )", started)
    assert (value or shell.get("DEMO", "")) == told
