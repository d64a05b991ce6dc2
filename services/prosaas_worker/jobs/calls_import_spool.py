"""calls.import_spool: stores the calls that ended while the database was away, or whose process died."""

from prosaas_core.kept.recovery import recover
from prosaas_worker import metrics
from prosaas_worker.job import Tools


async def run(tools: Tools) -> None:
    """One look at the spool; prosaas-calls looks by itself too, and a call is stored once whoever comes first."""
    await recover(tools.engine, tools.settings.spool_dir, metrics.crashed, day_limit=tools.settings.max_cost_per_day)
