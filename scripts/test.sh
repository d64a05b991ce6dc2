#!/bin/sh
# The whole suite: inside the tests image, against stacks that it brings up itself through the engine's socket.
# Usage: test.sh [pytest arguments]
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"

started=$(date +%s)
failed=$ROOT/.pytest_cache/failed
mkdir -p "${failed%/*}" && : >"$failed"
took() {
    [ ! -s "$failed" ] || { say "failed, with PYTHONHASHSEED=$started:" && cat "$failed" >&2; }
    say "make test took $(($(date +%s) - started)) s"
}
trap took EXIT

scripts/run setup
say "building the tests image"
bundle=$(ca_bundle)
built --file services/Dockerfile --target tests --tag prosaas/tests:local --build-arg IMAGE=test \
    --build-arg "$(scripts/base-image.sh | grep '^PYTHON_IMAGE=')" services
say "running the tests"
terminal=$([ -t 1 ] && echo --interactive --tty || true)
[ "$bundle" != /dev/null ] || bundle=
# One hash seed: workers must agree on the order of sets.
# shellcheck disable=SC2012,SC2086 # the socket's name is ours; zero or more words each
tests() {
    docker run --rm --init $terminal --network host --user "$(id -u):$(id -g)" \
        --group-add "$(ls -lnL /var/run/docker.sock | awk '{ print $4 }')" \
        --volume /var/run/docker.sock:/var/run/docker.sock --volume "$ROOT:$ROOT" --workdir "$ROOT" \
        ${bundle:+--volume "$bundle:$bundle:ro"} --env PYTHONHASHSEED="$started" --env FAILED_FILE="$failed" \
        prosaas/tests:local pytest "$@"
}

# A test mostly waits, so there are more workers than cores; what judges a whole machine has it to itself. 5: none such.
beside=0
alone=0
tests --numprocesses 4 -m "not alone and not elsewhere" "$@" || beside=$?
tests -m "alone and not elsewhere" "$@" || alone=$?
[ "$beside" != 5 ] || [ "$alone" = 5 ] || beside=0
[ "$beside" = 0 ] || exit "$beside"
[ "$alone" = 0 ] || [ "$alone" = 5 ] || exit "$alone"
