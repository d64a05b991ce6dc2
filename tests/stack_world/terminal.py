"""An operator at a terminal: commands typed, keys pressed, the screen read."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pexpect

from bundle_world.checkout import Done, clean_environment
from stack_world.stack import Stack

_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@contextmanager
def typed(stack: Stack, command: str, seconds: float = 60) -> Iterator[pexpect.spawn]:
    """The command in a terminal of its own, which is closed at the end whatever happened."""
    environment = clean_environment() | {"TERM": "xterm-256color"}
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", command],
        cwd=str(stack.checkout.path),
        env=environment,
        encoding="utf-8",
        timeout=seconds,
        dimensions=(50, 200),
    )
    screen = child.logfile_read = io.StringIO()
    try:
        yield child
    except (pexpect.EOF, pexpect.TIMEOUT):
        # pexpect shows the last hundred characters alone.
        print(_CONTROL.sub("", screen.getvalue()))
        raise
    finally:
        child.close(force=True)


def finish(child: pexpect.spawn) -> str:
    """Everything still to come on the screen, without its colours."""
    child.expect(pexpect.EOF)
    return _CONTROL.sub("", child.before or "")


def ops(stack: Stack, *words: str, timeout: float = 120) -> Done:
    """The tool behind a make target, whose own exit code make would hide behind its 2."""
    return stack.checkout.run("scripts/run", *words, check=False, timeout=timeout)
