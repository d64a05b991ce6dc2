"""What these tools left on this machine about a person: found by what is in it, and taken away."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from re import Pattern

from prosaas_core.privacy.files import sweep
from prosaas_ops.files import ASIDE, replace, turn
from prosaas_ops.stack.buried import KEPT

OUTPUT = Path("logs")
_CHUNK = 1 << 16


def found(pattern: "Pattern[bytes]") -> list[Path]:
    """The files of logs/ that are about the person: an archive or a page is as a whole, a half that a kill left too."""
    return [path for path in sorted(_there(OUTPUT)) if pattern.search(path.name.encode()) or _holds(path, pattern)]


def kept_lines(pattern: "Pattern[bytes]") -> dict[Path, int]:
    """The kept logs of replaced containers that have lines about the person, and how many."""
    counted = {path: sum(theirs for _, theirs in _rows(path, pattern)) for path in _files(KEPT)}
    return {path: count for path, count in counted.items() if count}


def take_away(pattern: "Pattern[bytes]") -> None:
    """Remove the files, and of kept logs the lines with the stack traces below them."""
    for path in found(pattern):
        path.unlink(missing_ok=True)
    if not KEPT.is_dir():
        return
    with turn(KEPT):
        # Nobody writes there now: what is half written a kill has left, and nobody looks into it.
        for half in KEPT.glob(f"*{ASIDE}"):
            half.unlink(missing_ok=True)
        for path in kept_lines(pattern):
            # What is too old is swept without asking anybody.
            with suppress(FileNotFoundError):
                _without(path, pattern)


def sweep_old(root: Path, captures_days: float, lines_days: float, refused: list[OSError]) -> int:
    """Remove what is older than its setting; how many files that was. What cannot be removed is told in `refused`."""
    return sweep(root / OUTPUT, ("*",), captures_days, refused) + sweep(root / KEPT, ("*",), lines_days, refused)


def _without(path: Path, pattern: "Pattern[bytes]") -> None:
    """Put in its place what is left without their lines, as old as it was."""
    stamp = path.stat().st_mtime
    rest = b"".join(row for row, theirs in _rows(path, pattern) if not theirs)
    replace(path, gzip.compress(rest))
    os.utime(path, (stamp, stamp))


def _files(folder: Path) -> list[Path]:
    """Not what somebody is writing just now: that has a name of its own until it is whole."""
    return sorted(path for path in _there(folder) if path.suffix != ASIDE)


def _there(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*") if path.is_file() and not path.is_symlink())


def _holds(path: Path, pattern: "Pattern[bytes]") -> bool:
    try:
        return any(pattern.search(part) for part in _parts(path.read_bytes()))
    except FileNotFoundError:
        return False


def _parts(data: bytes) -> Iterator[bytes]:
    """The content, and what is packed in it: of an archive that a kill or a full disk cut short, as far as it goes."""
    yield data
    unpacked = bytearray()
    with suppress(OSError, EOFError, zlib.error), gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while part := file.read1(_CHUNK):
            unpacked += part
    yield bytes(unpacked)


def _rows(path: Path, pattern: "Pattern[bytes]") -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether it is theirs; one that is indented belongs to the line above it."""
    theirs = False
    try:
        with gzip.open(path, "rb") as file:
            for row in file:
                if not row.partition(b" ")[2].startswith((b" ", b"\t")):
                    theirs = pattern.search(row) is not None
                yield row, theirs
    except (OSError, EOFError, zlib.error):
        return
