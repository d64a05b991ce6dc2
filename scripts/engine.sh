#!/bin/sh
# Makes sure that a Docker engine with Compose v2 and buildx answers.
set -eu
. "$(dirname -- "$0")/lib.sh"

PACKAGES="docker.io docker-cli docker-compose docker-buildx"

installed() { have docker && docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }

# Debian 12's own Compose is version 1; Debian 13's packages install on it as they are. The low priority keeps everything
# else on this machine at its own release.
add_trixie() {
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "no Debian mirror in this machine's apt configuration" "install Docker Engine, Compose v2 and buildx"
    step "adding Debian 13 to apt at low priority" "install Docker Engine, Compose v2 and buildx"
    printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' \
        "$mirror" /usr/share/keyrings/debian-archive-keyring.gpg >/etc/apt/sources.list.d/prosaas-trixie.sources
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >/etc/apt/preferences.d/prosaas-trixie
}

install_engine() {
    need_root "installing Docker" "install Docker Engine, Compose v2 and buildx, then run this again"
    case "$(os_release ID):$(os_release VERSION_CODENAME)" in
    debian:trixie) packages=$PACKAGES ;;
    debian:bookworm)
        [ -f /etc/apt/sources.list.d/prosaas-trixie.sources ] || add_trixie
        packages=$(for name in $PACKAGES; do printf '%s/trixie ' "$name"; done)
        ;;
    ubuntu:*) packages="docker.io docker-compose-v2 docker-buildx" ;;
    *) fail "no Docker engine, and this is neither Debian 12 or 13 nor Ubuntu" "install Docker Engine, Compose v2 and buildx" ;;
    esac
    step "installing Docker Engine, Compose and buildx (about a minute)" "apt-get install $packages"
    apt-get update -qq
    # shellcheck disable=SC2086 # the packages are words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

answers() { docker version >/dev/null 2>&1; }

start_daemon() {
    have dockerd || install_engine
    need_root "starting the Docker daemon" "systemctl start docker"
    if [ -d /run/systemd/system ]; then
        step "starting the Docker daemon" "systemctl start docker"
        systemctl enable --now docker
    else
        step "starting the Docker daemon, log in /var/log/dockerd.log" "run dockerd in the background"
        setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
    fi
    for _ in $(seq 60); do
        ! answers || return 0
        sleep 0.5
    done
    fail "the Docker daemon does not answer" "read /var/log/dockerd.log or: journalctl -u docker" "README.md, A fresh machine"
}

installed || install_engine
if ! answers; then
    case "$(docker version 2>&1)" in
    *"permission denied"*)
        fail "this account may not use Docker" "add it to the docker group and log in again: usermod -aG docker $(id -un)"
        ;;
    *) start_daemon ;;
    esac
fi

# Where the users of containers are others than the machine's, the tools are nobody to the socket and to this folder.
case $(docker info --format '{{.SecurityOptions}}' 2>/dev/null || true) in
*name=rootless* | *name=userns*)
    fail "this engine runs rootless, or with userns-remap: in a container you are another user than here" \
        "use the machine's own engine: docker context use default, without userns-remap in /etc/docker/daemon.json" \
        docs/troubleshooting.md
    ;;
*name=selinux*)
    # Permissive, it only notes what it would forbid.
    [ "$(getenforce 2>/dev/null)" != Enforcing ] ||
        fail "this engine labels containers for SELinux, which keeps them from this folder and from the engine's socket" \
            "take selinux-enabled out of /etc/docker/daemon.json or /etc/sysconfig/docker, then: systemctl restart docker" \
            docs/troubleshooting.md
    ;;
esac
