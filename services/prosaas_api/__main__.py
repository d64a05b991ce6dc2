"""`python -m prosaas_api`: serve until told to stop, then finish the requests at hand."""

import gc

if __name__ == "__main__":
    # All that is imported stays: to look for garbage among it would be a sixth of the start.
    gc.disable()

import contextlib
import signal
import sys

import uvicorn

from prosaas_api.app import create_app
from prosaas_api.patience import Impatient
from prosaas_core import tracing
from prosaas_core.settings import SettingsError, load_settings
from prosaas_logging import bootstrap, get_logger
from prosaas_logging.catalogue import DEMO, SERVICE_START, SERVICE_STOP
from prosaas_logging.levels import level_name

REQUIRED = ("DATABASE_URL", "OPENAI_API_KEY", "PUBLIC_URL", "TWILIO_AUTH_TOKEN")
PORT = 8000
GRACE_S = 20
# The last line of defence, beyond what patience.py and intake.py let a stranger hold.
MAX_CONNECTIONS = 4000

log = get_logger(__name__)


def main() -> int:
    """Exit 0 stopped, 1 could not serve, 2 wrong settings."""
    gc.freeze()
    gc.enable()
    logging = bootstrap("prosaas-api")
    try:
        settings = load_settings(required=REQUIRED)
    except SettingsError as error:
        for problem in str(error).splitlines():
            log.critical(problem)
        return 2
    port = settings.port or PORT
    if settings.demo:
        log.event(DEMO)
    log.event(
        SERVICE_START,
        service="prosaas-api",
        version=logging.version,
        level=level_name(logging.level),
        listen=f"0.0.0.0:{port}",
    )
    # uvicorn raises the signal again after its orderly shutdown; it must not kill us before our last lines.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: None)
    tracing.start("prosaas-api", logging.version)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host="0.0.0.0",
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            http=Impatient,
            ws="none",
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    # What start-up made stays for good; collections need not look at it while callers wait.
    gc.freeze()
    with contextlib.suppress(SystemExit):
        server.run()
    tracing.stop()
    if not server.started:
        log.critical("could not start: an error before this line says why, at LOG_LEVEL=ERROR or below")
    log.event(SERVICE_STOP, reason="told to stop" if server.started else "could not start")
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
