"""One command at a time changes the stack: a lock that is its process's, which nothing has to clear after a kill."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from prosaas_ops.options import Problem
from prosaas_ops.texts import conduct as words

# In the folder of the checkout; those that only ask have it mounted there, and nothing else of who acts.
FILE = Path(".state/lock")


@contextmanager
def held(path: Path, command: str) -> Iterator[None]:
    """The lock while the block runs, with a word of whose it is; a Problem where it is another's."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("a+b", buffering=0) as lock:
        if not _taken(lock):
            raise Problem(words.ANOTHER_COMMAND(which=_who(lock)))
        lock.truncate(0)
        # On a full disk nobody is told who it is: to mend that, commands must run.
        with suppress(OSError):
            lock.write(f"make {command}, since {time.strftime('%H:%M:%S', time.gmtime())} UTC\n".encode())
        yield


def at_work(path: Path = FILE) -> str:
    """The command that changes the stack just now, in the words of its lock; nothing where none is known to."""
    with suppress(FileNotFoundError, PermissionError), path.open("rb", buffering=0) as lock:
        try:
            # Shared, and let go at once: who asks keeps nobody from anything.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _who(lock)
    return ""


def _taken(lock: IO[bytes]) -> bool:
    """Whether it is this process's now; a look at it takes no time, and a command longer than these tries."""
    for _ in range(5):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.02)
    return False


def _who(lock: IO[bytes]) -> str:
    lock.seek(0)
    return lock.read().decode(errors="replace").strip() or str(words.UNNAMED)
