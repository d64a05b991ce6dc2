"""What a container's first process does for its service: it reads what is written past the log, to the very end."""

import subprocess

import pytest

from stack_world.stack import Stack

pytestmark = pytest.mark.docker

CRASH = """
import os, prosaas_logging
prosaas_logging.bootstrap("svc")
os.write(2, b"terminate called\\n")
os.abort()
"""


@pytest.mark.parametrize("service", ["api", "calls", "worker"])
def test_the_last_words_of_a_crash_are_events_before_the_container_ends(stack: Stack, service: str) -> None:
    command = ["docker", "run", "--rm", "--init", "--env=LOG_LANG=en", stack.image(service), "python", "-c", CRASH]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 134, done.stderr
    assert "[STDERR] terminate called" in done.stdout
    assert "Fatal Python error: Aborted" in done.stdout


def test_each_service_has_its_reader_above_it(stack: Stack) -> None:
    """And a drain reaches it all the same, as the tests of deploys show."""
    for service in ("prosaas-api", "prosaas-calls", "worker"):
        top = subprocess.run(
            ["docker", "top", stack.container(service), "-eo", "pid,ppid,args"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows = {row.split(None, 2)[0]: row.split(None, 2)[1:] for row in top.stdout.splitlines()[1:]}
        (reader,) = [pid for pid, (_, args) in rows.items() if "attend(" in args]
        assert [args for parent, args in rows.values() if parent == reader]
