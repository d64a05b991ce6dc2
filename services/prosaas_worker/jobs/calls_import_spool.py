"""calls.import_spool: stores the call records that were written to disk while the database was away."""

import asyncio
from pathlib import Path

from prosaas_core.database import DatabaseUnavailable, transaction
from prosaas_core.jobs import CALLS_IMPORT_SPOOL
from prosaas_core.records import CallRecord, save_call_record
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import CALL_RECORD_IMPORTED, CALL_RECORD_UNREADABLE
from prosaas_worker.job import Tools

log = get_logger(__name__)

UNREADABLE = ".unreadable"


async def run(tools: Tools) -> None:
    """Import each `*.json` of the spool; a file goes only after its record is committed, so a crash repeats in vain.

    A record that the database refuses steps aside and lets the others pass. Where the database is away, all wait.
    """
    for path in await asyncio.to_thread(_waiting, tools.settings.spool_dir):
        try:
            await _import(tools, path)
        except FileNotFoundError:
            continue
        except DatabaseUnavailable:
            raise
        except Exception as error:
            await asyncio.to_thread(path.replace, path.with_suffix(UNREADABLE))
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            log.event(CALL_RECORD_UNREADABLE, path=path.name, error=reason)


async def _import(tools: Tools, path: Path) -> None:
    record = CallRecord.from_json(await asyncio.to_thread(path.read_text, "utf-8"))
    with scope(job_id=f"{CALLS_IMPORT_SPOOL}-{path.stem}", call_sid=record.call_sid):
        async with transaction(tools.engine) as connection:
            stored = await save_call_record(connection, record, day_limit=tools.settings.max_cost_per_day)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        log.event(CALL_RECORD_IMPORTED, path=path.name, new=stored)


def _waiting(spool: Path) -> list[Path]:
    """The finished files, oldest first; a record is written under another name and renamed, so none is half there."""
    return [path for _, path in sorted((_written(path), path) for path in spool.glob("*.json"))]


def _written(path: Path) -> float:
    """When the file was written; one that has gone meanwhile comes first, and is passed over."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
