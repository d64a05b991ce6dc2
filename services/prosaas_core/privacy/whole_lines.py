"""A file of lines that is only added to: each is in it whole or not at all, also where the disk is full."""

import errno
import fcntl
import os
from pathlib import Path


def append(path: Path, line: str) -> tuple[int, int]:
    """Add the line, on the disk when this returns; where it begins and ends. OSError where there is no room for it."""
    row = f"{line}\n".encode()
    with path.open("a+b", buffering=0) as file:
        # Nobody adds between a line that found no room and its being taken back.
        fcntl.flock(file, fcntl.LOCK_EX)
        before = start = file.seek(0, os.SEEK_END)
        if before and os.pread(file.fileno(), 1, before - 1) != b"\n":
            # Cut short by a process or a machine that died: it is not to take this one with it.
            row, start = b"\n" + row, start + 1
        try:
            if file.write(row) < len(row):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise
        return start, before + len(row)
