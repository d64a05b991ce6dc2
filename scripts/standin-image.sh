#!/bin/sh
# Builds a stand-in for an upstream base image from Debian 13's packages, for machines that reach no image registry.
# Usage: standin-image.sh python|postgres
# shellcheck disable=SC2016 # the hooks' $1 is the new root, which mmdebstrap's own shell expands
set -eu
. "$(dirname -- "$0")/lib.sh"

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
SUITE=trixie

install_mmdebstrap() {
    have mmdebstrap && return
    step "installing mmdebstrap" "apt-get install mmdebstrap"
    need_root "installing mmdebstrap" "ask for mmdebstrap to be installed"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap debian-archive-keyring >/dev/null
}

# root_filesystem PACKAGES [mmdebstrap options]: a tar of a small Debian 13.
root_filesystem() {
    packages=$1
    shift
    apt-config dump | grep -E '^Acquire::https?::' >"$work/apt.conf" || true
    mmdebstrap --quiet --variant=minbase --include="$packages" --keyring="$KEYRING" --aptopt="$work/apt.conf" \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        "$@" "$SUITE" "$work/root.tar" "$mirror"
}

python_image() {
    root_filesystem python3,python3-venv,ca-certificates \
        --customize-hook='ln -s python3 "$1/usr/bin/python"'
    docker import --change 'CMD ["python3"]' --change 'ENV LANG=C.UTF-8' \
        "$work/root.tar" prosaas-standin/python:3.13-slim-trixie
}

# The account comes before the package, so that it gets the number that volumes written by the upstream image carry.
# /run/postgresql by that name: /var/run is a link to /run, which from out here is the host's; and /run is emptied at the
# end unless told otherwise.
postgres_image() {
    root_filesystem postgresql-17,gosu,ca-certificates --skip=cleanup/run \
        --essential-hook='echo "postgres:x:999:" >>"$1/etc/group"' \
        --essential-hook='echo "postgres:x:999:999::/var/lib/postgresql:/bin/bash" >>"$1/etc/passwd"' \
        --customize-hook='rm -rf "$1"/etc/postgresql/17 "$1"/var/lib/postgresql/17' \
        --customize-hook='install -d -o 999 -g 999 -m 1777 "$1/var/lib/postgresql/data"' \
        --customize-hook='install -d -o 999 -g 999 -m 3777 "$1/run/postgresql"' \
        --customize-hook='mkdir "$1/docker-entrypoint-initdb.d"' \
        --customize-hook="upload '$ROOT/scripts/standin/postgres-entrypoint.sh' /usr/local/bin/docker-entrypoint.sh" \
        --customize-hook='chmod 755 "$1/usr/local/bin/docker-entrypoint.sh"'
    docker import \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/17/bin' \
        --change 'ENV LANG=C.UTF-8' --change 'ENV PG_MAJOR=17' --change 'ENV PGDATA=/var/lib/postgresql/data' \
        --change 'VOLUME /var/lib/postgresql/data' --change 'STOPSIGNAL SIGINT' --change 'EXPOSE 5432' \
        --change 'ENTRYPOINT ["docker-entrypoint.sh"]' --change 'CMD ["postgres"]' \
        "$work/root.tar" prosaas-standin/postgres:17-trixie
}

case ${1:-} in
python | postgres) ;;
*)
    echo "usage: standin-image.sh python|postgres" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
need_root "making a root filesystem" "set PYTHON_IMAGE and POSTGRES_IMAGE in .env to images that this machine can pull"
install_mmdebstrap
mirror=$(debian_mirror)
[ -n "$mirror" ] || fail "no Debian mirror in this machine's apt configuration" \
    "set DEBIAN_MIRROR to one, or PYTHON_IMAGE and POSTGRES_IMAGE in .env to images that this machine can pull" \
    "README.md, A fresh machine"
"${1}_image" >/dev/null
