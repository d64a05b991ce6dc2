#!/bin/sh
# Entry point of the PostgreSQL stand-in: the same variables, folders and order of steps as the upstream image.
set -eu

# from_file NAME DEFAULT: NAME, else the content of the file that NAME_FILE names, else DEFAULT.
from_file() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -n "$value" ] && [ -n "$file" ]; then
        echo "error: both $1 and $1_FILE are set" >&2
        exit 1
    fi
    [ -z "$file" ] || value=$(cat "$file")
    eval "$1=\${value:-\$2}"
    export "${1?}"
    unset "$1_FILE"
}

# As root: make the folders ours, then start again as postgres.
drop_root() {
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA" 2>/dev/null || true
    chmod 3775 /var/run/postgresql 2>/dev/null || true
    find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres '{}' +
    exec gosu postgres "$0" "$@"
}

create_cluster() {
    if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "error: the database is new and POSTGRES_PASSWORD is not set" >&2
        exit 1
    fi
    password=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
    # shellcheck disable=SC2086 # the options are words
    if [ -n "$POSTGRES_PASSWORD" ]; then
        initdb --username="$POSTGRES_USER" --pwfile="$password" $POSTGRES_INITDB_ARGS
    else
        initdb --username="$POSTGRES_USER" $POSTGRES_INITDB_ARGS
    fi
    rm -f "$password"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
}

sql() { PGPASSWORD="$POSTGRES_PASSWORD" psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$POSTGRES_USER" "$@"; }

run_init_scripts() {
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
        *.sh)
            # shellcheck disable=SC1090 # whatever the folder holds
            if [ -x "$script" ]; then "$script"; else . "$script"; fi
            ;;
        *.sql) sql -d "$POSTGRES_DB" -f "$script" ;;
        *.sql.gz) gunzip -c "$script" | sql -d "$POSTGRES_DB" ;;
        esac
    done
}

# The first start listens on the local socket alone: nobody connects before the database is complete.
first_start() {
    create_cluster
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    if [ "$POSTGRES_DB" != postgres ]; then
        printf 'CREATE DATABASE :"db";\n' | sql -d postgres -v db="$POSTGRES_DB"
    fi
    run_init_scripts
    pg_ctl -D "$PGDATA" -m fast -w stop
}

case ${1:-} in -*) set -- postgres "$@" ;; esac
if [ "${1:-}" = postgres ]; then
    [ "$(id -u)" != 0 ] || drop_root "$@"
    from_file POSTGRES_PASSWORD ''
    from_file POSTGRES_USER postgres
    from_file POSTGRES_DB "$POSTGRES_USER"
    from_file POSTGRES_INITDB_ARGS ''
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        mkdir -p "$PGDATA"
        chmod 0700 "$PGDATA" 2>/dev/null || true
        first_start
    fi
fi
exec "$@"
