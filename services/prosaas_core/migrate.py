"""`python -m prosaas_core.migrate`: bring the database to the newest schema, once, from several hosts at a time."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from functools import partial

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import demo
from prosaas_core.database import LOCK_NOT_AVAILABLE, DatabaseUnavailable, make_engine, transaction
from prosaas_core.patience import Patience
from prosaas_core.postgres import address, pooler, refusal, roles
from prosaas_core.settings import Settings, SettingsError, load_settings
from prosaas_logging import bootstrap, get_logger

LOCK = 7_076_723_455
WAIT_S = 60.0
LOCK_TIMEOUT_MS = 5000
LOCK_PATIENCE = Patience(first_s=1.0, longest_s=10.0, total_s=300.0)

log = get_logger(__name__)


class RefusedError(Exception):
    """This database cannot serve us, and waiting does not help; the text is one line with what to do."""


async def migrate(settings: Settings, *, wait_s: float = WAIT_S) -> bool:
    """Upgrade to the newest schema under a lock, and add the demo's business where the demo was asked for.

    False where a newer release has been here, whose schema works with this one too: nothing is touched. Raises
    RefusedError before anything is touched, and DatabaseUnavailable when the database does not come within `wait_s`.
    """
    engine = _engine(settings)
    try:
        await _wait(engine, wait_s)
        if await pooler.shares_connections(address.arguments(settings.database_url)):
            raise RefusedError(pooler.REFUSAL)
        if unknown := await _unknown_revision(engine):
            log.warning(f"the database is at revision {unknown}, which this release does not know: left as it is")
            return False
        await _run(engine, lambda config: command.upgrade(config, "head"))
        await _upgrade_queue(engine)
        if settings.database_roles_key:
            await _locked(engine, partial(_give_rights, key=settings.database_roles_key))
        if settings.demo:
            async with engine.begin() as conn:
                await demo.seed(conn)
        return True
    finally:
        await engine.dispose()


async def downgrade(settings: Settings, revision: str, *, wait_s: float = WAIT_S) -> None:
    """Go back to an older schema. What only the newer one can hold is lost."""
    engine = _engine(settings)
    try:
        await _wait(engine, wait_s)
        await _run(engine, lambda config: command.downgrade(config, revision))
    finally:
        await engine.dispose()


async def _wait(engine: AsyncEngine, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    told = False
    while True:
        try:
            async with transaction(engine):
                return
        except DatabaseUnavailable as error:
            if remedy := refusal.of(error):
                raise RefusedError(remedy) from error
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.info(f"waiting up to {wait_s:.0f} s for the database", error=str(error))
                told = True
        await asyncio.sleep(0.5)


def _engine(settings: Settings) -> AsyncEngine:
    """An index on a grown table takes as long as it takes."""
    return make_engine(settings, pool_size=1, command_timeout_s=None)


async def _unknown_revision(engine: AsyncEngine) -> str | None:
    async with engine.connect() as conn:
        found = await conn.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads())
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return next((revision for revision in found if revision not in known), None)


async def _run(engine: AsyncEngine, step: Callable[[Config], None]) -> None:
    """A step of Alembic's."""
    config = _config()

    def apply(connection: Connection) -> None:
        config.attributes["connection"] = connection
        step(config)

    await _locked(engine, apply)


def _give_rights(connection: Connection, *, key: str) -> None:
    tables = set(inspect(connection).get_table_names())
    for statement in roles.granted(key, tables):
        connection.exec_driver_sql(statement)


async def _locked(engine: AsyncEngine, apply: Callable[[Connection], None]) -> None:
    """One transaction: whoever comes second waits for the lock, and then finds nothing left to do.

    Who waits for a table's lock holds up every query behind it: so it is asked for shortly, and asked for again.
    """
    failures, waited_s = 0, 0.0
    while True:
        try:
            async with engine.begin() as conn:
                await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
                await conn.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
                await conn.run_sync(apply)
            return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            failures += 1
            pause = LOCK_PATIENCE.pause(failures, waited_s)
            if pause is None:
                raise
            log.info(f"a table is in use: trying again in {pause:.0f} s")
        waited_s += pause
        await asyncio.sleep(pause)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "prosaas_core:migrations")
    return config


async def _upgrade_queue(engine: AsyncEngine) -> None:
    """Let a newer PgQueuer bring its own tables up to date; it takes a lock of its own, outside of any transaction."""
    async with engine.connect() as conn:
        await conn.execution_options(isolation_level="AUTOCOMMIT")
        raw = (await conn.get_raw_connection()).driver_connection
        assert isinstance(raw, asyncpg.Connection)
        await Queries(AsyncpgDriver(raw)).apply_upgrade()


def main(arguments: list[str]) -> int:
    """Exit 0 fine, 1 the database cannot be migrated, 2 wrong usage or settings."""
    parser = argparse.ArgumentParser(prog="python -m prosaas_core.migrate", description=__doc__)
    parser.add_argument(
        "--downgrade", metavar="REVISION", help="go back to this revision instead (`base`: drop everything)"
    )
    options = parser.parse_args(arguments)
    bootstrap("migrate")
    # What ends it is said at CRITICAL: whoever waits for it is told why at every LOG_LEVEL.
    try:
        settings = load_settings()
    except SettingsError as error:
        for problem in str(error).splitlines():
            log.critical(problem)
        return 2
    try:
        if options.downgrade:
            asyncio.run(downgrade(settings, options.downgrade))
        elif not asyncio.run(migrate(settings)):
            return 0
    except RefusedError as error:
        log.critical(str(error))
        return 1
    except DatabaseUnavailable as error:
        log.critical(
            f"the database does not answer: {error}; is the host of DATABASE_URL right, and its firewall open?"
        )
        return 1
    except Exception as error:
        if remedy := refusal.of(error):
            log.critical(remedy)
            return 1
        log.critical("the database could not be migrated", exc_info=True)
        return 1
    log.info(
        "the database is at the newest schema" if not options.downgrade else f"the database is at {options.downgrade}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
