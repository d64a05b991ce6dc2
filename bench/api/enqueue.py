"""What a job costs the transaction that it is enqueued in."""

import statistics
import time
import uuid

from sqlalchemy import text

from prosaas_core.database import make_engine, transaction
from prosaas_core.jobs import WHATSAPP_REPLY, enqueue
from prosaas_core.settings import Settings

ROW = text("INSERT INTO job_effects (key, job) VALUES (:key, 'bench')")


async def enqueue_ms(settings: Settings, count: int) -> tuple[float, float]:
    """Milliseconds of the median transaction that writes a row, and of one that also enqueues a job."""
    engine = make_engine(settings, pool_size=1)
    took = []
    for with_job in (False, True):
        each = []
        for _ in range(count):
            key = uuid.uuid4().hex
            started = time.perf_counter()
            async with transaction(engine) as connection:
                await connection.execute(ROW, {"key": key})
                if with_job:
                    await enqueue(connection, WHATSAPP_REPLY, {"message_id": key, "cause": {}}, key=key)
            each.append((time.perf_counter() - started) * 1000)
        took.append(statistics.median(each))
    await engine.dispose()
    return took[0], took[1]
