"""The two places where PgQueuer would give up, and this worker waits."""

import asyncio
import uuid

import asyncpg
import pytest
from pgqueuer.domain.types import HealthCheckId

from prosaas_worker.driver import ListeningDriver, PatientQueries

pytestmark = pytest.mark.postgres


async def test_the_listener_is_not_probed_before_it_listens(database_url: str) -> None:
    """A probe sent earlier is heard by nobody, and PgQueuer takes ten seconds to call that a lost connection."""
    async with asyncpg.create_pool(database_url.replace("+asyncpg", ""), min_size=0, max_size=3) as pool:
        driver = ListeningDriver(pool)
        heard: asyncio.Queue[str] = asyncio.Queue()
        number = uuid.uuid4()
        probe = asyncio.create_task(PatientQueries(driver).notify_health_check(HealthCheckId(number)))
        await pool.fetch("SELECT 1")
        assert not probe.done()

        async with driver:
            await driver.add_listener("ch_pgqueuer", lambda said: heard.put_nowait(str(said)))
            await probe
            assert str(number) in str(await asyncio.wait_for(heard.get(), 30))
