"""Filters out PgQueuer's own lines about a job or an outage that our events already report."""

import logging

from prosaas_core.database import is_absence

_SAID_BY_US = ("Exception while processing entrypoint", "Manager failed during shutdown")


def install() -> None:
    """Let JOB_RETRY, JOB_FAILED and QUEUE_LOST say it once, in the scope of the job where there is one."""
    logging.getLogger("pgqueuer").addFilter(is_news)


def is_news(record: logging.LogRecord) -> bool:
    """Whether the line says something that no event of ours does."""
    message = str(record.msg)
    if message.startswith(_SAID_BY_US):
        return False
    error = record.exc_info[1] if record.exc_info else None
    return not (message.startswith("Flush failed") and is_absence(error))
