"""Writes to a file descriptor without blocking, whether or not anybody reads at its other end."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from typing import Final

from .real import poll

# Of poll(2): eventlet takes this away, too.
_POLLOUT: Final = 4
# What a pipe takes in one piece: whole lines up to this size never interleave with another process's.
ATOMIC: Final = 4096
# A file takes any piece whole; longer ones save little.
_LARGE: Final = 64 * 1024
# What a pipe may hold where the kernel allows it, so that a reader that is busy elsewhere does not make us wait.
_PIPE_BYTES: Final = 1024**2


class Outlet:
    """Where lines leave the process."""

    def __init__(self, fd: int) -> None:
        own = _reopen_nonblocking(fd)
        self._fd = fd if own is None else own
        self._bounded = own is None
        # How many bytes of whole lines to write at once.
        self.longest: Final = _LARGE if _is_file(self._fd) else ATOMIC
        self._poll = poll()
        self._poll.register(self._fd, _POLLOUT)

    def wait(self, seconds: float) -> bool:
        """Whether something can be written within *seconds*; a closed descriptor can: the write then says so."""
        return bool(self._poll.poll(seconds * 1000))

    def write(self, data: bytes) -> int:
        """Write what fits of *data*, perhaps nothing; OSError when the other end is gone."""
        if self._bounded and not self.wait(0):
            return 0
        try:
            return os.write(self._fd, data[: self.longest] if self._bounded else data)
        except (BlockingIOError, InterruptedError):
            return 0


def _reopen_nonblocking(fd: int) -> int | None:
    """A non-blocking door of our own to the same pipe.

    O_NONBLOCK on the descriptor itself would belong to every process that shares it, and surprise them. Where the door
    cannot be opened (not a pipe, another user's pipe) the descriptor is polled, and given no more than a pipe that
    polls writable takes without blocking.
    """
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            own = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with suppress(OSError):
                if fcntl.fcntl(own, fcntl.F_GETPIPE_SZ) < _PIPE_BYTES:
                    fcntl.fcntl(own, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            return own
    except OSError:
        return None
    return None


def _is_file(fd: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False
