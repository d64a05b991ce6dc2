"""retention.sweep: ends what has been kept for as long as its setting says, in small batches, once a day."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg

from prosaas_core.database import DatabaseUnavailable, raw_connection, raw_transaction
from prosaas_core.jobs import RETENTION_SWEEP
from prosaas_core.privacy.files import sweep_recordings, sweep_unreadable
from prosaas_core.privacy.places import RULES, Place, Rule
from prosaas_core.privacy.statements import ends, is_due, locks
from prosaas_logging import get_logger, scope
from prosaas_logging.catalogue import RETENTION
from prosaas_worker.job import Tools

log = get_logger(__name__)

# Rows found at a look, and rows ended in a transaction: nobody waits long for a lock, and no list grows with the table.
_LOOK = 10_000
_BATCH = 500


async def run(tools: Tools) -> None:
    """One sweep, and a line that says how much of what it ended, also when that was nothing.

    What cannot be ended stops nothing else; it is raised when all the rest is done.
    """
    started, ended = time.monotonic(), Counter[str]()
    failed: list[Exception] = []
    with scope(job_id=RETENTION_SWEEP):
        refused: list[OSError] = []
        keep = tools.settings
        ended["files of black boxes"] += await asyncio.to_thread(sweep_recordings, keep.keep_blackbox_days, refused)
        days = keep.keep_transcripts_days
        ended["unreadable records"] += await asyncio.to_thread(sweep_unreadable, keep.spool_dir, days, refused)
        failed += refused
        for place, rule in RULES:
            if days := getattr(tools.settings, rule.setting):
                try:
                    ended[rule.kept] += await _sweep(tools, place, rule, timedelta(days=days))
                except DatabaseUnavailable:
                    raise
                except Exception as error:
                    failed.append(error)
        told = ", ".join(f"{kept} {count}" for kept, count in ended.items() if count)
        log.event(RETENTION, removed=told or "-", ms=round((time.monotonic() - started) * 1000))
    if failed:
        raise failed[0]


async def _sweep(tools: Tools, place: Place, rule: Rule, keep: timedelta) -> int:
    """End all that is due; what somebody else holds just now is left for tomorrow."""
    ended = 0
    while True:
        async with raw_connection(tools.engine) as raw:
            keys = [row[0] for row in await raw.fetch(is_due(place, rule), keep, _LOOK)]
        before = ended
        for at in range(0, len(keys), _BATCH):
            ended += await _end(tools, place, rule, keep, keys[at : at + _BATCH])
        if ended == before:
            return ended


async def _end(tools: Tools, place: Place, rule: Rule, keep: timedelta, keys: list[Any]) -> int:
    try:
        async with raw_transaction(tools.engine) as raw:
            # Held first: what somebody adds in this very moment is seen by the statement that follows, or waits for it.
            held = [row[0] for row in await raw.fetch(locks(place), keys)]
            return int((await raw.execute(ends(place, rule), keep, held)).rpartition(" ")[2])
    except asyncpg.ForeignKeyViolationError:
        # Tied to what this does not see: that stays.
        return 0
