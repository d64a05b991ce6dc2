#!/bin/sh
# Brings a stack up and waits until every service is healthy; goes back to the images that ran before when one is not.
# Usage: up.sh prod|dev
set -eu
here=$(dirname -- "$0")
. "$here/lib.sh"
cd "$ROOT"

IMAGES="api:prosaas-api calls:prosaas-calls worker:worker simulator:simulator"

# each_image COMMAND: runs COMMAND IMAGE CONTAINER for every image whose service runs.
each_image() {
    for pair in $IMAGES; do
        container=$(docker compose ps --quiet "${pair#*:}" 2>/dev/null || true)
        [ -z "$container" ] || "$1" "prosaas/${pair%%:*}:$version" "$container"
    done
}

remember() {
    docker tag "$(docker inspect --format '{{.Image}}' "$2")" "$1-previous"
    went_before=1
}

return_to_previous() {
    ! docker image inspect "$1-previous" >/dev/null 2>&1 || docker tag "$1-previous" "$1"
}

start() {
    # shellcheck disable=SC2086 # no word, or two
    docker compose $progress up --detach --remove-orphans --wait --wait-timeout 180
}

show_what_failed() {
    docker compose ps --all --format '{{.Service}} {{.State}} {{.ExitCode}} {{.Health}}' | while read -r service state code health; do
        case "$state $code $health" in 'running 0 ' | 'running 0 healthy' | 'exited 0 '*) continue ;; esac
        say "$service is $state${health:+ ($health)}; its last lines:"
        docker logs --tail 20 "$(docker compose ps --all --quiet "$service")" 2>&1
    done
}

started=$(date +%s)
"$here/setup.sh" "$1"
"$here/preflight.sh" "$1"
version=$(env_get PROSAAS_VERSION | grep . || env_get COMPOSE_PROJECT_NAME)
progress=$([ -t 1 ] || echo --progress quiet)

went_before=0
[ "$1" != prod ] || each_image remember
say "building what changed"
# A --profile here would hide those of .env, and an old simulator would stay.
COMPOSE_PROFILES=$(env_get COMPOSE_PROFILES | sed 's/$/,/')ops docker compose build --quiet
# A dry run of a first start would wait for a database that never comes.
if [ "$went_before" = 1 ] &&
    timeout 30 docker compose --dry-run up --detach 2>&1 | grep -q 'prosaas-calls-1 *Recreate'; then
    say "prosaas-calls changes: waiting for $(live_calls) live calls, at most $(drain_seconds) s"
fi
say "starting $(env_get COMPOSE_PROJECT_NAME), and waiting until it is healthy"
if ! start; then
    show_what_failed
    [ "$went_before" = 1 ] || fail "not every service became healthy" "the lines above say why; then run this again" "docs/troubleshooting.md"
    say "going back to the images that ran before"
    each_image return_to_previous
    start || fail "the images that ran before do not start either" "make doctor, and docker compose logs" "docs/troubleshooting.md"
    fail "not every service became healthy, so the images that ran before run again" \
        "the lines above say why; then run this again" "docs/troubleshooting.md"
fi
if [ -z "$(env_get COMPOSE_PROFILES)" ]; then docker compose --profile demo rm --stop --force simulator >/dev/null 2>&1 || true; fi

say "up in $(($(date +%s) - started)) s: api on 127.0.0.1:$(env_get API_PORT), calls on 127.0.0.1:$(env_get CALLS_PORT)"
say "next: make call (one simulated call), make logs, make checklist"
[ -n "$(env_get OPENAI_API_KEY)" ] || warn "this is the demo voice agent: set OPENAI_API_KEY in .env and run this again"
