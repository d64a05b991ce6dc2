#!/bin/sh
# Writes the database into backups/, whole or not at all.
# Usage: [BACKUP_DIR=backups] backup.sh [FILE]
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"
umask 077

file=${1:-${BACKUP_DIR:-backups}/prosaas-$(date -u +%Y%m%dT%H%M%SZ).dump}
[ -n "$(docker compose ps --quiet --status running postgres 2>/dev/null)" ] ||
    fail "no postgres container runs" "make up-prod; a managed database is backed up by its provider" "docs/operations.md"
mkdir -p "$(dirname -- "$file")"
trap 'rm -f "$file.part"' EXIT

docker compose exec -T postgres pg_dump --format=custom --username=prosaas --dbname=prosaas >"$file.part" ||
    fail "pg_dump did not finish, nothing was kept" "docker compose logs postgres"
docker compose exec -T postgres pg_restore --list <"$file.part" >/dev/null ||
    fail "the dump cannot be read back, it was not kept" "check the free space (make doctor), then try again"
mv "$file.part" "$file"
say "$file, $(wc -c <"$file") bytes; back again with: make restore FILE=$file"
