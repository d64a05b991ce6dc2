"""scripts/run, the door to the tools, with an engine that only notes what it was asked."""

import os
import re
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bundle_world.checkout import ROOT, make_checkout
from prosaas_ops.__main__ import COMMANDS
from stack_world.stack import eventually

DOCKER = """#!/bin/sh
case $* in
"compose config --services") echo web ;;
"ps --all "*) printf '%b' "${CONTAINERS:-}" ;;
"compose config") printf 'name: "007"\\nservices:\\n  web:\\n' ;;
*"up --no-deps"*)
    exec 2>/dev/null
    trap 'echo ended >>"$NOTED"; exit 130' INT TERM HUP
    echo serves >>"$NOTED"
    until grep -q "console stop console" "$NOTED"; do sleep 0.1; done
    echo ended >>"$NOTED"
    exit 130
    ;;
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


def prepared(tmp_path: Path, account: str = "root", settings: str | None = "") -> tuple[Path, dict[str, str]]:
    """A clone, and the environment in which its door finds that engine."""
    clone, commands, noted = make_checkout(tmp_path).path, tmp_path / "commands", tmp_path / "noted"
    commands.mkdir(exist_ok=True)
    (commands / "docker").write_text(DOCKER, "utf-8")
    (commands / "docker").chmod(0o755)
    (commands / "id").write_text(f'#!/bin/sh\n[ "$1" = -un ] && echo {account} || echo {IDS[account]}\n', "utf-8")
    (commands / "id").chmod(0o755)
    if settings is not None:
        (clone / ".env").write_text(f"{settings}\n", "utf-8")
    (tmp_path / "socket").touch()
    noted.touch()
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "NOTED": str(noted)}
    return clone, environment | {"DOCKER_HOST": f"unix://{tmp_path}/socket"}


def run(
    tmp_path: Path,
    command: str,
    stack: Path | None = None,
    account: str = "root",
    settings: str | None = "",
    typed: str = "",
    **variables: str,
) -> "tuple[subprocess.CompletedProcess[str], str]":
    """What the door says, and what the engine was asked."""
    clone, environment = prepared(tmp_path, account, settings)
    done = subprocess.run(
        ["make", command, *([f"STACK={stack}"] if stack else []), *typed.split()],
        cwd=clone, env=environment | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    return done, (tmp_path / "noted").read_text("utf-8")


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
    """Its database has neither tables nor roles. What has ended has lines, and a database of a restore has calls.

    A start may be at work just then, or make down: of neither is said that somebody stopped it.
    """
    state = make_checkout(tmp_path).path / ".state"
    state.mkdir()
    if journal:
        (state / "journal.json").write_text("{}", "utf-8")
    done, asked = run(tmp_path, command, CONTAINERS=containers, OPS_LANG="en")
    assert any(line.startswith("run ") for line in asked.splitlines()) is asks
    told = re.search(
        r"error: nothing of the stack .*runs: what starts or stops it has not come to its end\n  fix:  make up-prod\n",
        done.stderr,
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


@pytest.mark.parametrize("there", [True, False])
def test_who_asks_sees_who_is_at_work_and_nothing_of_what_they_do(there: bool, tmp_path: Path) -> None:
    """A journal may have a new password in it. Of a lock that is not there yet the engine would make a folder."""
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state/journal.json").write_text("{}")
    if there:
        (tmp_path / ".state/lock").touch()
    done, asked = run(tmp_path, "status", CONTAINERS=r"running prosaas-api\n")
    assert done.returncode == 0, done.stderr
    (started,) = [line for line in asked.splitlines() if line.startswith("run ")]
    assert (f"--volume {tmp_path}/.state/lock:/ops/.state/lock:ro " in started) is there
    assert "journal" not in started
    assert f"{tmp_path}/.state:" not in started


@pytest.mark.parametrize(("settings", "looked"), [("", True), (None, False)])
def test_the_doctor_of_a_folder_without_an_env_looks_at_no_other_folders_levels(
    settings: str | None, looked: bool, tmp_path: Path
) -> None:
    """The stack of the name that it would have is somebody else's."""
    done, asked = run(tmp_path, "doctor", settings=settings)
    assert done.returncode == 0, done.stderr
    assert ("prosaas.ops.command=levels" in asked) is looked


@pytest.mark.parametrize("command", ["status", "ps", "logs", "console", "capture", "audit", "forget"])
def test_in_a_folder_without_an_env_nobody_is_asked_for_the_stack_of_its_name_is_another_folders(
    command: str, tmp_path: Path
) -> None:
    """Docker would make a folder of each secret's file that is not there, which no start gets past."""
    done, asked = run(tmp_path, command, settings=None, OPS_LANG="en")
    assert done.returncode == 2
    assert "error: there is no .env, so no stack was started from this folder\n  fix:  make up-prod\n" in done.stderr
    assert not [line for line in asked.splitlines() if line.startswith("run ")]


@pytest.mark.parametrize(("how", "all_of_it"), [("INT", True), ("TERM", True), ("HUP", True), ("TERM", False)])
def test_a_console_that_somebody_ends_leaves_neither_a_word_nor_a_container(
    how: str, all_of_it: bool, tmp_path: Path
) -> None:
    """Ctrl-C, a terminal that closes, or `timeout 60 make console`: it is how one ends."""
    (clone, environment), noted = prepared(tmp_path), tmp_path / "noted"
    number = signal.Signals[f"SIG{how}"]
    with subprocess.Popen(
        ["make", "console"], cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as child:  # fmt: skip
        eventually(lambda: "serves" if "serves" in noted.read_text("utf-8") else None, "the console", 30)
        assert (clone / ".state/lock").is_file(), "the engine would make a folder of it"
        (os.killpg if all_of_it else os.kill)(child.pid, number)
        _, said = child.communicate(timeout=30)
    assert "ended" in noted.read_text("utf-8")
    assert "--profile console rm --stop --force console console-reader" in noted.read_text("utf-8")
    assert said == ""
    assert child.returncode in (0, -number)


@pytest.mark.parametrize("command", ["setup", "up-prod", "down", "restart-calls", "backup", "restore"])
def test_a_folder_that_cannot_be_written_to_is_named_before_anything_is_done(command: str) -> None:
    """A checkout that is mounted read-only, or another account's."""
    with TemporaryDirectory() as name:
        clone = make_checkout(Path(name)).path
        for path in (clone, *clone.rglob("*")):
            path.chmod(0o555)
        try:
            done = subprocess.run(
                ["sh", "scripts/run", command],
                cwd=clone, env={"PATH": os.environ["PATH"], "OPS_LANG": "en"},
                user=65534 if os.getuid() == 0 else None,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
        finally:
            for path in (clone, *(path for path in clone.rglob("*") if path.is_dir())):
                path.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"error: this folder cannot be written to: {clone}\n  fix:  run this in a clone that "
    )


def test_who_only_asks_is_told_so_too_where_nothing_can_be_kept(tmp_path: Path) -> None:
    """Instead of mkdir's own words, or a traceback of the tools'. What a `sudo make` began is root's within our own."""
    clone, environment = prepared(tmp_path)
    (tmp_path / "commands/mkdir").write_text("#!/bin/sh\ncase $2 in */lines) exit 1 ;; esac\n", "utf-8")
    (tmp_path / "commands/mkdir").chmod(0o755)
    done = subprocess.run(
        ["sh", "scripts/run", "status"],
        cwd=clone, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].endswith(f": {clone}/.state/lines")
    assert "run " not in (tmp_path / "noted").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "enforces", "said"),
    [
        ("[name=seccomp,profile=builtin name=rootless name=cgroupns]", "", "this engine runs rootless"),
        ("[name=seccomp,profile=builtin name=userns]", "", "or with userns-remap"),
        ("[name=seccomp,profile=builtin name=selinux]", "Enforcing", "labels containers for SELinux"),
        ("[name=seccomp,profile=builtin name=selinux]", "Permissive", ""),
        ("[name=apparmor name=seccomp,profile=builtin name=cgroupns]", "Enforcing", ""),
        ("", "", ""),
    ],
)
def test_an_engine_in_whose_containers_the_tools_are_nobody_is_refused_before_anything_is_built(
    options: str, enforces: str, said: str, tmp_path: Path
) -> None:
    for name, text in {"docker": f'[ "$1" != info ] || echo "{options}"', "getenforce": f"echo {enforces}"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["sh", str(ROOT / "scripts/engine.sh")],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, said in done.stderr) == (int(bool(said)), True)
    assert ("fix:" in done.stderr) is bool(said)
    # Where a distribution gives it as a flag, an engine whose file has it too does not start.
    assert "false" not in done.stderr


def test_a_name_that_no_shell_can_have_reaches_the_tools_which_refuse_it(tmp_path: Path) -> None:
    """The door does not end over it with words of the shell's."""
    done, asked = run(tmp_path, "levels", tmp_path, typed="a.b=1 1x=2 FOO=3")
    assert done.returncode == 0, done.stderr
    assert "--env FOO" in asked
    assert "--env PROSAAS_TYPED" in asked


def test_a_machine_without_hostname_has_a_name_all_the_same(tmp_path: Path) -> None:
    """POSIX has uname alone, and so have some distributions until somebody installs the other."""
    (tmp_path / "commands").mkdir()
    (tmp_path / "commands/hostname").write_text("#!/bin/sh\nexit 127\n", "utf-8")
    (tmp_path / "commands/hostname").chmod(0o755)
    done, asked = run(tmp_path, "levels", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"@{os.uname().nodename} " in asked


@pytest.mark.skipif(os.getuid() != 0, reason="gives a file another group")
def test_the_group_of_the_engines_socket_is_that_of_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    os.chown(tmp_path / "real", 0, 54321)
    (tmp_path / "linked").symlink_to("real")
    _, asked = run(tmp_path, "levels", tmp_path, DOCKER_HOST=f"unix://{tmp_path}/linked")
    assert " --group-add 54321 " in asked


@pytest.mark.parametrize("folder", ["", "/tmp", "/opt", "/usr/local/bin"])
def test_a_backup_is_refused_in_a_folder_that_would_hide_the_tools_own(folder: str, tmp_path: Path) -> None:
    """Mounted over theirs, it left a Python without its packages, or an engine that speaks of mount points."""
    done, asked = run(tmp_path, "backup", typed=f"FILE={folder}/x.dump")
    assert done.returncode == 2
    assert f"the tools cannot have {folder or '/'}, where files of their own are" in done.stderr
    assert f"for example FILE={folder}/backups/x.dump" in done.stderr
    assert not [line for line in asked.splitlines() if line.startswith("run ")]


def test_a_backup_may_lie_in_a_folder_within_such_a_one(tmp_path: Path) -> None:
    done, asked = run(tmp_path, "backup", typed=f"FILE={tmp_path}/x.dump")
    assert done.returncode == 0, done.stderr
    assert f"--volume {tmp_path}:{tmp_path} " in asked


def test_what_the_shell_alone_calls_by_the_name_of_an_option_is_nobodys_file(tmp_path: Path) -> None:
    """The tools take what was typed: no folder is mounted, and no start refused, for what a profile exports."""
    (tmp_path / "key").touch()
    done, asked = run(tmp_path, "down", FILE="/tmp/x", KEY=f"{tmp_path}/key")
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/key" not in asked
    done, asked = run(tmp_path, "log-budget", FILE="/tmp/x")
    assert done.returncode == 0, "and it measures calls of the stack, as asked"
    assert "--network none" not in asked
