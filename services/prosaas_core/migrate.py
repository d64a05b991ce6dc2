"""`python -m prosaas_core.migrate`: bring the database to the newest schema, once, from several hosts at a time."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable

import asyncpg
from alembic import command
from alembic.config import Config
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from prosaas_core import demo
from prosaas_core.database import DatabaseUnavailable, make_engine, transaction
from prosaas_core.settings import Settings, SettingsError, load_settings
from prosaas_logging import bootstrap, get_logger

LOCK = 7_076_723_455
WAIT_S = 60.0

log = get_logger(__name__)


async def migrate(settings: Settings, *, wait_s: float = WAIT_S) -> None:
    """Upgrade to the newest schema under a lock, and add the demo business where there is no real model to talk to."""
    engine = make_engine(settings, pool_size=1)
    try:
        await _wait(engine, wait_s)
        await _run(engine, lambda config: command.upgrade(config, "head"))
        await _upgrade_queue(engine)
        if settings.demo:
            async with engine.begin() as conn:
                await demo.seed(conn)
    finally:
        await engine.dispose()


async def downgrade(settings: Settings, revision: str, *, wait_s: float = WAIT_S) -> None:
    """Go back to an older schema. What only the newer one can hold is lost."""
    engine = make_engine(settings, pool_size=1)
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
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.info(f"waiting up to {wait_s:.0f} s for the database", error=str(error))
                told = True
        await asyncio.sleep(0.5)


async def _run(engine: AsyncEngine, step: Callable[[Config], None]) -> None:
    """One transaction: whoever comes second waits for the lock, and then finds nothing left to do."""
    config = Config()
    config.set_main_option("script_location", "prosaas_core:migrations")

    def apply(connection: Connection) -> None:
        config.attributes["connection"] = connection
        step(config)

    async with engine.begin() as conn:
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        await conn.run_sync(apply)


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
    try:
        settings = load_settings()
    except SettingsError as error:
        for problem in str(error).splitlines():
            log.error(problem)
        return 2
    try:
        if options.downgrade:
            asyncio.run(downgrade(settings, options.downgrade))
        else:
            asyncio.run(migrate(settings))
    except Exception:
        log.exception("the database could not be migrated")
        return 1
    log.info(
        "the database is at the newest schema" if not options.downgrade else f"the database is at {options.downgrade}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
