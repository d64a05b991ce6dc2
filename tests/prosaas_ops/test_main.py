"""The command line: exit codes, and one helpful line."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from prosaas_ops import audited
from prosaas_ops.__main__ import COMMANDS, main
from prosaas_ops.ask import logs
from prosaas_ops.options import PROBLEM, USAGE, Problem


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


def test_a_problem_ends_with_1_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: object) -> int:
        raise Problem("the stack is not running: `make up-prod` starts it")

    monkeypatch.setattr(logs, "run", fail)
    assert main(["logs"]) == PROBLEM
    assert capsys.readouterr().err == "logs: the stack is not running: `make up-prod` starts it\n"


def test_a_reader_who_has_seen_enough_ends_the_command_without_a_word() -> None:
    """As in `make trace CALL=… | head`."""
    program = """
import sys
from prosaas_ops import __main__
from prosaas_ops.ask import ps
from prosaas_ops.screen.terminal import Screen
ps.run = lambda options: Screen().say(*["row"] * 100_000)
sys.exit(__main__.main(["ps"]))
"""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
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
