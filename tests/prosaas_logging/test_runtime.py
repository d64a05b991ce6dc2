"""One call starts logging in a process, and every way out of it passes a bounded flush."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .conftest import Program

Start = Callable[..., subprocess.Popen[bytes]]

BEGIN = """
import os, sys, time
from prosaas_logging import bootstrap, flush, get_logger, scope, shutdown
bootstrap("prosaas-calls", version="1.2")
log = get_logger("program")
"""


def test_bootstrap_is_enough_and_the_last_line_of_a_program_is_not_lost(run_program: Program) -> None:
    done = run_program(BEGIN + "log.info('last')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[INFO] last\n", "")


def test_a_second_bootstrap_changes_nothing(run_program: Program) -> None:
    done = run_program(BEGIN + "print(bootstrap('other').service)\nlog.debug('no')")
    assert done.stdout == "[INFO] [STDOUT] prosaas-calls\n"


def test_a_wrong_level_is_said_once_with_the_valid_ones(run_program: Program) -> None:
    done = run_program(BEGIN + "log.info('on')", LOG_LEVEL="LOUD")
    first, second = done.stdout.splitlines()
    assert first.startswith("[WARNING] ⚠️ [CONFIG_INVALID]")
    assert "LOG_LEVEL=LOUD" in first
    assert "DEBUG, INFO, WARNING, ERROR, CRITICAL" in first
    assert second == "[INFO] on"


def test_levels_decide_what_is_said(run_program: Program) -> None:
    program = BEGIN + "for name in ('debug', 'info', 'warning', 'error', 'critical'): getattr(log, name)(name)"
    for level, lines in (("DEBUG", 5), ("info", 4), ("WARNING", 3), ("ERROR", 2), ("CRITICAL", 1)):
        assert len(run_program(program, LOG_LEVEL=level).stdout.splitlines()) == lines


def test_an_uncaught_exception_is_one_critical_record_with_its_stack(run_program: Program) -> None:
    done = run_program(BEGIN + "raise ValueError('the end')", LOG_JSON="1")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    content = json.loads(line)
    assert (content["severity"], content["error"]["kind"]) == ("CRITICAL", "ValueError")
    assert content["error"]["stack"].endswith("ValueError: the end")


def test_sigterm_ends_a_program_as_usual_but_with_its_lines_written(start_program: Start) -> None:
    process = start_program(BEGIN + "log.info('last words')\nos.write(2, b'!')\ntime.sleep(60)")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stderr.read(1) == b"!"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert b"last words" in process.stdout.read()


def test_sigterm_with_a_reader_that_never_resumes_still_ends(start_program: Start) -> None:
    process = start_program(
        BEGIN + "log.info('ready')\nflush()\nfor _ in range(5000): log.info('x' * 200)\n"
        "os.write(2, b'filled')\ntime.sleep(60)"
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stderr.read(6) == b"filled"
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert time.monotonic() - began < 5


def test_a_program_s_own_sigterm_handler_is_left_alone(run_program: Program) -> None:
    done = run_program(
        "import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        + BEGIN
        + "log.info('last')\nos.kill(os.getpid(), signal.SIGTERM)"
    )
    assert (done.returncode, done.stdout) == (7, "[INFO] last\n")


def test_a_forked_child_writes_its_own_lines_and_not_its_parent_s(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
for number in range(50):
    log.info(f"parent {number}")
pid = os.fork()
if pid == 0:
    for number in range(50):
        log.info(f"child {number}")
    os._exit(0)
os.waitpid(pid, 0)
log.info("parent last")
"""
    )
    lines = done.stdout.splitlines()
    for who in ("parent", "child"):
        own = [line for line in lines if line.startswith(f"[INFO] {who}") and not line.endswith("last")]
        assert own == [f"[INFO] {who} {number}" for number in range(50)]
    assert lines.count("[INFO] parent last") == 1


def test_multiprocessing_children_lose_nothing(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import multiprocessing
def work(number):
    log.info("child", number=number)
with multiprocessing.get_context("fork").Pool(3) as pool:
    pool.map(work, range(30))
    pool.close()
    pool.join()
"""
    )
    assert sorted(done.stdout.splitlines()) == sorted(f"[INFO] child: number={number}" for number in range(30))


def test_lines_of_many_processes_on_one_pipe_do_not_mix(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        for number in range(500):
            log.info("x" * 300, child=child, number=number)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
""",
        LOG_JSON="1",
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 2000
    for child in range(4):
        assert [line["number"] for line in lines if line["child"] == child] == list(range(500))


def test_a_line_logged_while_the_interpreter_ends_is_written(run_program: Program) -> None:
    done = run_program("import atexit\natexit.register(lambda: log.info('from an exit handler'))\n" + BEGIN)
    assert done.stdout == "[INFO] from an exit handler\n"


def test_logging_from_a_signal_handler_does_not_lock_up(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import signal
signal.signal(signal.SIGALRM, lambda *_: log.error("from a handler"))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
deadline = time.monotonic() + 1
while time.monotonic() < deadline:
    log.error("from the program")
signal.setitimer(signal.ITIMER_REAL, 0)
log.info("alive")
"""
    )
    assert "[INFO] alive" in done.stdout.splitlines()


def test_stdout_that_nobody_reads_any_more_does_not_end_a_program(start_program: Start) -> None:
    process = start_program(
        BEGIN + "sys.stdin.readline()\nfor _ in range(100): log.info('x'); flush(0.1)\nos.write(2, b'alive')"
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stdin.write(b"go\n")
    process.stdin.flush()
    assert process.stderr.read() == b"alive"
    assert process.wait(10) == 0


def test_a_program_without_stdout_still_works(run_program: Program) -> None:
    done = run_program("import os\nos.close(1)\n" + BEGIN + "log.info('to nobody')\nos.write(2, b'alive')")
    assert (done.returncode, done.stderr) == (0, "alive")


def test_an_error_writes_the_blackbox_and_says_so(run_program: Program, tmp_path: Path) -> None:
    done = run_program(
        BEGIN
        + """
with scope(call_sid="CA9"):
    log.debug("jitter buffer", depth=3)
    log.error("failed")
"""
    )
    assert "jitter" not in done.stdout
    assert f"{tmp_path}/blackbox/CA9.jsonl" in done.stdout
    assert "jitter buffer" in (tmp_path / "blackbox" / "CA9.jsonl").read_text()


def test_losses_are_reported_in_one_line_when_the_pipe_moves_again(start_program: Start) -> None:
    process = start_program(
        BEGIN + "for _ in range(20000): log.info('x' * 200); time.sleep(0)\nos.write(2, b'f')\ntime.sleep(60)",
        LOG_BUFFER="65536",
    )
    assert process.stderr is not None
    assert process.stdout is not None
    assert process.stderr.read(1) == b"f"
    for line in process.stdout:
        if b"[LOG_DROPPED]" in line:
            assert b"INFO" in line
            break
    else:
        raise AssertionError("no report")
