"""`python -m prosaas_worker`: settings, logging, and the loop that runs the worker."""

import gc

if __name__ == "__main__":
    # All that is imported stays: to look for garbage among it would be a sixth of the start.
    gc.disable()

import sys

import uvloop

from prosaas_core import tracing
from prosaas_core.settings import SettingsError, load_settings
from prosaas_logging import bootstrap, get_logger, shutdown
from prosaas_logging.catalogue import DEMO
from prosaas_worker import pgqueuer_log
from prosaas_worker.service import serve

log = get_logger(__name__)


def main() -> int:
    """Exit 0 after a drain, 2 where the settings are of no use."""
    gc.freeze()
    gc.enable()
    log_settings = bootstrap("worker")
    try:
        settings = load_settings(required=("DATABASE_URL", "OPENAI_API_KEY"))
    except SettingsError as error:
        for problem in str(error).splitlines():
            log.critical(problem)
        return 2
    pgqueuer_log.install()
    if settings.demo:
        log.event(DEMO)
    tracing.start("worker", log_settings.version)
    uvloop.run(serve(settings))
    tracing.stop()
    shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
