"""Jobs of an existing RQ service; each runs in a process forked for it, and loses no line when that leaves."""

import logging

from rq import get_current_job

from prosaas_logging import get_logger, scope

log = logging.getLogger("jobs")
# New code: what this one says at DEBUG is kept for the black box, at next to no cost.
notes = get_logger("jobs")


def bill(order: str) -> str:
    """A job that works."""
    job = get_current_job()
    with scope(job_id=job.id if job else "none"):
        notes.debug("adding up", order=order)
        log.info("billed", extra={"order": order})
        print("a print that somebody left behind")
        return order


def fail(order: str) -> float:
    """A job that does not: RQ logs the stack, and the black box the way there."""
    job = get_current_job()
    with scope(job_id=job.id if job else "none"):
        notes.debug("adding up", order=order)
        return 1 / 0
