#!/bin/sh
# What would make a start fail, found before anything is touched. Silent when all is well.
# Usage: preflight.sh prod|dev
set -eu
here=$(dirname -- "$0")
. "$here/lib.sh"
. "$here/checks.sh"
cd "$ROOT"

QUIET=1
check_env
check_collector
check_levels "$1"
check_numbers
check_ports
check_disk
[ "$problems" = 0 ] || fail "$problems problem(s) before the start; nothing was changed" "the lines above, then run this again" "make doctor"
