#!/bin/sh
# The whole suite: inside the tests image, against stacks that it brings up itself through the engine's socket.
# Usage: test.sh [pytest arguments]
set -eu
here=$(dirname -- "$0")
. "$here/lib.sh"
cd "$ROOT"

started=$(date +%s)
took() { say "make test took $(($(date +%s) - started)) s"; }
trap took EXIT

"$here/setup.sh"
say "building the tests image"
docker build --quiet --file services/Dockerfile --target tests --tag prosaas/tests:local --build-arg IMAGE=test \
    --build-arg "PYTHON_IMAGE=$(env_get PYTHON_IMAGE | grep . || echo python:3.13-slim-trixie)" \
    --secret "id=ca,src=$(env_get CA_BUNDLE | grep . || echo /dev/null)" services >/dev/null
say "running the tests"
terminal=$([ -t 1 ] && echo --tty || true)
bundle=$(env_get CA_BUNDLE)
# A test mostly waits, so there are more workers than cores. One hash seed: they must agree on the order of sets.
# shellcheck disable=SC2086 # zero or more words each
docker run --rm --init $terminal --network host --user "$(id -u):$(id -g)" \
    --group-add "$(stat -c %g /var/run/docker.sock)" \
    --volume /var/run/docker.sock:/var/run/docker.sock --volume "$ROOT:$ROOT" --workdir "$ROOT" \
    ${bundle:+--volume "$bundle:$bundle:ro"} --env PYTHONHASHSEED="$started" \
    prosaas/tests:local pytest --numprocesses 4 "$@"
