"""Black boxes in Postgres: what a recorder wrote on its node is found from everywhere, and outlives container and node.

The files stay where they are: while Postgres is away they wait, and those of one's own node can be read all the same.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core.alongside import alongside
from prosaas_core.database import DatabaseUnavailable, raw_connection
from prosaas_core.storable import storable_text
from prosaas_logging import get_logger
from prosaas_logging.settings import load_settings

log = get_logger(__name__)

EVERY_S: Final = 10.0
# A file that was written to just now may not be whole yet.
STILL_S: Final = 1.0
# What a service that ends spends on what is not kept yet, the unfinished too: on this node there may be no next one.
LAST_S: Final = 2.0
# How many are kept in all, and of each the head and so much of its end: what was last is what went wrong.
MOST: Final = 500
LONGEST_BYTES: Final = 512 * 1024
_AT_ONCE: Final = 20

_CURRENT = "SELECT name, written_at FROM black_boxes WHERE node = $1 AND name = ANY($2::text[])"
# A node that was away has files of people who were forgotten since.
_FORGOTTEN = "SELECT call_sid FROM calls WHERE call_sid = ANY($1::text[]) AND from_number = '' AND to_number = ''"
_OLDEST = "SELECT min(written_at) FROM black_boxes HAVING count(*) >= $1"
_KEEP = """
    INSERT INTO black_boxes (node, name, written_at, content) VALUES ($1, $2, $3, $4)
    ON CONFLICT (node, name) DO UPDATE SET written_at = $3, content = $4
"""
_PRUNE = "DELETE FROM black_boxes WHERE id IN (SELECT id FROM black_boxes ORDER BY written_at DESC, id DESC OFFSET $1)"


@asynccontextmanager
async def keeping(service: str, engine: AsyncEngine, keep_days: float) -> AsyncIterator[None]:
    """Bring the black boxes of this node into the database while the block runs, whichever process wrote them.

    When it has ended they are looked for once more. What is written later waits for the node's next process.
    """
    settings = load_settings(service)
    if not settings.blackbox.startswith("/"):
        yield
        return
    keeper = Keeper(engine, Path(settings.blackbox), settings.place.partition("@")[2], keep_days)
    try:
        async with alongside(keeper.run()):
            yield
    finally:
        await keeper.last()


class Keeper:
    """One process's look at its node's folder. Others look at the same one: what a row has already is left alone."""

    def __init__(self, engine: AsyncEngine, folder: Path, node: str, keep_days: float = 0) -> None:
        """Files that nobody has written to for `keep_days` are left alone, 0 for none: their rows were ended."""
        self._engine = engine
        self._folder = folder
        self._node = node
        self._keep = timedelta(days=keep_days)
        self._seen: dict[str, datetime] = {}

    async def run(self) -> None:
        """Until it is cancelled, over any number of absences of the database."""
        while True:
            await self._try()
            await asyncio.sleep(EVERY_S)

    async def last(self) -> None:
        """Once more, for LAST_S at the most, and with what may not be whole yet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._try(still_s=0)

    async def _try(self, still_s: float = STILL_S) -> None:
        try:
            await self.look(still_s)
        except DatabaseUnavailable:
            pass
        except Exception:
            log.exception("black boxes are on this node's disk alone")

    async def look(self, still_s: float = STILL_S) -> None:
        """Keep what was written since the last look, the newest first. One that cannot be kept holds up no other."""
        written = await asyncio.to_thread(_written, self._folder, still_s)
        if self._keep:
            written = {name: at for name, at in written.items() if at > datetime.now(UTC) - self._keep}
        self._seen = {name: at for name, at in self._seen.items() if name in written}
        fresh = {name: at for name, at in written.items() if self._seen.get(name) != at}
        if not fresh:
            return
        missing = await self._missing(fresh)
        self._seen |= {name: at for name, at in fresh.items() if name not in missing}
        for name in sorted(missing, key=missing.__getitem__, reverse=True)[:_AT_ONCE]:
            try:
                if content := await asyncio.to_thread(_content, self._folder / f"{name}.jsonl"):
                    async with raw_connection(self._engine) as raw:
                        await raw.execute(_KEEP, self._node, name, missing[name], content)
            except (OSError, asyncpg.DataError):
                log.exception("black boxes are on this node's disk alone", name=name)
            self._seen[name] = missing[name]
        if missing:
            async with raw_connection(self._engine) as raw:
                await raw.execute(_PRUNE, MOST)

    async def _missing(self, fresh: Mapping[str, datetime]) -> dict[str, datetime]:
        """Those that no row has, and that are neither too old to be kept nor of somebody who was forgotten."""
        async with raw_connection(self._engine) as raw:
            current = {row[0]: row[1] for row in await raw.fetch(_CURRENT, self._node, list(fresh))}
            oldest = await raw.fetchval(_OLDEST, MOST)
            forgotten = {row[0] for row in await raw.fetch(_FORGOTTEN, list(fresh))}
        return {
            name: at
            for name, at in fresh.items()
            if name not in forgotten and current.get(name) != at and (oldest is None or name in current or at > oldest)
        }


def _written(folder: Path, still_s: float) -> dict[str, datetime]:
    """By name when each was last written to, as exactly as Postgres knows; without those that are being written.

    A recorder's names are ASCII; others may be no text at all.
    """
    still = time.time() - still_s
    found = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                at = entry.stat().st_mtime
                if entry.name.isascii() and entry.name.endswith(".jsonl") and entry.is_file() and at <= still:
                    found[entry.name.removesuffix(".jsonl")] = datetime.fromtimestamp(at, UTC)
    return found


def _content(path: Path) -> str:
    """The file, or its first line and whole lines of its end; nothing of one that has just gone."""
    try:
        with path.open("rb") as file:
            head = file.readline(LONGEST_BYTES)
            if (left := os.fstat(file.fileno()).st_size - len(head)) > LONGEST_BYTES:
                file.seek(-LONGEST_BYTES, os.SEEK_END)
                file.readline()
                left = LONGEST_BYTES
            return storable_text((head + file.read(left)).decode("utf-8", "replace"))
    except FileNotFoundError:
        return ""
