# How every script here speaks, refuses and finds its way. Sourced, never run.
# shellcheck shell=sh

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
export ROOT

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# fail WHAT FIX [WHERE-TO-READ]
fail() {
    printf 'error: %s\n  fix:  %s\n' "$1" "$2" >&2
    [ $# -lt 3 ] || printf '  read: %s\n' "$3" >&2
    exit 1
}

# step WHAT-WE-ARE-ABOUT-TO-DO HOW-TO-DO-IT-YOURSELF: announces a change to this machine, or refuses it.
step() {
    [ "${AUTO_SETUP:-1}" != 0 ] || fail "AUTO_SETUP=0 and something is missing: $1" "$2" "README.md, A fresh machine"
    say "$1"
}

have() { command -v "$1" >/dev/null 2>&1; }

need_root() {
    [ "$(id -u)" = 0 ] || fail "$1 needs root" "run this once as root, or: $2" "README.md, A fresh machine"
}

os_release() { (. /etc/os-release 2>/dev/null && eval "printf '%s' \"\${$1:-}\""); }

# env_get NAME: a setting from the shell, else from .env.
env_get() {
    eval "value=\${$1:-}"
    if [ -z "$value" ] && [ -f "$ROOT/.env" ]; then
        value=$(sed -n "s/^$1=//p" "$ROOT/.env" | tail -n 1 | sed "s/^\([\"']\)\(.*\)\1\$/\2/")
    fi
    printf '%s' "$value"
}

# env_put NAME VALUE: records a setting in .env, in place of an earlier one. The file is replaced whole, so that a kill or a
# full disk leaves the old one; the value travels in the environment, because every account may read arguments.
env_put() {
    [ "$(env_recorded "$1")" != "$1=$2" ] || return 0
    new=$(umask 077 && mktemp "$ROOT/.env.XXXXXX")
    PUT_NAME=$1 PUT_VALUE=$2 awk 'BEGIN { line = ENVIRON["PUT_NAME"] "=" ENVIRON["PUT_VALUE"] }
        index($0, ENVIRON["PUT_NAME"] "=") == 1 { if (!put++) print line; next } { print } END { if (!put) print line }' \
        "$ROOT/.env" >"$new" && mv -f "$new" "$ROOT/.env" || { rm -f "$new"; return 1; }
}

env_recorded() { grep "^$1=" "$ROOT/.env" | tail -n 1; }

# The mirror this machine already uses for its own release. apt tells only after it has fetched its lists once.
debian_mirror() {
    if [ -n "${DEBIAN_MIRROR:-}" ]; then
        printf '%s' "$DEBIAN_MIRROR"
        return
    fi
    mirror_in_use | grep . || { apt-get update -qq >&2 && mirror_in_use; }
}

mirror_in_use() {
    # shellcheck disable=SC2016 # apt's own placeholders, not the shell's
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk -v release="$(os_release VERSION_CODENAME)" '$2 == release && $3 == "main" { print $1; exit }'
}

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

drain_seconds() { env_get DRAIN_SECONDS | grep . || echo 600; }

live_calls() {
    docker compose exec -T prosaas-calls python -c '
import json, urllib.request
print(len(json.load(urllib.request.urlopen("http://127.0.0.1:5050/calls", timeout=2))))' 2>/dev/null || echo unknown
}
