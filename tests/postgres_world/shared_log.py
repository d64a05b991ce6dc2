"""What another replica was told, and a black box on the disk: a service that runs takes part in both."""

import asyncio
import os
import time
from pathlib import Path

import asyncpg

from prosaas_core.switch_follower import CHANNEL
from prosaas_logging.switch_state import read_state


def prepare(folder: Path) -> None:
    """Before the service starts, with its switch in folder/switch.json and its black boxes in folder/blackbox."""
    box = folder / "blackbox" / "CAdrill.jsonl"
    box.parent.mkdir(exist_ok=True)
    box.write_text('{"blackbox": "CAdrill"}\n')
    os.utime(box, (time.time() - 60,) * 2)


async def takes_part(url: str, service: str, folder: Path) -> None:
    """Returns once it follows a switch of now and has brought the box in; fails after twenty seconds."""
    connection = await asyncpg.connect(url)
    row = "(service, target, value, level, until, for_s) VALUES ($1, 'call', 'CAdrill', 'DEBUG', $2, 60)"
    try:
        async with asyncio.timeout(20):
            await connection.execute(f"INSERT INTO log_switches {row}", service, time.time() + 60)
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, service)
            while not read_state(folder / "switch.json").changes:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            while not await connection.fetchval("SELECT count(*) FROM black_boxes WHERE name = 'CAdrill'"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
