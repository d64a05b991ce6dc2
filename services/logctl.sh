#!/bin/sh
# The operator's switch inside a service's container.
exec python -m prosaas_logging.ctl "$@"
