#!/bin/sh
# Recreates one service, at another log level if asked; for calls, after those in progress have ended.
# Usage: restart.sh SERVICE LEVEL_VARIABLE [LEVEL]
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"

service=$1 variable=$2 level=$(printf '%s' "${3:-}" | tr '[:lower:]' '[:upper:]')
case $level in
'' | DEBUG | INFO | WARNING | ERROR | CRITICAL) ;;
*)
    echo "error: LOG_LEVEL=$level is not a level: DEBUG, INFO, WARNING, ERROR or CRITICAL" >&2
    exit 2
    ;;
esac
[ -n "$(docker compose ps --quiet "$service")" ] || fail "$service is not running" "make up-prod"

if [ "$service" = prosaas-calls ]; then
    say "waiting for $(live_calls) live calls, at most $(drain_seconds) s; new callers are asked to hold"
fi
[ -z "$level" ] || export "$variable=$level"
# shellcheck disable=SC2046 # no word, or two
docker compose $([ -t 1 ] || echo --progress quiet) up --detach --no-deps --force-recreate --wait "$service"
if [ -n "$level" ]; then
    say "$service runs at $level until it is next recreated; make $(printf 'restart-%s' "${service#prosaas-}") returns it"
fi
