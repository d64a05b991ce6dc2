"""`python -m prosaas_calls`: settings, logging, and the loop that answers calls."""

import gc

if __name__ == "__main__":
    # All that is imported stays: to look for garbage among it would be a sixth of the start.
    gc.disable()

import sys

import uvloop

from prosaas_calls.service import serve
from prosaas_core import tracing
from prosaas_core.settings import SettingsError, load_settings
from prosaas_logging import bootstrap, get_logger, shutdown
from prosaas_logging.catalogue import DEMO

log = get_logger(__name__)


def main() -> int:
    """Exit 0 after a drain, 2 where the settings are of no use."""
    gc.freeze()
    gc.enable()
    log_settings = bootstrap("prosaas-calls")
    try:
        settings = load_settings(required=("DATABASE_URL", "OPENAI_API_KEY", "TWILIO_AUTH_TOKEN"))
    except SettingsError as error:
        for problem in str(error).splitlines():
            log.critical(problem)
        return 2
    if settings.demo:
        log.event(DEMO)
    tracing.start("prosaas-calls", log_settings.version)
    uvloop.run(serve(settings, log_settings))
    tracing.stop()
    shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
