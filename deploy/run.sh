#!/bin/sh
# One service without a container, for platforms that bring their own Python (Replit and others): docs/cloud.md
# Usage: SERVICE=api|calls|worker deploy/run.sh build|start
set -eu
cd "$(dirname -- "$0")/.."

service=${SERVICE:-api}
case $service in
api | calls | worker) ;;
*)
    echo "error: SERVICE=$service is none of api, calls, worker" >&2
    exit 2
    ;;
esac
venv=.deploy/$service

build() {
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "services/requirements/$service.txt"
}

start() {
    PATH=$PWD/$venv/bin:$PATH
    PYTHONPATH=$PWD/services
    SPOOL_DIR=${SPOOL_DIR:-$PWD/.deploy/spool}
    LOG_SWITCH_FILE=${LOG_SWITCH_FILE:-${TMPDIR:-/tmp}/prosaas-$service/log-switch.json}
    export PATH PYTHONPATH SPOOL_DIR LOG_SWITCH_FILE
    mkdir -p "$SPOOL_DIR" "${LOG_SWITCH_FILE%/*}"
    [ "$service" != api ] || python -m prosaas_core.migrate
    exec python -m "prosaas_$service"
}

case ${1:-} in
build | start) "$1" ;;
*)
    echo "usage: SERVICE=api|calls|worker deploy/run.sh build|start" >&2
    exit 2
    ;;
esac
