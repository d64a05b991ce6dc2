"""The process that reads what others write to a service's descriptors 1 and 2, and says it as events, line by line."""

from __future__ import annotations

import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, NoReturn

from ..logger import get_logger
from ..runtime import relay, shutdown
from ..settings import load_settings
from .descriptors import ERRORS, PASSED_ON
from .prints import Printed

_PIECE: Final = 64 * 1024
# What a service left in the pipes, and what its children go on to say, is read for so long.
_LAST_S: Final = 1.0
# Linux's SI_KERNEL: no process sent it. What a terminal says so it says to the whole group; a hang-up, to its leader.
_BY_KERNEL: Final = 0x80
_TO_ALL: Final = {
    signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU
}  # fmt: skip

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
    # They have been kept since before it was born. Not a handler: another thread may get what this one waits through.
    threading.Thread(target=_pass_on, args=(child,), daemon=True).start()
    ended = os.pidfd_open(child)
    try:
        relay(load_settings(service))
        _read(_events(), ended)
    except Exception:
        get_logger("prosaas_logging").exception("what is written to descriptors 1 and 2 is no event any more")
        # Unread, the pipes would fill, and the service wait for room in them.
        _read({0: partial(_as_it_is, 1), ERRORS: partial(_as_it_is, 2)}, ended)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # As an init and a shell say it of a process that a signal ended.
    os._exit(code if code >= 0 else 128 - code)


def _pass_on(child: int) -> None:
    """What is sent to this process goes to its child; other children, whose parents are gone, are taken leave of."""
    while True:
        told = signal.sigwaitinfo({*PASSED_ON, signal.SIGCHLD})
        if told.si_signo == signal.SIGCHLD:
            _reap(child)
        # A terminal has told both of a Ctrl-C: they are one group.
        elif told.si_code != _BY_KERNEL or told.si_signo not in _TO_ALL:
            with suppress(ProcessLookupError):
                os.kill(child, told.si_signo)


def _reap(child: int) -> None:
    with suppress(ChildProcessError):
        while (gone := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and gone.si_pid != child:
            os.waitpid(gone.si_pid, 0)


def _as_it_is(fd: int, data: bytes) -> None:
    with suppress(OSError):
        while data:
            data = data[os.write(fd, data) :]


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
        left_ms = None if until == math.inf else max(0.0, until - time.monotonic()) * 1000
        for fd, _ in poll.poll(left_ms):
            if fd == ended:
                poll.unregister(fd)
                until = time.monotonic() + _LAST_S
            elif data := os.read(fd, _PIECE):
                says[fd](data)
            else:
                poll.unregister(fd)
                left.remove(fd)
