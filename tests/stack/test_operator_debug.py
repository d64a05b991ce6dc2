"""Debugging a running stack from a terminal, and everything that can happen to the terminal."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from stack_world.stack import Stack, docker, eventually
from stack_world.terminal import finish, ops, typed

ON = "Ctrl-C takes it back"


@pytest.fixture(autouse=True)
def _quiet(stack: Stack) -> Iterator[None]:
    """Each test begins and ends at the configured level, in the same container."""
    started = stack.inspect("prosaas-calls")["State"]["StartedAt"]
    yield
    stack.execute("prosaas-calls", "logctl", "reset")
    assert stack.inspect("prosaas-calls")["State"]["StartedAt"] == started


def switches(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stack.execute("prosaas-calls", "logctl", "status", "--json"))["switches"]
    return found


def wait_until_quiet(stack: Stack) -> None:
    eventually(lambda: None if switches(stack) else "quiet", "the switch taken back", 20)


def kept(stack: Stack, screen: str) -> Path:
    """The file that the session named on its screen."""
    return stack.checkout.path / screen.partition("every line goes to ")[2].partition(";")[0]


def test_ctrl_c_takes_the_level_back(stack: Stack) -> None:
    with typed(stack, "make debug-calls FOR=5m") as terminal:
        terminal.expect(ON)
        assert [switch["target"] for switch in switches(stack)] == ["service"]
        terminal.sendintr()
        screen = finish(terminal)
    assert "prosaas-calls is at its configured level again" in screen
    assert "Traceback" not in screen
    assert switches(stack) == []


def test_a_closed_terminal_takes_the_level_back(stack: Stack) -> None:
    with typed(stack, "make debug-calls FOR=5m") as terminal:
        terminal.expect(ON)
        assert switches(stack)
    wait_until_quiet(stack)


def test_a_session_that_is_killed_is_taken_back_by_the_container_itself(stack: Stack) -> None:
    # Long enough for a busy machine to see the session die before its time is over.
    with typed(stack, "make debug-calls FOR=8s") as terminal:
        terminal.expect(ON)
        labels = ("--filter", "label=prosaas.ops.command=debug-calls", "--filter")
        docker("kill", *docker("ps", "--quiet", *labels, f"label=prosaas.ops.project={stack.project}").split())
        finish(terminal)
        assert switches(stack)
    wait_until_quiet(stack)
    stack.wait_for_line("prosaas-calls", "LOG_LEVEL_REVERTED", "הזמן שהוקצב נגמר")


def test_the_end_of_the_time_takes_the_level_back(stack: Stack) -> None:
    with typed(stack, "make debug-calls FOR=2s") as terminal:
        screen = finish(terminal)
        terminal.close()
    assert "the time is over" in screen
    assert terminal.exitstatus == 0
    assert switches(stack) == []


def test_two_operators_do_not_undo_each_other(stack: Stack) -> None:
    with typed(stack, "make debug-calls FOR=5m") as first:
        first.expect(ON)
        with typed(stack, "make debug-calls FOR=5m") as second:
            second.expect(r"another terminal( \(\S+\))? debugs everything since")
            second.expect(ON)
            first.sendintr()
            assert "DEBUG for everything stays on: another terminal" in finish(first)
            assert len(switches(stack)) == 1
            second.sendintr()
            assert "at its configured level again" in finish(second)
    assert switches(stack) == []


def test_quiet_ends_every_session_and_tells_both_sides(stack: Stack) -> None:
    with typed(stack, "make debug-calls BUSINESS=456 FOR=5m") as terminal:
        terminal.expect(ON)
        done = stack.checkout.run("make", "quiet-calls")
        assert re.search(r"another terminal( \(\S+\))? debugs business 456", done.out)
        assert "somebody took it back" in finish(terminal)
    assert switches(stack) == []


def test_one_live_call_is_followed_to_its_end_and_kept_whole(stack: Stack) -> None:
    """The screen is spared by MAX=, the file is not; the call that is not debugged stays at INFO."""
    call_sid, other = f"CA{uuid.uuid4().hex}", f"CA{uuid.uuid4().hex}"
    for sid in (call_sid, other):
        command = ("python", "-m", "simulator", "call", "--speed", "4", "--call-sid", sid)
        docker("exec", "--detach", stack.container("simulator"), *command)
    stack.wait_for_line("prosaas-calls", "CALL_START", call_sid)
    with typed(stack, f"make debug-calls CALL={call_sid} MAX=5") as terminal:
        screen = finish(terminal)
        terminal.close()
    stack.wait_for_line("prosaas-calls", "CALL_END", other)
    assert terminal.exitstatus == 0
    assert "the call ended" in screen
    assert "not shown here, all are in the file" in screen
    lines = kept(stack, screen).read_text().splitlines()
    assert sum("[DEBUG] [MEDIA_IN]" in line for line in lines) > screen.count("[MEDIA_IN]") > 0
    assert other not in "".join(lines)
    assert not [line for line in stack.lines_of_call("prosaas-calls", other) if line.startswith("[DEBUG]")]
    assert switches(stack) == []


def test_a_call_that_is_not_live_matches_nothing(stack: Stack) -> None:
    done = ops(stack, "debug-calls", "CALL=CA0000")
    assert (done.code, done.out) == (3, "")
    assert "CA0000 is not live now; live calls: none" in done.err


@pytest.mark.parametrize(
    ("words", "help_"),
    [
        (("FOR=soon",), "FOR=soon is not a duration: write FOR=90s"),
        (("CALL=123",), "CALL=123 is not a call id"),
        (("CAL=CA1",), "debug-calls does not know CAL="),
        (("CALL=CA1", "PHONE=+972501234567"), "give only one of"),
        (("MAX=0",), "MAX=0 is not a whole number"),
    ],
)
def test_wrong_words_end_with_2_and_one_line_that_helps(stack: Stack, words: tuple[str, ...], help_: str) -> None:
    done = ops(stack, "debug-calls", *words)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert help_ in done.err


def test_a_misspelt_name_is_caught_through_make_too(stack: Stack) -> None:
    done = stack.checkout.run("make", "debug-calls", "CAL=CA1", check=False)
    assert done.code != 0
    assert "debug-calls does not know CAL=: it takes CALL= BUSINESS= PHONE= FOR= MAX=" in done.err


def test_the_other_services_are_debugged_the_same_way(stack: Stack) -> None:
    for service in ("api", "worker"):
        with typed(stack, f"make debug-{service} FOR=5m") as terminal:
            terminal.expect(ON)
            terminal.sendintr()
            assert terminal.expect(["at its configured level again", pexpect.EOF]) == 0
