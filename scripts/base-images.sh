#!/bin/sh
# Makes sure that the two upstream images are here: pulled, or built as stand-ins where no registry answers.
set -eu
. "$(dirname -- "$0")/lib.sh"

present() { docker image inspect "$1" >/dev/null 2>&1; }

# A network that swallows packets would let a pull hang for minutes.
reachable() { timeout 30 docker manifest inspect "$1" >/dev/null 2>&1; }

# ensure SETTING UPSTREAM KIND
ensure() {
    chosen=$(env_get "$1")
    ! present "${chosen:-$2}" || return 0
    step "pulling ${chosen:-$2}" "docker pull ${chosen:-$2}"
    if reachable "${chosen:-$2}" && docker pull --quiet "${chosen:-$2}" >/dev/null; then return; fi
    standin=prosaas-standin/$2
    case $chosen in
    '' | "$2" | "$standin") ;;
    *) fail "$1=$chosen is neither here nor to be pulled" "docker pull $chosen says why; or remove $1 from .env" env/example.env ;;
    esac
    if ! present "$standin"; then
        step "no image registry answers: making $standin from Debian's packages (under a minute)" \
            "set $1 in .env to an image that this machine can pull"
        "$ROOT/scripts/standin-image.sh" "$3"
    fi
    env_put "$1" "$standin"
}

ensure PYTHON_IMAGE python:3.13-slim-trixie python
ensure POSTGRES_IMAGE postgres:17-trixie postgres
