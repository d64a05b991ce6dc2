#!/bin/sh
# Makes sure that the upstream images are here: pulled, or built as stand-ins where no registry answers. Prints what to use.
# With `renew` they are made anew, each meant by its digest from then on.
# shellcheck disable=SC2016 # the hook's $1 is the new root, which mmdebstrap's own shell expands
set -eu
. "$(dirname -- "$0")/lib.sh"
cd "$ROOT"

present() { docker image inspect "$1" >/dev/null 2>&1; }

# A network that swallows packets would let a pull hang for minutes; where there is no timeout the client's own must do.
# Any other answer says nothing: the engine may have a proxy, a mirror or trust that its client has not.
swallowed() {
    asked=0
    $(! have timeout || echo timeout 30) docker manifest inspect "$1" >/dev/null 2>&1 || asked=$?
    [ "$asked" = 124 ]
}

install_mmdebstrap() {
    have mmdebstrap && return
    have apt-get || fail "no image registry answers, and stand-ins can be made on Debian and Ubuntu alone" \
        "docker pull python:3.13-slim-trixie, or set PYTHON_IMAGE in .env" "README.md, A fresh machine"
    step "installing mmdebstrap" "apt-get install mmdebstrap"
    need_root "installing mmdebstrap" "ask for mmdebstrap to be installed"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap debian-archive-keyring >/dev/null
}

# A small Debian 13 with Python, which keeps no proxy of this machine's, and no password for one. What the others need
# besides, their Dockerfiles in deploy/standins add to it.
python_standin() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    need_root "making a root filesystem" "set PYTHON_IMAGE in .env to an image that this machine can pull"
    install_mmdebstrap
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "no Debian mirror in this machine's apt configuration" \
        "set DEBIAN_MIRROR to one, or PYTHON_IMAGE in .env to an image that this machine can pull" "README.md, A fresh machine"
    apt_settings >"$work/apt.conf"
    mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg --aptopt="$work/apt.conf" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --customize-hook='ln -s python3 "$1/usr/bin/python"' \
        --customize-hook=': >"$1/etc/apt/apt.conf.d/99mmdebstrap"' trixie "$work/root.tar" "$mirror" >&2
    docker import --change 'CMD ["python3"]' --change 'ENV LANG=C.UTF-8' "$work/root.tar" "$1" >/dev/null
}

# standin NAME
standin() {
    case $1 in
    */python:*) python_standin "$1" ;;
    *)
        folder=${1##*/}
        built --tag "$1" --build-arg "PYTHON_IMAGE=$python" "deploy/standins/${folder%%:*}"
        ;;
    esac
}

# ensure SETTING UPSTREAM: prints the one to use.
ensure() {
    chosen=$(setting "$1" "$2")
    standin=prosaas-standin/$2
    if ! present "$chosen"; then
        if present "$standin" && [ "$chosen" = "$2" ]; then
            chosen=$standin
        else
            step "pulling $chosen" "docker pull $chosen"
            why="no image registry answers"
            if swallowed "$chosen" || ! why=$(docker pull --quiet "$chosen" 2>&1 >/dev/null); then
                # A full disk, say, or too many pulls: the engine's last line has it.
                why=$(printf '%s' "$why" | tail -n 1)
                case $chosen in
                grafana/*) fail "$chosen cannot be pulled ($why), and Debian has none" "remove GRAFANA from .env" docs/alerts.md ;;
                "$2" | "$standin") ;;
                *) fail "$1=$chosen is neither here nor to be pulled" "docker pull $chosen says why; or remove $1 from .env" env/example.env ;;
                esac
                step "$chosen cannot be pulled ($why): making $standin from Debian's packages (under a minute)" \
                    "set $1 in .env to an image that this machine can pull"
                standin "$standin"
                chosen=$standin
            fi
        fi
    fi
    printf '%s=%s\n' "$1" "$chosen"
}

# renew SETTING UPSTREAM: the newest of its tag, by the digest that from now on is meant; a stand-in of today's packages.
renew() {
    chosen=$(setting "$1" "$2")
    tag=${chosen%@*}
    case $tag in
    prosaas-standin/*)
        step "making $tag anew, from Debian's packages of today" "set $1 in .env to an image that this machine can pull"
        standin "$tag"
        printf '%s=%s\n' "$1" "$tag"
        ;;
    *)
        step "pulling $tag" "docker pull $tag"
        docker pull --quiet "$tag" >/dev/null || fail "$1=$tag cannot be pulled; nothing was changed" "docker pull $tag says why"
        digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$tag")
        printf '%s=%s@%s\n' "$1" "$tag" "${digest#*@}"
        ;;
    esac
}

[ "${1:-}" != renew ] || ensure() { renew "$@"; }
found=$(ensure PYTHON_IMAGE python:3.13-slim-trixie)
python=${found#*=}
echo "$found"
ensure POSTGRES_IMAGE postgres:17-trixie
ensure CADDY_IMAGE caddy:2
# Apart from their tests: one that cannot be read is no 0.
monitoring=$(setting MONITORING 0)
grafana=$(setting GRAFANA 0)
if [ "$monitoring" = 1 ]; then
    ensure PROMETHEUS_IMAGE prom/prometheus:v2.53.3
    ensure ALERTMANAGER_IMAGE prom/alertmanager:v0.28.1
fi
[ "$grafana" != 1 ] || ensure GRAFANA_IMAGE grafana/grafana:11.6.0
