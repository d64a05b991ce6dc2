#!/bin/sh
# Everything this machine and configuration need, a line each; exit 1 when one is a problem.
set -eu
here=$(dirname -- "$0")
. "$here/lib.sh"
. "$here/checks.sh"
cd "$ROOT"

check_engine
check_cgroup
check_disk
check_memory
check_ports
check_ca
check_env
check_collector
check_levels prod
check_numbers
[ "$problems" = 0 ] || exit 1
