#!/bin/sh
# Every linter, over everything that is ours.
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"
[ ! -d .venv/bin ] || PATH=$ROOT/.venv/bin:$PATH

ruff check .
ruff format --check .
mypy
mypy --config-file tests/mypy.ini
shellcheck --external-sources --source-path=SCRIPTDIR scripts/run scripts/*.sh services/*.sh services/prosaas_calls/prompts/*.sh deploy/*.sh deploy/standins/*/*.sh .ci/run
yamllint --strict .
hadolint services/Dockerfile deploy/Dockerfile deploy/standins/*/Dockerfile docs/examples/*/Dockerfile
