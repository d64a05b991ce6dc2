"""Where the tools leave what they write, and how: after a kill or on a full disk a file is the old or the new one."""

import fcntl
import os
import tempfile
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


def replace(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Write the file aside, bring it to the disk, and put it in the place of the old one."""
    descriptor, aside = tempfile.mkstemp(prefix=f"{path.name}.", suffix=ASIDE, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """One process after the other writes there; a lock on the folder itself, which goes with its holder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
