"""The live switch of a service is that of all its replicas: what one container is asked, Postgres tells the others.

Each process goes on following its own switch file, where every change has its own end: while Postgres is away a switch
holds and ends all the same, and is told to the others when it is back.
"""

import asyncio
import math
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from prosaas_core.alongside import alongside
from prosaas_core.database import CONNECT_TIMEOUT_S, is_absence
from prosaas_core.postgres import address
from prosaas_logging import get_logger
from prosaas_logging.ctl import LONGEST_SECONDS
from prosaas_logging.levels import NAME_TO_LEVEL
from prosaas_logging.settings import load_settings
from prosaas_logging.switch_state import TARGETS, Change, State, read_state, update_state

log = get_logger(__name__)

CHANNEL: Final = "prosaas_log_switch"
# How often the file is looked at, and the rows, should a notification have been lost.
LOOK_S: Final = 0.25
EVERY_S: Final = 15.0
RETRY_S: Final = 2.0
_DEFECT_S: Final = 30.0
_STATEMENT_S: Final = 5.0
# What one row may hold, and how many a service may have: the newest of them.
LONGEST: Final = 200
MOST: Final = 200
# Two clocks never quite agree.
_SKEW_S: Final = 60.0

_OVER = "DELETE FROM log_switches WHERE until <= $1 OR until > $2"
_ASK = """
    INSERT INTO log_switches (service, target, value, level, until, for_s) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (service, target, value) DO UPDATE
        SET level = excluded.level, until = excluded.until, for_s = excluded.for_s, asked_at = now()
"""
_TAKE_BACK = "DELETE FROM log_switches WHERE service = $1 AND target = $2 AND value = $3"
_READ = f"""
    SELECT target, value, level, until, for_s FROM log_switches WHERE service = $1 AND length(value) <= {LONGEST}
    ORDER BY asked_at DESC, id DESC LIMIT {MOST}
"""

Key: TypeAlias = tuple[str, str]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def following(service: str, database_url: str) -> AbstractAsyncContextManager[None]:
    """Keep this container's switch file and the service's rows alike while the block runs."""
    return alongside(Follower(service, load_settings(service).switch_file, database_url).run())


class Follower:
    """One container's side: its file, and what it last had in common with the rows."""

    def __init__(self, service: str, path: Path, database_url: str) -> None:
        self._service = service
        self._path = path
        self._arguments = address.arguments(database_url)
        self._seen: object = None
        self._common: dict[Key, Change] = {}

    async def run(self) -> None:
        """Until it is cancelled, over any number of absences of the database."""
        while True:
            try:
                await self._follow()
            except Exception as error:
                if is_absence(error):
                    await asyncio.sleep(RETRY_S)
                else:
                    log.exception("the live switch does not follow the other replicas")
                    await asyncio.sleep(_DEFECT_S)

    async def _follow(self) -> None:
        connection: Connection = await asyncpg.connect(
            **self._arguments, timeout=CONNECT_TIMEOUT_S, command_timeout=_STATEMENT_S
        )
        try:
            heard = asyncio.Event()
            connection.add_termination_listener(lambda _: heard.set())
            await connection.add_listener(CHANNEL, lambda *told: heard.set() if told[-1] == self._service else None)
            due = 0.0
            while True:
                if heard.is_set() or time.monotonic() >= due or _fingerprint(self._path) != self._seen:
                    heard.clear()
                    await self._exchange(connection)
                    due = time.monotonic() + EVERY_S
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await heard.wait()
        finally:
            connection.terminate()

    async def _exchange(self, connection: Connection) -> None:
        """Tell what was asked and taken back here since the last time, then have here what all have."""
        self._seen = _fingerprint(self._path)
        now = time.time()
        ours = _shared(read_state(self._path).at(now).changes)
        asked = {key: change for key, change in ours.items() if self._common.get(key) != change}
        taken_back = [key for key, change in self._common.items() if key not in ours and change.until > now]
        async with connection.transaction():
            await connection.execute(_OVER, now, now + LONGEST_SECONDS + _SKEW_S)
            for key, change in sorted(asked.items()):
                await connection.execute(_ASK, self._service, *key, change.level, change.until, change.for_s)
            for key in sorted(taken_back):
                await connection.execute(_TAKE_BACK, self._service, *key)
            if asked or taken_back:
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, self._service)
            rows = [Change(*row) for row in await connection.fetch(_READ, self._service)]
        theirs = _shared(row for row in rows if row.target in TARGETS and row.level in NAME_TO_LEVEL)
        if theirs != ours:
            await asyncio.to_thread(update_state, self._path, lambda former: _joined(former, ours, theirs))
        self._common = theirs


def _joined(former: State, ours: Mapping[Key, Change], theirs: Mapping[Key, Change]) -> State:
    """What all have, and what was asked or taken back here while they were asked: that is told the next time."""
    present = _keyed(former.changes)
    wanted = {key: change for key, change in theirs.items() if key in present or key not in ours}
    wanted |= {key: change for key, change in present.items() if ours.get(key) != change}
    return replace(former, changes=tuple(wanted.values()))


def _keyed(changes: Iterable[Change]) -> dict[Key, Change]:
    return {(change.target, change.value): change for change in changes}


def _shared(changes: Iterable[Change]) -> dict[Key, Change]:
    """Those that a row and a file can hold alike; another is this container's alone, or nobody's."""
    return _keyed(
        change
        for change in changes
        if len(change.value) <= LONGEST and change.value.isprintable() and math.isfinite(change.for_s)
    )


def _fingerprint(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        status = os.stat(path)
        return status.st_mtime_ns, status.st_ino
    return None
