"""What reaches descriptors 1 and 2 by any other way than Python's streams becomes events: C code, children, exec."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pexpect
import pytest

from prosaas_logging.switch_state import Change, read_presences, update_state

from ..conftest import Program

ON = {"LOG_DESCRIPTORS": "1", "LOG_LANG": "en"}
FIRST = {"LOG_DESCRIPTORS": "first", "LOG_LANG": "en"}
Start = Callable[..., subprocess.Popen[bytes]]


def texts(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What each JSON line of the program says."""
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


SPEAKERS = """
    import ctypes, os, subprocess, sys
    import prosaas_logging

    prosaas_logging.bootstrap("svc")
    os.write(1, b"written\\nin two ")
    os.write(1, b"pieces\\n")
    subprocess.run(["sh", "-c", "echo from a child; echo its trouble >&2"])
    libc = ctypes.CDLL(None)
    libc.puts("שלום from C".encode())
    libc.fflush(None)
    print("printed")
    os.write(1, b"half a line at the end")
"""


def test_every_way_to_write_is_an_event_in_its_own_order(run_program: Program) -> None:
    done = run_program(SPEAKERS, LOG_JSON="1", **ON)
    assert (done.returncode, done.stderr) == (0, "")
    raw = [text for text in texts(done) if text != "printed"]
    said = [text for text in raw if "trouble" not in text]
    assert said == ["written", "in two pieces", "from a child", "שלום from C", "half a line at the end"]
    events = {json.loads(line)["message"]: json.loads(line)["event"] for line in done.stdout.splitlines()}
    assert events["written"] == events["printed"] == "STDOUT"
    assert events["its trouble"] == "STDERR"


def test_people_read_them_as_lines_too(run_program: Program) -> None:
    done = run_program(SPEAKERS, LOG_JSON="0", **ON)
    lines = done.stdout.splitlines()
    assert all(line.startswith(("[INFO] [STDOUT] ", "[WARNING] [STDERR] ")) for line in lines), lines
    assert any(line.endswith("שלום from C") for line in lines)


def test_off_unless_asked_for(run_program: Program) -> None:
    assert "written\n" in run_program(SPEAKERS, LOG_JSON="1").stdout


def test_who_holds_the_interpreter_and_fills_the_pipe_waits_for_nobody_of_this_process(run_program: Program) -> None:
    """PyDLL keeps the lock: a thread that read the pipe would wait for its writer, and its writer for it."""
    source = """
        import ctypes
        import prosaas_logging

        prosaas_logging.bootstrap("svc")
        line = b"x" * 99 + b"\\n"
        piece = line * 50_000
        written = 0
        while written < len(piece):
            written += ctypes.PyDLL(None).write(1, piece[written:], len(piece) - written)
    """
    done = run_program(source, LOG_JSON="0", timeout=50, LOG_BUFFER="32MiB", **ON)
    assert done.returncode == 0
    assert done.stdout.count("x" * 99) == 50_000


def test_it_outlives_exec_and_reads_forked_children(run_program: Program) -> None:
    source = """
        import os
        import prosaas_logging

        prosaas_logging.bootstrap("svc")
        if (child := os.fork()) == 0:
            os.write(1, b"a forked child\\n")
            os._exit(0)
        os.waitpid(child, 0)
        os.execvp("sh", ["sh", "-c", "echo another program"])
    """
    assert texts(run_program(source, LOG_JSON="1", **ON)) == ["a forked child", "another program"]


@pytest.mark.parametrize("way", ["os.abort()", "os.kill(os.getpid(), 9)", "os._exit(3)", "ctypes.string_at(0)"])
def test_last_words_of_a_crash_are_read(run_program: Program, way: str) -> None:
    source = f"""
        import ctypes, os
        import prosaas_logging

        prosaas_logging.bootstrap("svc")
        os.write(2, b"terminate called after throwing\\n")
        {way}
    """
    assert "terminate called after throwing" in texts(run_program(source, LOG_JSON="1", **ON))


def test_nobody_waits_for_an_output_that_nobody_reads(start_program: Start) -> None:
    source = """
        import os, sys, time
        import prosaas_logging

        prosaas_logging.bootstrap("svc")
        os.write(1, b"warm\\n")
        sys.stdin.readline()
        begun = time.monotonic()
        for _ in range(400):
            os.write(1, (b"y" * 99 + b"\\n") * 100)
        with open(sys.argv[1], "w") as told:
            told.write(str(time.monotonic() - begun))
        os._exit(0)
    """
    path = f"/tmp/descriptors-{os.getpid()}"
    process = start_program(source, path, LOG_JSON="0", **ON)
    assert process.stdin
    assert process.stdout
    process.stdout.readline()
    process.stdin.write(b"\n")
    process.stdin.flush()
    try:
        process.wait(30)
        with open(path) as told:
            assert float(told.read()) < 5
    finally:
        os.unlink(path)


def test_without_its_reader_everything_is_written_as_it_was_before(start_program: Start) -> None:
    """And one line says so: nobody is killed by a pipe that has no other end."""
    source = """
        import os, sys, time
        import prosaas_logging
        from prosaas_logging import runtime

        prosaas_logging.bootstrap("svc")
        print(runtime._running.descriptors._reader)
        before = os.fstat(1).st_ino
        while os.fstat(1).st_ino == before:
            time.sleep(0.01)
        os.write(1, b"as it is\\n")
    """
    process = start_program(source, LOG_JSON="1", **ON)
    assert process.stdout
    reader = int(json.loads(process.stdout.readline())["message"])
    os.kill(reader, signal.SIGKILL)
    deadline, lines = time.monotonic() + 20, list[bytes]()
    while len(lines) < 2 and time.monotonic() < deadline:
        lines.append(process.stdout.readline())
    assert b"as it is\n" in lines
    assert any(b"its reader has ended" in line for line in lines)
    assert process.wait(20) == 0


def test_an_end_that_is_asked_for_twice_is_no_error(run_program: Program) -> None:
    """The reader stands still, so that the second Ctrl-C comes while its end is waited for."""
    source = """
        import os, signal, subprocess
        import prosaas_logging
        from prosaas_logging import runtime

        prosaas_logging.bootstrap("svc")
        reader = runtime._running.descriptors._reader
        os.kill(reader, signal.SIGSTOP)
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen(["sh", "-c", f"sleep 3; kill -CONT {reader}"], **nowhere)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
    """
    done = run_program(source, LOG_JSON="1", **ON)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_end_waits_until_the_last_words_are_read(start_program: Start, tmp_path: Path) -> None:
    """However late its reader gets to them: they are in the file when the process is gone."""
    source = """
        import os, signal, subprocess, sys, time
        os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)
        import prosaas_logging
        from prosaas_logging import runtime

        prosaas_logging.bootstrap("svc")
        os.write(1, b"it reads\\n")
        while not os.path.getsize(sys.argv[1]):
            time.sleep(0.01)
        reader = runtime._running.descriptors._reader
        os.kill(reader, signal.SIGSTOP)
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen(["sh", "-c", f"sleep 0.7; kill -CONT {reader}"], **nowhere)
        os.write(1, b"the last words\\n")
    """
    path = tmp_path / "lines"
    assert start_program(source, str(path), LOG_JSON="1", **ON).wait(30) == 0
    assert "the last words" in path.read_text()


def test_a_file_has_it_all_once_the_process_has_ended(run_program: Program, tmp_path: Path) -> None:
    """In order and whole, though two processes write to it."""
    source = """
        import os, sys
        os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)
        import prosaas_logging

        prosaas_logging.bootstrap("svc")
        for number in range(100):
            os.write(1, b"raw %d\\n" % number)
            print("printed", number)
    """
    path = tmp_path / "lines"
    done = run_program(source, str(path), LOG_JSON="1", LOG_CALL_BUDGET="0", **ON)
    assert done.returncode == 0, done.stderr
    said = [json.loads(line)["message"] for line in path.read_text().splitlines()]
    for what in ("raw", "printed"):
        assert [text for text in said if text.startswith(what)] == [f"{what} {number}" for number in range(100)]


ABOVE = """
    import ctypes, os, signal, sys, time
    import prosaas_logging
    from prosaas_logging.adopt import descriptors

    descriptors.is_first = lambda: True
    first = os.getpid()
    prosaas_logging.bootstrap("svc")
    assert os.getppid() == first
"""


@pytest.mark.parametrize(
    ("way", "code"),
    [("os.abort()", 134), ("os.kill(os.getpid(), 9)", 137), ("ctypes.string_at(0)", 139), ("sys.exit(3)", 3), ("", 0)],
)
def test_the_first_process_of_a_container_reads_the_last_words_of_its_service_and_ends_as_it_did(
    run_program: Program, way: str, code: int
) -> None:
    """Whatever is beside a container's first process goes with it."""
    source = f"{ABOVE}\n    os.write(2, b'terminate called\\n')\n    print('printed')\n    {way}"
    done = run_program(source, LOG_JSON="1", **FIRST)
    assert done.returncode == code
    assert "terminate called" in texts(done)


def test_a_crash_has_all_its_frames(run_program: Program) -> None:
    """As one event: line by line, most of them would be a line that was said before."""
    source = f"""{ABOVE}
    def deep(left):
        return deep(left - 1) if left else os.abort()
    deep(9)
"""
    (crash,) = [
        line["error"]["stack"]
        for line in map(json.loads, run_program(source, LOG_JSON="1", **FIRST).stdout.splitlines())
        if "in deep" in line.get("error", {}).get("stack", "")
    ]
    assert crash.startswith("Current thread")
    assert crash.count(" in deep") == 10
    assert crash.endswith(" in <module>")


def test_a_fault_of_the_first_process_leaves_nobody_waiting_for_it(run_program: Program) -> None:
    """What is said from then on is in the log as it is, more of it than the pipe holds."""
    broken = """
        import prosaas_logging.adopt.prints as prints

        def fails(self, data):
            raise OSError("a fault")
        prints.Printed.write_bytes = fails
"""
    source = f"""{ABOVE}
    for number in range(30_000):
        os.write(1, b"%099d\\n" % number)
    sys.exit(3)
"""
    breaks = f"""
    BROKEN = {textwrap.dedent(broken)!r}
    does = "from prosaas_logging"
    descriptors._READER = descriptors._READER.replace("; " + does, chr(10) + BROKEN + chr(10) + does)
"""
    source = source.replace("    first =", f"{breaks}\n    first =")
    done = run_program(source, LOG_JSON="1", **FIRST)
    assert done.returncode == 3
    assert done.stdout.count("is no event any more") == 1
    assert done.stdout.count("\n0000") > 29_000


def test_what_is_sent_to_the_first_process_reaches_its_service(start_program: Start) -> None:
    """Whatever it is: gunicorn counts its workers by TTIN, systemd's way to stop is RTMIN+3."""
    numbers = (15, 10, 28, 21, 14, signal.SIGRTMIN + 3)
    source = f"""{ABOVE}
    told = []
    for number in {numbers}:
        signal.signal(number, lambda number, _: told.append(number))
    print("ready")
    for number in {numbers}:
        while number not in told:
            time.sleep(0.01)
        print("told", number)
    sys.exit(7)
"""
    process = start_program(source, LOG_JSON="0", **FIRST)
    assert process.stdout
    assert b"ready" in process.stdout.readline()
    # One at a time: each handler of many at once has its frame on the small stack that faulthandler makes for all.
    for number in numbers:
        process.send_signal(number)
        assert b"told" in process.stdout.readline()
    assert process.wait(20) == 7


def test_one_press_of_ctrl_c_is_told_once(program_environ: dict[str, str]) -> None:
    """The terminal tells the whole group; what others send is passed on."""
    source = f"""{ABOVE}
    told = []
    signal.signal(signal.SIGINT, lambda *_: told.append("INT"))
    signal.signal(signal.SIGUSR1, lambda *_: told.append("USR1"))
    print("ready")
    while "USR1" not in told:
        time.sleep(0.01)
    print("told", *told)
"""
    arguments = ["-c", textwrap.dedent(source)]
    environ = cast("Any", {**program_environ, "LOG_JSON": "0", **FIRST})
    child = pexpect.spawn(sys.executable, arguments, env=environ, encoding="utf-8", timeout=20)
    child.expect("ready")
    child.sendintr()
    # Who passes on takes the lower number first, and one at a time.
    child.kill(signal.SIGUSR1)
    child.expect("told INT USR1")
    child.close(force=True)


def test_a_terminal_that_is_gone_is_told_of(program_environ: dict[str, str], tmp_path: Path) -> None:
    """The kernel says it to the session's leader alone, which the reader is."""
    told = tmp_path / "told"
    source = f"""{ABOVE}
    def hung_up(*_):
        open({str(told)!r}, "w").close()
        os._exit(0)
    signal.signal(signal.SIGHUP, hung_up)
    print("ready")
    time.sleep(30)
"""
    environ = cast("Any", {**program_environ, "LOG_JSON": "0", **FIRST})
    child = pexpect.spawn(sys.executable, ["-c", textwrap.dedent(source)], env=environ, encoding="utf-8", timeout=20)
    child.expect("ready")
    # Its end of the terminal alone: pexpect's close would send a hang-up of its own.
    child.ptyproc.fileobj.close()
    child.ptyproc.closed = child.closed = True
    deadline = time.monotonic() + 10
    while not told.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    # The leader's end would tell the rest of the group.
    heard = told.exists()
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    assert heard


def test_a_service_that_leaves_its_children_to_the_kernel_ends_as_it_did(run_program: Program) -> None:
    source = (
        "    import signal\n    signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        + ABOVE
        + """
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    sys.exit(4)
"""
    )
    done = run_program(source, LOG_JSON="1", **FIRST)
    assert done.returncode == 4, done.stdout + done.stderr


def test_whose_parents_are_gone_are_taken_leave_of(run_program: Program) -> None:
    # The orphans of a container are its first process's.
    source = (
        ABOVE.replace("    first =", "    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n    first =")
        + """
    read, write = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.05)
            os._exit(0)
        os.write(write, b"%d" % int(open(f"/proc/self/task/{os.getpid()}/children").read()))
        os._exit(0)
    os.wait()
    orphan = int(os.read(read, 20))
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{orphan}") and time.monotonic() < deadline:
        time.sleep(0.01)
    sys.exit(os.path.exists(f"/proc/{orphan}"))
"""
    )
    done = run_program(source, LOG_JSON="1", **FIRST)
    assert done.returncode == 0, done.stdout + done.stderr


def test_late_words_of_children_are_read_for_a_moment(run_program: Program) -> None:
    source = f"""{ABOVE}
    if os.fork() == 0:
        time.sleep(0.2)
        os.write(1, b"late\\n")
        os._exit(0)
    sys.exit(5)
"""
    done = run_program(source, LOG_JSON="1", **FIRST)
    assert done.returncode == 5
    assert "late" in texts(done)


@pytest.mark.parametrize(
    ("asked", "before"), [("1", ""), ("first", "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()")]
)
def test_a_process_stays_what_it_is_unless_it_is_asked_to_be_another_and_all_of_it_can_be(
    run_program: Program, asked: str, before: str
) -> None:
    """A worker's master waits for the process that it started; a thread would be left behind."""
    source = f"""
    import os, threading, time
    import prosaas_logging
    from prosaas_logging.adopt import descriptors

    descriptors.os.getppid = lambda: 1
    {before}
    threads, process = len(os.listdir("/proc/self/task")), os.getpid()
    prosaas_logging.bootstrap("svc")
    os.write(1, b"said\\n")
    assert os.getpid() == process
    assert threading.active_count() >= threads
"""
    done = run_program(source, LOG_JSON="1", **ON | {"LOG_DESCRIPTORS": asked})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "said" in texts(done)


@pytest.mark.parametrize("above", [False, True])
def test_a_switch_is_told_and_counted_once(start_program: Start, tmp_path: Path, above: bool) -> None:
    """The reader follows it without a word."""
    source = f"""
    import sys
    import prosaas_logging
    from prosaas_logging.adopt import descriptors

    descriptors.is_first = lambda: {above}
    prosaas_logging.bootstrap("svc")
    os = descriptors.os
    os.write(1, b"warm\\n")
    sys.stdin.readline()
"""
    switch = tmp_path / "switch.json"
    process = start_program(source, LOG_JSON="0", LOG_SWITCH_FILE=str(switch), **FIRST)
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == b"[INFO] [STDOUT] warm\n"
    asked = Change("service", "", "DEBUG", time.time() + 0.7, 0.7)
    update_state(switch, lambda state: replace(state, changes=(asked,)))
    told = [process.stdout.readline() for _ in range(2)]
    assert len(read_presences(switch)) == 1
    assert ["CHANGED" in line.decode() for line in told] == [True, False]
    time.sleep(0.6)
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.stdout.read() == b""


def test_a_child_that_goes_on_holds_up_no_containers_end(start_program: Start) -> None:
    source = f"""{ABOVE}
    if os.fork() == 0:
        for _ in range(5_000):
            os.write(1, b"still here\\n")
            time.sleep(0.001)
        os._exit(0)
    os.write(1, b"said\\n")
    os._exit(4)
"""
    process = start_program(source, LOG_JSON="1", LOG_CALL_BUDGET="0", **FIRST)
    assert process.stdout
    said = json.loads(process.stdout.readline())
    begun = time.monotonic()
    assert process.wait(20) == 4
    assert time.monotonic() - begun < 5
    assert said["message"] in ("said", "still here")
