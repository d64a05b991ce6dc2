#!/bin/sh
# Makes the virtual environment for test-fast, lint, bench, fuzz and mutate from the hash-locked list.
# Usage: venv.sh DIRECTORY
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"

suits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$python" && suits "$python"; then
            command -v "$python"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ] && have apt-get && [ "$(id -u)" = 0 ]; then
    step "installing python3-venv" "apt-get install python3-venv"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    python=$(find_python)
fi
[ -n "$python" ] || fail "no Python 3.11 or later with venv on this machine" "install one, or use make test, which needs Docker alone"
# What a link leads to is somebody else's: making it anew would empty that.
[ ! -L "$1" ] || fail "$1 is a link, and what it leads to is older than the lists of packages" "remove the link, or make it anew where it leads"
say "making $1 with $("$python" --version) from services/requirements/tools.txt"
"$python" -m venv --clear "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r services/requirements/tools.txt
touch "$1/installed"
