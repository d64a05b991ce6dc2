"""The operator's command, against programs that run."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from prosaas_logging.switch_state import read_state

Start = Callable[..., subprocess.Popen[bytes]]
Ctl = Callable[..., subprocess.CompletedProcess[str]]

CALL = """
import sys, time
from prosaas_logging import bootstrap, flush, get_logger, scope
bootstrap("prosaas-calls")
log = get_logger("program")
with scope(call_sid="CA1", business_id="456", phone="+972501234567"):
    log.debug("frame", number=0)
    log.info("ready")
    for number in range(1, 100000):
        log.debug("frame", number=number)
        time.sleep(0.005)
"""


@pytest.fixture
def ctl(program_environ: dict[str, str]) -> Ctl:
    """Run logctl as an operator would, in the container's environment."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "prosaas_logging.ctl", *arguments],
            env=program_environ,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


@pytest.fixture
def call(start_program: Start, program_environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """A program in the middle of a call."""
    os.makedirs(os.path.dirname(program_environ["LOG_SWITCH_FILE"]))
    process = start_program(CALL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"[INFO] ready \xc2\xb7 call_sid=CA1\n"
    return process


def read_until(process: subprocess.Popen[bytes], what: bytes, timeout: float = 20) -> list[bytes]:
    """The lines up to one that holds *what*."""
    assert process.stdout is not None
    lines: list[bytes] = []
    # A reader that waits for a line cannot look at the clock; what it reads from can be ended.
    deadline = threading.Timer(timeout, process.kill)
    deadline.start()
    try:
        while not lines or what not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
    finally:
        deadline.cancel()
    return lines


def test_a_running_call_is_switched_to_debug_and_reverts_by_itself(call: subprocess.Popen[bytes], ctl: Ctl) -> None:
    done = ctl("level", "debug", "--call", "CA1", "--for", "3s")
    assert (done.returncode, done.stdout) == (0, "call CA1: DEBUG for 3s (1 process)\n")
    lines = read_until(call, b"LOG_LEVEL_REVERTED")
    assert b"LOG_LEVEL_CHANGED" in lines[0]
    assert sum(b"[DEBUG] frame" in line for line in lines) > 20


def test_every_process_of_a_container_follows(start_program: Start, ctl: Ctl, program_environ: dict[str, str]) -> None:
    os.makedirs(os.path.dirname(program_environ["LOG_SWITCH_FILE"]))
    processes = [start_program(CALL) for _ in range(3)]
    for process in processes:
        read_until(process, b"ready")
    assert ctl("level", "DEBUG").stdout == "service: DEBUG for 15m (3 processes)\n"
    for process in processes:
        read_until(process, b"[DEBUG] frame")
    assert ctl("reset").stdout == "everything is reset (3 processes)\n"
    for process in processes:
        read_until(process, b"LOG_LEVEL_REVERTED")


def test_a_reset_of_one_target_leaves_the_others_switched(call: subprocess.Popen[bytes], ctl: Ctl) -> None:
    for target in (["--call", "CA1"], ["--business", "456"]):
        ctl("level", "debug", *target)
    assert ctl("reset", "--call", "CA1").stdout == "call CA1 is reset (1 process)\n"
    status = ctl("status").stdout
    assert ("business 456 at DEBUG" in status, "call CA1 at DEBUG" in status) == (True, False)


def test_status_says_who_is_switched(call: subprocess.Popen[bytes], ctl: Ctl) -> None:
    ctl("level", "debug", "--call", "CA1", "--for", "10m")
    assert "switched: call CA1 at DEBUG" in ctl("status").stdout


def test_status_is_for_machines_too(call: subprocess.Popen[bytes], ctl: Ctl) -> None:
    ctl("level", "DEBUG", "--for", "10m")
    status = json.loads(ctl("status", "--json").stdout)
    assert (status["service"], status["level"], status["base"]) == ("prosaas-calls", "DEBUG", "INFO")
    assert status["processes"] == [{"pid": call.pid, "level": "DEBUG", "source": "logctl"}]
    (switch,) = status["switches"]
    assert (switch["target"], switch["level"]) == ("service", "DEBUG")
    assert 590 <= switch["left_s"] <= 600


def test_the_ring_of_a_live_call_can_be_read(call: subprocess.Popen[bytes], ctl: Ctl) -> None:
    done = ctl("blackbox", "CA1")
    head, *lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (head["blackbox"], head["reason"]) == ("CA1", "asked for")
    assert lines
    assert [line["number"] for line in lines] == list(range(len(lines)))
    assert ctl("blackbox").stdout.split()[-1] == "CA1"


def test_what_nobody_recorded_is_not_found(call: subprocess.Popen[bytes], ctl: Ctl) -> None:
    done = ctl("blackbox", "CA404")
    assert done.returncode == 3
    assert "CA404" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["shout"],
        ["level"],
        ["level", "LOUD"],
        ["level", "DEBUG", "--for", "soon"],
        ["level", "DEBUG", "--for", "0s"],
        ["level", "DEBUG", "--for", "1000h"],
        ["level", "DEBUG", "--for", "1h-30m"],
        ["level", "DEBUG", "--call", "CA1", "--business", "456"],
        ["level", "DEBUG", "--call", ""],
        ["reset", "--everything"],
        ["status", "now"],
    ],
)
def test_wrong_arguments_are_one_helpful_line(ctl: Ctl, arguments: list[str]) -> None:
    done = ctl(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("logctl: ")
    assert "logctl level DEBUG" in line


def test_a_container_where_nothing_logs_is_said(ctl: Ctl) -> None:
    assert ctl("status").returncode == 3
    assert ctl("level", "DEBUG").returncode == 3
    assert json.loads(ctl("status", "--json").stdout)["processes"] == []


@pytest.mark.parametrize(("text", "seconds"), [("15", 900), ("1h30m", 5400), ("24h", 86400), ("1.5m", 90)])
def test_a_time_is_minutes_or_what_people_write(
    text: str, seconds: float, program_environ: dict[str, str], ctl: Ctl
) -> None:
    ctl("level", "DEBUG", "--for", text)
    (change,) = read_state(Path(program_environ["LOG_SWITCH_FILE"])).changes
    assert change.for_s == seconds


def test_help_names_the_commands(ctl: Ctl) -> None:
    done = ctl("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("status", "level", "reset", "blackbox"))
