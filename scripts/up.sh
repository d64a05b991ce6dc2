#!/bin/sh
# Brings a stack up and waits until every service is healthy.
# Usage: up.sh prod|dev
set -eu
here=$(dirname -- "$0")
. "$here/lib.sh"
cd "$ROOT"

started=$(date +%s)
"$here/setup.sh" "$1"
"$here/preflight.sh" "$1"

say "building what changed"
docker compose --profile ops build --quiet
say "starting $(env_get COMPOSE_PROJECT_NAME), and waiting until it is healthy"
if ! docker compose up --detach --remove-orphans --wait --wait-timeout 120 --quiet-pull; then
    docker compose ps --all --format '{{.Service}} {{.Health}}' | while read -r service health; do
        case $health in '' | healthy) ;; *)
            say "the last lines of $service"
            docker compose logs --no-log-prefix --tail 20 "$service"
            ;;
        esac
    done
    fail "not every service became healthy" "docker compose logs SERVICE says why; then run this again" "README.md"
fi
if [ -z "$(env_get COMPOSE_PROFILES)" ]; then docker compose rm --stop --force simulator >/dev/null 2>&1 || true; fi

say "up in $(($(date +%s) - started)) s: api on 127.0.0.1:$(env_get API_PORT), calls on 127.0.0.1:$(env_get CALLS_PORT)"
say "next: make call (one simulated call), make logs, make checklist"
[ -n "$(env_get OPENAI_API_KEY)" ] || warn "this is the demo voice agent: set OPENAI_API_KEY in .env and run this again"
