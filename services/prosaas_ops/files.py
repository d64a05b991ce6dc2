"""Where the tools leave what they write."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# How the names end of what is being written: whoever is killed over it leaves one, perhaps with a password in it.
ASIDE = ".aside"


def output_folder() -> Path:
    """Where files for the operator go: logs/ in the project's folder, mounted here."""
    folder = Path("logs")
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """One process after the other writes there; a lock on the folder itself, which goes with its holder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
