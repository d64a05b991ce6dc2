"""The lines of generations that are gone: a deploy keeps them beside its state, one file for each container."""

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from prosaas_ops.options import complain
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.texts.told import KEPT_DAMAGED

KEPT = Path(".state/lines")


def file_of(service: str, container: str) -> Path:
    """Where the lines of the container with this id are, once it is taken away."""
    return KEPT / f"{service}.{container[:12]}.gz"


def lines(path: Path, service: str, since: float | None, until: float | None) -> Iterator[RawLine]:
    """What was kept: lines as the engine stamped them, by time. A file that just went, or never was, has none.

    Of a damaged one what comes before the damage, and a word of it on standard error.
    """
    if since is not None and _last_line(path) < since:
        return
    first = "" if since is None else datetime.fromtimestamp(since, UTC).isoformat()
    last = "~" if until is None else datetime.fromtimestamp(until, UTC).isoformat()
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
            rows = takewhile(lambda row: row[0] <= last, (line.rstrip("\n").partition(" ") for line in file))
            yield from (RawLine(stamp, service, text) for stamp, _, text in rows if first <= stamp)
    except FileNotFoundError:
        pass
    except (OSError, EOFError, zlib.error) as error:
        complain(KEPT_DAMAGED(path=path, why=error))


def _last_line(path: Path) -> float:
    """When it was written: the file is as old as that, give or take a second."""
    try:
        return path.stat().st_mtime + 1
    except OSError:
        return 0.0
