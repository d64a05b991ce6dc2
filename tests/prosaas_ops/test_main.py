"""The command line: exit codes, and one helpful line."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from prosaas_ops import audited
from prosaas_ops.__main__ import COMMANDS, main
from prosaas_ops.act import up
from prosaas_ops.ask import logs
from prosaas_ops.options import PROBLEM, USAGE, Problem

_SERVICES = Path(audited.__file__).parents[1]
# Runs the tools, and presses Ctrl-C as soon as the module that is named is looked for, or when Python ends.
_INTERRUPTED = """
import atexit, os, runpy, signal, sys

def press():
    os.kill(os.getpid(), signal.SIGINT)

class Hand:
    def find_spec(self, name, path=None, target=None):
        if name == where:
            press()

where = sys.argv.pop()
sys.modules.pop(where, None)
sys.meta_path.insert(0, Hand())
sys.argv.append("console-check")
if where == "the end":
    atexit.register(press)
runpy.run_module("prosaas_ops", run_name="__main__")
"""


def _tools(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": str(_SERVICES), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(autouse=True)
def _aside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command takes the process's signals over, and notes who asked: not the test runner's, and not here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)


@pytest.mark.parametrize("arguments", [[], ["trase"]])
def test_an_unknown_command_is_wrong_usage_and_names_the_known_ones(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == USAGE
    assert "trace" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["SINCE=soon"], ["COLOUR=red"], ["--help"], ["FOLLOW=maybe"]])
def test_wrong_words_end_with_2_and_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", *words]) == USAGE
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_was_mistyped_is_not_in_the_audit() -> None:
    audited.note("trace", "CALL=CA1")
    assert main(["logs", "SINCE=soon"]) == USAGE
    assert [entry.target for entry in audited.on_this_machine()] == ["CALL=CA1"]


@pytest.mark.parametrize(("asked", "told"), [("fr", True), ("EN", False), ("", False)])
def test_a_language_that_there_is_not_is_told_of(
    asked: str, told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_LANG", asked)
    monkeypatch.setattr(logs, "run", lambda options: 0)
    assert main(["logs"]) == 0
    assert ("OPS_LANG=fr" in capsys.readouterr().err) is told


def test_a_secret_that_is_nearly_one_is_refused_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".env").write_text("")
    monkeypatch.setattr(up.secrets, "tell_overridden", lambda _: None)
    monkeypatch.setattr(up, "end_killed", lambda *_: None)
    assert main(["rotate-secret", "NAME=ADMIN_KEY"]) == USAGE
    assert "Did you mean ADMIN_API_KEY?" in capsys.readouterr().err


def test_a_problem_ends_with_1_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: object) -> int:
        raise Problem("the stack is not running: `make up-prod` starts it")

    monkeypatch.setattr(logs, "run", fail)
    assert main(["logs"]) == PROBLEM
    assert capsys.readouterr().err == "logs: the stack is not running: `make up-prod` starts it\n"


def test_a_full_disk_ends_a_command_with_a_word_of_it_and_no_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(logs, "run", full)
    assert main(["logs"]) == PROBLEM
    assert "the disk takes nothing more (No space left on device)" in capsys.readouterr().err


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_has_seen_enough_ends_the_command_without_a_word(unbuffered: str) -> None:
    """As in `make trace CALL=… | head`; also where the interpreter still has something to write as it ends."""
    program = """
import sys
from prosaas_ops import __main__
from prosaas_ops.ask import ps
from prosaas_ops.screen.terminal import Screen
ps.run = lambda options: Screen().say(*["row"] * 100_000)
sys.exit(__main__.main(["ps"]))
"""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": unbuffered}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdout=pipe, stderr=pipe, env=environ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"row\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == PROBLEM


def test_ctrl_c_is_no_stack_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(logs, "run", interrupted)
    assert main(["logs"]) == 130


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_while_the_end_of_an_act_is_noted_ends_the_command_after_that(
    number: str, fails: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And one that failed says why."""
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    note = audited._noted

    def interrupted(act: str, *words: str) -> object:
        if act == "backup ended":
            os.kill(os.getpid(), getattr(signal, number))
        return note(act, *words)

    def run(_: object) -> int:
        if fails:
            raise Problem("the way back failed")
        return 0

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(audited, "_noted", interrupted)
    monkeypatch.setattr(up, "run", run)
    try:
        code = main(["backup"])
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    ended, _begun = audited.on_this_machine()
    if fails:
        assert (code, ended.why) == (PROBLEM, "failed: the way back failed")
        assert "the way back failed" in capsys.readouterr().err
    else:
        assert (code, ended.why) == (130, "done")


@pytest.mark.parametrize(
    "where", ["threading", "importlib", "prosaas_ops.options", "prosaas_ops.console.check", "the end"]
)
def test_ctrl_c_while_the_command_is_still_read_or_already_leaves_shows_no_stack(where: str) -> None:
    done = _tools("-c", _INTERRUPTED, where)
    assert (done.returncode in (130, -signal.SIGINT), done.stderr) == (True, "")


@pytest.mark.parametrize("where", ["importlib", "prosaas_ops.options", "prosaas_ops.act.up"])
def test_ctrl_c_in_the_first_moment_of_what_acts_says_that_nothing_was_changed(where: str) -> None:
    done = _tools("-c", _INTERRUPTED.replace("console-check", "up-prod"), where, OPS_LANG="en")
    assert (done.returncode, done.stderr) == (130, "==> it was stopped; what runs was not changed\n")


@pytest.mark.parametrize("after_ms", range(0, 100, 9))
def test_ctrl_c_while_python_itself_starts_shows_no_stack(after_ms: int) -> None:
    """As the image starts it: at every moment, not only at those that a module can stand for."""
    found = re.search(r'^ENTRYPOINT (\[.*"prosaas_ops"\])$', (_SERVICES / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    *before, _python, dash_m, package = json.loads(found[1])
    starting = subprocess.Popen(
        [*before, sys.executable, dash_m, package, "console-check"],
        env={**os.environ, "PYTHONPATH": str(_SERVICES)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(after_ms / 1000)
    starting.send_signal(signal.SIGINT)
    assert starting.communicate(timeout=60)[1] == ""


def test_a_terminal_whose_input_ends_at_once_shows_no_stack() -> None:
    done = _tools("-m", "prosaas_ops", "logs", OPS_STDIN="held")
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_its_module_and_says_what_it_takes(command: str) -> None:
    module = import_module(f"prosaas_ops.{COMMANDS[command]}")
    assert callable(module.run)
    assert all(option.isupper() for option in module.OPTIONS)


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("restart-worker", "FILE=x"), ("restart-worker", "N=2"), ("restart-worker", "VERIFY=1"), ("doctor", "N=3"),
        ("backup", "KEY=x"), ("up-prod", "BUILD=0"), ("down", "YES=1"), ("jobs", "ID=12"), ("retry-job", "ALL=1"),
    ],
)  # fmt: skip
def test_a_target_takes_its_own_options_and_refuses_those_of_others(
    command: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, word]) == USAGE
    name = word.partition("=")[0]
    said = capsys.readouterr().err
    assert f"does not know {name}=" in said
    assert f"{name}=" not in said.partition("it takes")[2]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("X=1", "does not know X=: it takes CONSOLE_PORT="),
        ("CONSOLE_PORT=80000", "CONSOLE_PORT=80000 is not a port"),
        ("CONSOLE_PORT=x", "is not a whole number"),
    ],
)
def test_what_is_typed_after_make_console_is_judged_before_it_starts(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["console-check", word]) == USAGE
    assert said in capsys.readouterr().err
    assert main(["console-check", "CONSOLE_PORT=8091"]) == 0
