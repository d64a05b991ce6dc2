#!/bin/sh
# Puts a backup in place of the database. A database with data in it is replaced only with FORCE=1, and saved first.
# Usage: [FORCE=1] restore.sh FILE
set -eu
here=$(dirname -- "$0")
. "$here/lib.sh"
cd "$ROOT"

file=${1:-}
if [ ! -f "$file" ]; then
    echo "error: make restore FILE=backups/….dump${file:+: there is no $file}" >&2
    find "${BACKUP_DIR:-backups}" -name '*.dump' 2>/dev/null | sort >&2
    exit 2
fi

in_postgres() { docker compose exec -T --env PGOPTIONS=--client_min_messages=warning postgres "$@"; }
ask() { in_postgres psql --username=prosaas --dbname="$1" --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 --command "$2"; }

if [ -z "$(docker compose ps --quiet --status running postgres 2>/dev/null)" ]; then
    "$here/setup.sh" prod
    docker compose up --detach --no-deps --wait --quiet-pull postgres
fi
in_postgres pg_restore --list <"$file" >/dev/null 2>&1 ||
    fail "$file is not a backup that pg_restore can read" "choose another backup"

# What a new stack has of its own, the demo's business, does not make it live.
rows=$(ask prosaas "
    SELECT coalesce(sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I %s', tablename,
        CASE tablename WHEN 'businesses' THEN 'WHERE id <> 456' END), false, true, '')))[1]::text::bigint), 0)
    FROM pg_tables
    WHERE schemaname = 'public' AND tablename IN ('businesses', 'calls', 'messages', 'appointments', 'api_keys')")
if [ "$rows" -gt 0 ]; then
    [ "${FORCE:-0}" = 1 ] || fail "the database is live: this would replace its $rows businesses, calls and messages" \
        "make restore FILE=$file FORCE=1 (writes a backup of it first)" "docs/operations.md"
    "$here/backup.sh" "${BACKUP_DIR:-backups}/before-restore-$(date -u +%Y%m%dT%H%M%SZ).dump"
fi

# Beside the old one first: until the whole backup is in, nothing has changed.
say "restoring $file"
ask postgres 'DROP DATABASE IF EXISTS prosaas_restored'
ask postgres 'CREATE DATABASE prosaas_restored TEMPLATE template0'
in_postgres pg_restore --username=prosaas --dbname=prosaas_restored --no-owner --exit-on-error --single-transaction <"$file" ||
    fail "the backup could not be restored; the database is as it was" "the lines above say why"

running=$(docker compose ps --services --status running | grep -xE 'prosaas-api|prosaas-calls|worker' || true)
# shellcheck disable=SC2086 # one word a service
[ -z "$running" ] || docker compose stop $running
ask postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'prosaas'" >/dev/null
ask postgres 'ALTER DATABASE prosaas RENAME TO prosaas_replaced; ALTER DATABASE prosaas_restored RENAME TO prosaas'
ask postgres 'DROP DATABASE prosaas_replaced'
# An older backup is brought to the newest schema by `migrate`, on which each of them waits.
# shellcheck disable=SC2086
[ -z "$running" ] || docker compose up --detach --wait --quiet-pull $running
say "restored: $(ask prosaas 'SELECT count(*) FROM calls') calls, $(ask prosaas 'SELECT count(*) FROM messages') messages"
[ -n "$running" ] || say "next: make up-prod"
