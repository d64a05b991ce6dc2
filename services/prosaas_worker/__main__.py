"""`python -m prosaas_worker`: settings, logging, and the loop that runs the worker."""

import logging
import sys

import uvloop

from prosaas_core.settings import SettingsError, load_settings
from prosaas_logging import bootstrap, get_logger, shutdown
from prosaas_logging.catalogue import DEMO
from prosaas_worker.service import serve

# JOB_RETRY, JOB_FAILED and QUEUE_LOST say it once, in the scope of the job where there is one.
SAID_BY_US = ("Exception while processing entrypoint", "Manager failed during shutdown")


def main() -> int:
    """Exit 0 after a drain, 2 where the settings are of no use."""
    bootstrap("worker")
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logging.getLogger("pgqueuer").addFilter(lambda record: not str(record.msg).startswith(SAID_BY_US))
    if settings.demo:
        get_logger(__name__).event(DEMO)
    uvloop.run(serve(settings))
    shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
