"""How many lines a call has in the log, in its record as in the log itself."""

import signal
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from calls_world.process import service_process
from prosaas_ops.stack.day import OWN_LINES


@pytest.mark.postgres
@pytest.mark.parametrize(("scenario", "overrides", "folds"), [("long", {"repeat": 4}, True), ("short", {}, False)])
async def test_the_lines_of_a_call_are_as_many_by_its_record_as_in_the_log(
    scenario: str, overrides: dict[str, int], folds: bool, owner: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    """So status and console say what `make call` counts: with the digest of what was folded, and its job's line."""
    async with service_process(tmp_path, DATABASE_URL=database_url) as service:
        result = await service.call(overrides, scenario=scenario)
        service.signal(signal.SIGTERM)
        await service.exit()
    assert result["ok"], result["problems"]
    connection = await asyncpg.connect(database_url)
    try:
        row = await connection.fetchrow(
            f"select call_sid, {OWN_LINES} as lines from calls where recorded_at is not null"
        )
    finally:
        await connection.close()
    assert row is not None
    written = service.of(row["call_sid"])
    assert any("[CALL_DIGEST]" in line for line in written) is folds
    assert row["lines"] == len(written)
