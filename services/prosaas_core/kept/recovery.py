"""Stores the calls that nobody stored: those that ended while the database was away, and those whose process died."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.database import DatabaseUnavailable, is_refusal_for_now, transaction
from prosaas_core.facts.endings import EndReason
from prosaas_core.kept.journal import SUFFIX, claimed, read
from prosaas_core.records import CallRecord, save_call_record
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import CALL_END, CALL_RECORD_IMPORTED, CALL_RECORD_UNREADABLE

log = get_logger(__name__)

# The older releases wrote a whole record at the end.
_WHOLE = ".json"
UNREADABLE = ".unreadable"
# How often somebody looks.
EVERY_S = 15.0

Crashed = Callable[[CallRecord], None]


async def recover(
    engine: AsyncEngine, folder: Path, crashed: Crashed = lambda record: None, *, day_limit: float = 0.0
) -> None:
    """Store each call in the folder whose process does not hold it any more; `crashed` is told of those that died.

    Any number of processes may look at once. A file goes only after its record is committed, so that a crash repeats
    in vain. One that the database refuses steps aside and lets the others pass; one that it refuses for now, as in a
    deadlock or in the midst of a migration, or that the disk does not give, waits, and is raised in the end; where the
    database is away, all wait.
    """
    refused: Exception | None = None
    for path in await asyncio.to_thread(_waiting, folder):
        try:
            await _take(engine, path, crashed, day_limit)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            refused = error
    if refused is not None:
        raise refused


async def _take(engine: AsyncEngine, path: Path, crashed: Crashed, day_limit: float) -> None:
    async with _claimed(path) as data:
        if data is None:
            return
        if not data.strip(b"\0\n"):
            # Its process died before it wrote anything.
            await asyncio.to_thread(path.unlink)
            return
        try:
            await _store(engine, path, data, crashed, day_limit)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if is_refusal_for_now(error):
                raise
            await asyncio.to_thread(path.replace, path.with_suffix(UNREADABLE))
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            log.event(CALL_RECORD_UNREADABLE, path=path.name, error=reason)


async def _store(engine: AsyncEngine, path: Path, data: bytes, crashed: Crashed, day_limit: float) -> None:
    record, process = await asyncio.to_thread(_read, path, data)
    with scope(job_id=f"recover-{path.stem}", call_sid=record.call_sid):
        async with transaction(engine) as connection:
            new = await save_call_record(connection, record, day_limit=day_limit)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        if new and record.end_reason == EndReason.CRASHED:
            # Whose process died could not say it.
            numbers = {name: value for name, value in record.metrics.items() if name in CALL_END.fields}
            ended = {"duration_s": record.duration_s, "reason": record.end_reason}
            log.event(CALL_END, **{**numbers, **ended, "explains": _explained(record, process)})
            crashed(record)
        log.event(CALL_RECORD_IMPORTED, path=path.name, new=new)


@asynccontextmanager
async def _claimed(path: Path) -> AsyncIterator[bytes | None]:
    """The same in a thread: a disk that is slow keeps no call waiting that is live here."""
    with ExitStack() as held:
        yield await asyncio.to_thread(held.enter_context, claimed(path))


def _read(path: Path, data: bytes) -> tuple[CallRecord, Mapping[str, Any]]:
    return (CallRecord.from_json(data.decode()), {}) if path.suffix == _WHOLE else read(data)


def _explained(record: CallRecord, process: Mapping[str, Any]) -> str:
    """What is known of the death; its exit code, which only the engine saw, is in `make trace`."""
    known = {"last_sign": f"{record.ended_at:%H:%M:%SZ}", **process}
    return ", ".join(f"{name}={value}" for name, value in known.items())


def _waiting(folder: Path) -> list[Path]:
    """The files, oldest first."""
    found = [path for path in (*folder.glob(f"*{_WHOLE}"), *folder.glob(f"*{SUFFIX}")) if path.name[0] != "."]
    return [path for _, path in sorted((_written(path), path) for path in found)]


def _written(path: Path) -> float:
    """When the file was written; one that has gone meanwhile comes first, and is passed over."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
