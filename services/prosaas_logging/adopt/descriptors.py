"""Descriptors 1 and 2: what C code, ``os.write`` and child processes write there is read by a process of its own.

A thread of this one would wait for the interpreter's lock while somebody who holds it waits for room in the pipe, and
would be gone after ``exec`` and with a crash. The reader lives until nobody has the pipes any more. Where the end of
this process is a container's, and so the end of all beside it, it can stand above it (``first``): the service is its
child then. That is asked for, never found out: a child has not its parent's threads, locks of files or process id.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

# Where the process's own output is, too, once 1 and 2 lead to the reader.
ours: Final[list[int]] = [1, 2]
# Above what a spawned process gets by number.
_HIGH: Final = 10
_ROOT: Final = Path(__file__).parents[2]
_READER: Final = "import sys; sys.path[:0] = [{root!r}]; from prosaas_logging.adopt.relay import {does}"
# Where the reader has the pipe of descriptor 2; that of 1 is its standard input.
ERRORS: Final = 3
_PIPE_BYTES: Final = 1024**2
_LOOK_S: Final = 0.002
# What is sent to a container's first process is meant for its service: all but what is the process's own.
PASSED_ON: Final = signal.valid_signals() - {
    signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE,
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS, signal.SIGABRT,
}  # fmt: skip


class Descriptors:
    """Descriptors 1 and 2 of this process lead to a reader; ``output`` is where its own lines go."""

    def __init__(self, service: str, *, first: bool = False) -> None:
        self._owner = os.getpid()
        self.output, self._errors = _high(1), _high(2)
        reads, writes = zip(_pipe(), _pipe(), strict=True)
        self._reads: Final[tuple[int, ...]] = reads
        # None where it is this process's parent.
        self._reader: int | None = None
        try:
            if first and is_first():
                self._become_child(service)
            else:
                self._reader = self._spawned(service)
            for number, write in enumerate(writes, 1):
                os.dup2(write, number)
        finally:
            for write in writes:
                os.close(write)
        ours[:] = [1, 2, self.output, self._errors]

    def _spawned(self, service: str) -> int:
        return os.posix_spawn(
            sys.executable,
            _reader(f"main; main({service!r})"),
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, there, here) for there, here in self._for_reader()],
            # Ctrl-C at a terminal is for the service, whose last words are to be read.
            setsid=True,
        )

    def _become_child(self, service: str) -> None:
        """The service goes on in a child of this process, which becomes the reader, and ends as its child does."""
        # Whom it starts is not the first of a container.
        os.environ["LOG_DESCRIPTORS"] = "1"
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {*PASSED_ON, signal.SIGCHLD})
        # Ignored, the end of a child would leave no exit code; ``exec`` keeps that.
        chld = signal.signal(signal.SIGCHLD, signal.SIG_DFL) or signal.SIG_DFL
        try:
            if child := os.fork():
                try:
                    for there, here in self._for_reader():
                        os.dup2(there, here)
                    os.execv(sys.executable, _reader(f"attend; attend({service!r}, {child})"))
                finally:
                    # Without a reader the service would wait for ever: the container starts anew.
                    os.kill(child, signal.SIGKILL)
                    os._exit(1)
        finally:
            signal.signal(signal.SIGCHLD, chld)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._owner = os.getpid()

    def _for_reader(self) -> tuple[tuple[int, int], ...]:
        """Where its descriptors come from: both pipes, and where what it reads is written."""
        return (self._reads[0], 0), (self.output, 1), (self._errors, 2), (self._reads[1], ERRORS)

    def lost(self) -> bool:
        """Whether the reader has ended, said once; descriptors 1 and 2 are then what they were."""
        if self._reader is None or os.getpid() != self._owner or not self._ended(self._reader):
            return False
        self._give_back()
        return True

    def finish(self, seconds: float) -> None:
        """Give the descriptors back, and wait until what was written is read; a child that still has them may go on."""
        if os.getpid() != self._owner:
            return
        self._give_back()
        if self._reader is None:
            # It waits for our end, and then reads what is left.
            return
        deadline = time.monotonic() + seconds
        # Whoever asks a second time for the end has it.
        with suppress(KeyboardInterrupt):
            while not self._ended(self._reader) and time.monotonic() < deadline:
                time.sleep(_LOOK_S)

    def _ended(self, reader: int) -> bool:
        try:
            return os.waitpid(reader, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True

    def _give_back(self) -> None:
        self._owner = 0
        for number, before in ((1, self.output), (2, self._errors)):
            os.dup2(before, number)
        # Kept until now: without a reader, whoever wrote would have been killed for it.
        for read in self._reads:
            os.close(read)


def capture(service: str, *, first: bool = False) -> Descriptors | None:
    """None where it cannot be: a descriptor is closed, or no process can be started."""
    with suppress(OSError):
        return Descriptors(service, first=first)
    return None


def is_first() -> bool:
    """Whether a container ends with this process, its first one or what its init started, and a child has all of it."""
    return 1 in (os.getpid(), os.getppid()) and len(os.listdir("/proc/self/task")) == 1


def _reader(does: str) -> list[str]:
    return [sys.executable, "-I", "-c", _READER.format(root=str(_ROOT), does=does)]


def _high(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH)


def _pipe() -> tuple[int, int]:
    low = os.pipe()
    try:
        read, write = (_high(fd) for fd in low)
    finally:
        for fd in low:
            os.close(fd)
    with suppress(OSError):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read, write
