#!/bin/sh
# Stops the stack; calls in progress are let to their end, data stays.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"

[ -f .env ] || fail "there is no .env, so no stack was started from this folder" "make up-prod"
if [ -n "$(docker compose ps --quiet prosaas-calls 2>/dev/null)" ]; then
    say "stopping $(env_get COMPOSE_PROJECT_NAME); waiting for $(live_calls) live calls, at most $(drain_seconds) s"
fi
# shellcheck disable=SC2046 # no word, or two
docker compose --profile '*' $([ -t 1 ] || echo --progress quiet) down --remove-orphans
say "down; the data stays in its volumes, and make up-prod starts it again"
