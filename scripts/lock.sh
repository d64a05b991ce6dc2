#!/bin/sh
# Compiles every list of requirements with hashes; the union comes first and binds the others to its versions.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT/services/requirements"

compile() {
    name=$1
    shift
    say "$name"
    "$ROOT/.venv/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --output-file "$name.txt" "$name.in" "$@"
}

compile test
for file in *.in; do
    case $file in test.in) ;; *) compile "${file%.in}" --constraint test.txt ;; esac
done
