"""The process that reads what others write to a service's descriptors 1 and 2, and says it as events, line by line."""

from __future__ import annotations

import math
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Final, NoReturn

from ..logger import get_logger
from ..runtime import relay, shutdown
from ..settings import load_settings
from .descriptors import ERRORS, PASSED_ON
from .prints import Printed

_PIECE: Final = 64 * 1024
# What a service left in the pipes, and what its children go on to say, is read for so long.
_LAST_S: Final = 1.0

Says = dict[int, Callable[[bytes], object]]


def main(service: str) -> None:
    """Until nobody has the pipes any more. It is not asked to end: what is in them is somebody's last words."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    relay(load_settings(service))
    _read(_events())
    shutdown()


def attend(service: str, child: int) -> NoReturn:
    """Until the service, a child of this process, has ended; then end as it did. Signals are passed on to it."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    ended = os.pidfd_open(child)
    try:
        try:
            relay(load_settings(service))
        finally:
            # Not before: what another thread gets, this one would hear of when something else wakes it.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        _read(_events(), ended)
    except Exception:
        get_logger("prosaas_logging").exception("what is written to descriptors 1 and 2 is no event any more")
        # Unread, the pipes would fill, and the service wait for room in them.
        _read({0: partial(os.write, 1), ERRORS: partial(os.write, 2)}, ended)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # As an init and a shell say it of a process that a signal ended.
    os._exit(code if code >= 0 else 128 - code)


def _events() -> Says:
    """What makes events of what comes from each descriptor."""
    streams = {0: sys.stdout, ERRORS: sys.stderr}
    return {fd: stream.write_bytes for fd, stream in streams.items() if isinstance(stream, Printed)}


def _read(says: Says, ended: int | None = None) -> None:
    """Say what comes, until nothing more can, or what is left once the process behind *ended* is over."""
    left = set(says)
    poll = select.poll()
    for fd in (*left, *([] if ended is None else [ended])):
        poll.register(fd, select.POLLIN)
    until = math.inf
    while left and time.monotonic() < until:
        ready = [fd for fd, _ in poll.poll(None if until == math.inf else 0)]
        if not ready:
            return
        for fd in ready:
            if fd == ended:
                poll.unregister(fd)
                until = time.monotonic() + _LAST_S
            elif data := os.read(fd, _PIECE):
                says[fd](data)
            else:
                poll.unregister(fd)
                left.remove(fd)
