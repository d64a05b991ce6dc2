"""One call starts logging in a process, and every way out of it passes a bounded flush."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Program

Start = Callable[..., subprocess.Popen[bytes]]

BEGIN = """
import os, sys, time
from prosaas_logging import bootstrap, flush, get_logger, scope, shutdown
bootstrap("prosaas-calls", version="1.2")
log = get_logger("program")
"""
# One long sleep would not hear of a signal that comes in the moment in which it begins.
WAITS = "[time.sleep(0.05) for _ in range(1200)]"


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
    process = start_program(BEGIN + f"log.info('last words')\nos.write(2, b'!')\n{WAITS}")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stderr.read(1) == b"!"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert b"last words" in process.stdout.read()


def test_sigterm_with_a_reader_that_never_resumes_still_ends(start_program: Start) -> None:
    process = start_program(
        BEGIN + "log.info('ready')\nflush()\nfor _ in range(5000): log.info('x' * 200)\n"
        "os.write(2, b'filled')\n" + WAITS
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


def test_a_flush_that_nobody_reads_gives_up_when_its_time_is_over_and_says_so(start_program: Start) -> None:
    process = start_program(
        BEGIN + "for _ in range(5000): log.info('x' * 200)\n"
        "began = time.monotonic(); done = flush(0.2)\n"
        "os.write(2, f'{done} {time.monotonic() - began < 2}.'.encode())\n" + WAITS
    )
    assert process.stderr is not None
    late = threading.Timer(20, process.kill)
    late.start()
    assert process.stderr.read(11) == b"False True."
    late.cancel()


def test_losses_are_reported_in_one_line_when_the_pipe_moves_again(start_program: Start) -> None:
    process = start_program(
        BEGIN + "for _ in range(20000): log.info('x' * 200); time.sleep(0)\nos.write(2, b'f')\n" + WAITS,
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


WAYS_OUT = {
    "os._exit": "os._exit(1)",
    "os._exit, imported before": "leave(1)",
    "abort": "os.abort()",
    "exec": "os.execv('/bin/true', ['true'])",
    "SIGHUP": "os.kill(os.getpid(), signal.SIGHUP)",
    "SIGQUIT": "os.kill(os.getpid(), signal.SIGQUIT)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
}


# An error waits fifty milliseconds for its line; that long a new thread may wait for a busy processor.
@pytest.mark.alone
@pytest.mark.parametrize("way", WAYS_OUT)
def test_an_error_is_written_however_the_process_ends(run_program: Program, way: str) -> None:
    done = run_program(
        f"""
import os, signal
leave = os._exit
{BEGIN}
for number in range(10):
    pid = os.fork()
    if pid == 0:
        log.info("on the way")
        log.critical("last words", number=number)
        {WAYS_OUT[way]}
    os.waitpid(pid, 0)
"""
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if "last words" in line] == [
        f"[CRITICAL] last words: number={number}" for number in range(10)
    ]
    assert lines.count("[INFO] on the way") == 10


def test_hard_exits_keep_their_name_and_flush_what_was_said_in_the_parent_too(run_program: Program) -> None:
    done = run_program(BEGIN + "log.info('last')\nassert os._exit.__name__ == '_exit'\nos._exit(3)")
    assert (done.returncode, done.stdout) == (3, "[INFO] last\n")


def test_what_is_counted_or_half_printed_is_said_by_the_parent_alone(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
for _ in range(5):
    log.warning("again")
print("half a line", end="")
flush()
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        print("a child's line")
        os._exit(0)
    os.waitpid(pid, 0)
print(" and the other half")
"""
    )
    lines = done.stdout.splitlines()
    assert sum("half a line and the other half" in line for line in lines) == 1
    assert sum("half a line" in line for line in lines) == 1
    assert sum("[REPEATED]" in line for line in lines) == 1
    assert sum(line.endswith("a child's line") for line in lines) == 2


PRESENT = """
from prosaas_logging.runtime import _running
from prosaas_logging.switch_state import read_presences
_running.settings.switch_file.parent.mkdir()
_running.switch._present = False
def present():
    return [presence.pid for presence in read_presences(_running.settings.switch_file)]
deadline = time.monotonic() + 10
while present() != [os.getpid()]:
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""

CHILDREN = {
    "fork and exec": "pid = os.fork()\nif pid == 0: os.execv('/bin/sleep', ['sleep', '60'])",
    "a forked child that logs before its exec": (
        "pid = os.fork()\nif pid == 0:\n    log.error('about to exec')\n    os.execv('/bin/sleep', ['sleep', '60'])"
    ),
    "preexec_fn": "import subprocess\npid = subprocess.Popen(['sleep', '60'], preexec_fn=lambda: None).pid",
    "a preexec_fn that logs": (
        "import subprocess\npid = subprocess.Popen(['sleep', '60'], preexec_fn=lambda: log.info('soon')).pid"
    ),
    "posix_spawn": "pid = os.posix_spawn('/bin/sleep', ['sleep', '60'], os.environ)",
}


@pytest.mark.parametrize("child", CHILDREN)
def test_a_child_that_becomes_another_program_is_no_logging_process(run_program: Program, child: str) -> None:
    done = run_program(
        f"{BEGIN}{PRESENT}{CHILDREN[child]}\n"
        """
time.sleep(0.6)
os.write(2, json.dumps([present() == [os.getpid()], os.path.exists(f"/proc/{pid}")]).encode())
os.kill(pid, 9)
""".replace("json.dumps", "__import__('json').dumps")
    )
    assert (done.returncode, done.stderr) == (0, "[true, true]")


def test_a_forked_child_starts_no_thread_before_it_says_something(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
pid = os.fork()
if pid == 0:
    before = len(os.listdir("/proc/self/task"))
    log.debug("kept for nobody")
    os.write(2, f"{before} {len(os.listdir('/proc/self/task'))}".encode())
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    assert done.stderr == "1 2"


def test_a_forked_child_that_says_nothing_at_info_still_follows_the_switch(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + PRESENT
        + """
from prosaas_logging.switch_state import Change, State, update_state
pid = os.fork()
if pid == 0:
    change = Change("call", "CA1", "DEBUG", time.time() + 60)
    update_state(_running.settings.switch_file, lambda state: State(0, (change,)))
    deadline = time.monotonic() + 10
    with scope(call_sid="CA1") as call:
        log.debug("not watched yet")
        while call.level > 10 and time.monotonic() < deadline:
            time.sleep(0.02)
        log.debug("watched")
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    lines = [line for line in done.stdout.splitlines() if "[LOG_LEVEL_CHANGED]" not in line]
    assert lines == ["[DEBUG] watched · call_sid=CA1"]


def test_a_library_s_info_line_does_not_slip_through_as_a_child_s_first(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
import logging
logging.getLogger("gunicorn.error").setLevel(1)
pid = os.fork()
if pid == 0:
    logging.getLogger("gunicorn.error").info("Booting worker")
    log.info("own")
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    assert done.stdout == "[INFO] own\n"


def test_the_first_debug_line_of_a_child_is_in_its_recorder(run_program: Program, tmp_path: Path) -> None:
    run_program(
        BEGIN
        + """
pid = os.fork()
if pid == 0:
    with scope(job_id="7"):
        log.debug("first step")
        log.error("failed")
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    assert "first step" in (tmp_path / "blackbox" / "7.jsonl").read_text()


def test_after_the_last_shutdown_equal_warnings_are_all_written(run_program: Program) -> None:
    done = run_program("import atexit\natexit.register(lambda: [log.warning('late') for _ in range(3)])\n" + BEGIN)
    assert done.stdout == "[WARNING] late\n" * 3


def test_one_value_that_cannot_be_rendered_does_not_silence_the_log(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + """
from prosaas_logging import trouble
trouble.WINDOW_SECONDS = 0.3
for _ in range(3):
    log.warning("huge", n=10**5000)
time.sleep(1)
log.warning("huge", n=10**5000)
log.info("next")
assert flush(5)
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "[INFO] next" in done.stdout.splitlines()


def test_the_first_output_stream_keeps_its_own_descriptor(run_program: Program) -> None:
    done = run_program(
        BEGIN
        + "import subprocess\nsubprocess.run(['echo', 'from a child'], stdout=sys.__stdout__, check=True)\n"
        + "print('an event', file=sys.__stdout__)"
    )
    assert done.stdout.splitlines() == ["from a child", "[INFO] [STDOUT] an event"]
    assert done.stderr == ""


@pytest.mark.parametrize(("more", "heard"), [("", False), ("threading.Timer(0.3, time.time).start()", True)])
def test_python_s_warning_of_a_fork_is_kept_unless_the_threads_are_the_log_s(
    run_program: Program, more: str, heard: bool
) -> None:
    done = run_program(
        f"""
import threading, warnings
{BEGIN}
{more}
warnings.simplefilter("always")
warnings.warn("This process (pid=1) is multi-threaded, use of fork() may lead to deadlocks", DeprecationWarning)
"""
    )
    assert ("use of fork()" in done.stdout) is heard
