"""The operator's command, against programs that run."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from prosaas_logging import ctl as command
from prosaas_logging.switch_state import Presence, read_state, started_at, write_presence

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


class Here:
    """The command in this process, which says that it is a service that follows at once, or never."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = folder / "run" / "log-switch.json"
        self.blackbox = folder / "blackbox"
        self._capsys = capsys
        self.file.parent.mkdir()
        self.blackbox.mkdir()

    def serves(self, *, blackbox: str | None = None, follows: bool = True) -> None:
        started = started_at(os.getpid())
        assert started is not None
        where = str(self.blackbox) if blackbox is None else blackbox
        seen = 2**63 if follows else 0
        write_presence(self.file, Presence("svc", os.getpid(), "WARNING", "the file", "INFO", where, seen, started))

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = command.main(arguments)
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    here = Here(tmp_path, capsys)
    monkeypatch.setenv("LOG_SWITCH_FILE", str(here.file))
    monkeypatch.delenv("LOG_BLACKBOX", raising=False)
    return here


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["debug"], "service: DEBUG for 15m"),
        (["ERROR", "--for", "119s"], "service: ERROR for 119s"),
        (["INFO", "--for", "120s"], "service: INFO for 2m"),
        (["DEBUG", "--call", " CA1 ", "--for", "24h"], "call CA1: DEBUG for 1440m"),
        (["DEBUG", "--business", "456"], "business 456: DEBUG for 15m"),
        (["DEBUG", "--phone", "+972501234567"], "phone +972...: DEBUG for 15m"),
        (["DEBUG", "--logger", "server.jobs"], "logger server.jobs: DEBUG for 15m"),
    ],
)
def test_what_is_switched_is_said_in_a_line_and_kept(arguments: list[str], said: str, here: Here) -> None:
    here.serves()
    before = time.time()
    assert here.run("level", *arguments) == (0, f"{said} (1 process)\n", "")
    (change,) = read_state(here.file).changes
    assert before <= change.until - change.for_s <= time.time()


def test_a_switch_takes_the_place_of_the_one_before_it_and_no_other_s(here: Here) -> None:
    here.serves()
    for arguments in (["DEBUG", "--call", "CA1"], ["DEBUG", "--call", "CA2"], ["ERROR", "--call", "CA1"]):
        here.run("level", *arguments)
    assert [(item.value, item.level) for item in read_state(here.file).changes] == [("CA2", "DEBUG"), ("CA1", "ERROR")]
    assert here.run("reset", "--call", "CA2") == (0, "call CA2 is reset (1 process)\n", "")
    assert [item.value for item in read_state(here.file).changes] == ["CA1"]
    assert here.run("reset") == (0, "everything is reset (1 process)\n", "")
    assert read_state(here.file).changes == ()


def test_a_process_that_does_not_follow_is_named(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "FOLLOW_SECONDS", 0.0)
    here.serves(follows=False)
    assert here.run("level", "DEBUG") == (
        1,
        "",
        f"logctl: service: DEBUG for 15m, but process {os.getpid()} does not follow\n",
    )
    code, _, said = here.run("blackbox", "CA1")
    assert (code, said.splitlines()) == (
        3,
        [
            "logctl: not every process answered, the live recorder may be missing",
            f"logctl: nothing recorded for CA1, neither live nor in {here.blackbox}",
        ],
    )


def test_status_tells_each_process_and_each_switch_with_the_time_it_has_left(here: Here) -> None:
    here.serves()
    here.run("level", "DEBUG", "--call", "CA1", "--for", "10m")
    process = f"svc (process {os.getpid()}): WARNING, from the file"
    assert here.run("status") == (0, f"{process}\nswitched: call CA1 at DEBUG, 10m left\n", "")
    status = json.loads(here.run("status", "--json")[1])
    assert [status[name] for name in ("service", "level", "source", "base")] == ["svc", "WARNING", "the file", "INFO"]
    assert status["switches"] == [{"target": "call", "value": "CA1", "level": "DEBUG", "left_s": 600}]


def test_where_nothing_logs_a_status_is_empty_and_told_as_not_found(here: Here) -> None:
    nobody = "logctl: no process of this container logs through prosaas_logging\n"
    assert here.run("status") == (3, "", nobody)
    assert here.run("level", "DEBUG") == (3, "", nobody)
    code, said, _ = here.run("status", "--json")
    assert code == 3
    assert {name: json.loads(said)[name] for name in ("service", "level", "source", "base")} == dict.fromkeys(
        ("service", "level", "source", "base")
    )


def test_recordings_are_listed_with_their_time_and_size_the_newest_last(here: Here) -> None:
    here.serves()
    assert here.run("blackbox") == (3, "", "")
    for number, name in enumerate(("b", "c", "a")):
        (here.blackbox / f"{name}.jsonl").write_text("x" * number)
        os.utime(here.blackbox / f"{name}.jsonl", (1_700_000_000 + number, 1_700_000_000 + number))
    assert here.run("blackbox")[:2] == (
        0,
        "2023-11-14T22:13:20Z          0  b\n2023-11-14T22:13:21Z          1  c\n2023-11-14T22:13:22Z          2  a\n",
    )
    assert here.run("blackbox", "a")[:2] == (0, "xx")


def test_a_recording_that_grows_is_waited_for(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.serves()
    file = here.blackbox / "CA1.jsonl"
    pieces = ["a", "b", "c"]

    def grow(_: float) -> None:
        with file.open("a") as more:
            more.write(pieces.pop(0) if pieces else "")

    monkeypatch.setattr("time.sleep", grow)
    assert here.run("blackbox", "CA1") == (0, "abc", "")


@pytest.mark.parametrize(("target", "code", "where"), [("stdout", 0, "goes to the log itself"), ("", 3, "is off")])
@pytest.mark.parametrize("arguments", [["blackbox"], ["blackbox", "CA1"]])
def test_where_recordings_are_no_files_it_is_said_where_they_are(
    target: str, code: int, where: str, arguments: list[str], here: Here
) -> None:
    here.serves(blackbox=target)
    found = here.run(*arguments)
    assert found[:2] == (code, "")
    assert found[2].startswith(f"logctl: the black box {where}")


def test_a_recording_is_asked_of_every_process_beside_what_was_asked_before(here: Here) -> None:
    here.serves()
    here.run("blackbox", "CA1")
    here.run("blackbox", "CA2")
    assert list(read_state(here.file).dumps) == ["CA1", "CA2"]


def test_a_folder_that_cannot_be_written_is_one_line(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    (here.blackbox / "file").write_text("")
    monkeypatch.setenv("LOG_SWITCH_FILE", str(here.blackbox / "file" / "log-switch.json"))
    code, said, error = here.run("level", "DEBUG")
    assert (code, said) == (1, "")
    assert error.startswith("logctl: ")
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("made", [True, False])
def test_a_container_that_was_not_made_for_it_has_its_switch_where_the_service_has_it(
    made: bool, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOG_SWITCH_FILE")
    monkeypatch.setattr(command, "SWITCH_FILE", here.file if made else here.file.parent / "none" / here.file.name)
    monkeypatch.setattr(command, "ADOPTED_DIR", here.blackbox)
    here.run("level", "DEBUG")
    assert [file.exists() for file in (here.file, here.blackbox / here.file.name)] == [made, not made]
