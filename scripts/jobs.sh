#!/bin/sh
# Asks the queue, or puts a held job back into it, from inside the worker's container.
# Usage: jobs.sh jobs [--all] | jobs.sh retry ID…
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"

if [ "$1" = retry ] && [ $# -lt 2 ]; then
    echo "error: make retry-job ID=…: make jobs lists the held ones" >&2
    exit 2
fi
[ -n "$(docker compose ps --quiet --status running worker 2>/dev/null)" ] || fail "worker is not running" "make up-prod"
exec docker compose exec -T worker python -m prosaas_worker.admin "$@"
