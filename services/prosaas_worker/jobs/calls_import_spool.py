"""calls.import_spool: stores the call records that were written to disk while the database was away."""

import asyncio
from pathlib import Path

from prosaas_core.database import transaction
from prosaas_core.jobs import CALLS_IMPORT_SPOOL
from prosaas_core.records import CallRecord, save_call_record
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import CALL_RECORD_IMPORTED, CALL_RECORD_UNREADABLE
from prosaas_worker.job import Tools

log = get_logger(__name__)

UNREADABLE = ".unreadable"


async def run(tools: Tools) -> None:
    """Import each `*.json` of the spool; a file goes only after its record is committed, so a crash repeats in vain."""
    for path in await asyncio.to_thread(_waiting, tools.settings.spool_dir):
        await _import(tools, path)


async def _import(tools: Tools, path: Path) -> None:
    try:
        record = CallRecord.from_json(await asyncio.to_thread(path.read_text, "utf-8"))
    except FileNotFoundError:
        return
    except ValueError as error:
        await asyncio.to_thread(path.replace, path.with_suffix(UNREADABLE))
        log.event(CALL_RECORD_UNREADABLE, path=path.name, error=str(error))
        return
    with scope(job_id=f"{CALLS_IMPORT_SPOOL}-{path.stem}", call_sid=record.call_sid):
        async with transaction(tools.engine) as connection:
            stored = await save_call_record(connection, record)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        log.event(CALL_RECORD_IMPORTED, path=path.name, new=stored)


def _waiting(spool: Path) -> list[Path]:
    """The finished files, oldest first; a record is written under another name and renamed, so none is half there."""
    return sorted(spool.glob("*.json"), key=lambda path: (path.stat().st_mtime, path.name)) if spool.is_dir() else []
