"""Call records on disk while the database is away; the worker stores them when it is back."""

import os
import re
from pathlib import Path

from prosaas_core.records import CallRecord


def spool(folder: Path, record: CallRecord) -> Path:
    """Write the record so that a reader sees all of it or nothing, also after a power cut."""
    name = re.sub(r"\W", "_", record.call_sid)
    path = folder / f"{name}.json"
    partial = folder / f".{name}.partial"
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(record.to_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return path
