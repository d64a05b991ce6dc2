"""What a job costs the transaction that it is enqueued in."""

import time
import uuid

from sqlalchemy import text

from prosaas_core.database import make_engine, transaction
from prosaas_core.jobs import WHATSAPP_REPLY, enqueue
from prosaas_core.settings import Settings

ROW = text("INSERT INTO job_effects (key, job) VALUES (:key, 'bench')")


async def enqueue_ms(settings: Settings, count: int) -> tuple[float, float]:
    """Milliseconds of a transaction that writes a row, and of one that writes a row and enqueues a job."""
    engine = make_engine(settings, pool_size=1)
    took = []
    for with_job in (False, True):
        started = time.perf_counter()
        for _ in range(count):
            key = uuid.uuid4().hex
            async with transaction(engine) as connection:
                await connection.execute(ROW, {"key": key})
                if with_job:
                    await enqueue(connection, WHATSAPP_REPLY, {"message_id": key, "cause": {}}, key=key)
        took.append((time.perf_counter() - started) / count * 1000)
    await engine.dispose()
    return took[0], took[1]
