# How every script here speaks, refuses and finds its way. Sourced, never run.
# shellcheck shell=sh

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
export ROOT

# spoken HEBREW ENGLISH: the one that the operator reads, as the tools find out which.
spoken() {
    for language in "${OPS_LANG:-}" "$(filed OPS_LANG)" "$(filed LOG_LANG)"; do
        case $language in
        [Ee][Nn]) printf '%s' "$2" && return ;;
        [Hh][Ee]) break ;;
        esac
    done
    printf '%s' "$1"
}

filed() { sed -n "s/^$1=[\"' ]\{0,1\}\([A-Za-z]*\).*/\1/p" "$ROOT/env/prod.env" 2>/dev/null | tail -n 1; }

say() { printf '==> %s\n' "$*" >&2; }

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

# compose_of_env NAME DEFAULT: the word as Compose makes it out.
compose_of_env() {
    # shellcheck disable=SC2016 # Compose's own placeholders
    printf 'name: prosaas\nservices: {x: {image: "${%s:-%s}"}}\n' "$1" "$2" |
        COMPOSE_FILE='' docker compose --file - config --images
}

# setting NAME DEFAULT: the word that .env or the shell has for it, as Compose reads them. Where Compose cannot read .env
# there is no default: it would name another folder's stack.
setting() {
    if found=$(compose_of_env "$1" "$2" 2>/dev/null); then
        printf '%s' "$found"
    elif [ -e "$ROOT/.env" ] && docker compose version >/dev/null 2>&1; then
        [ -r "$ROOT/.env" ] || fail "$(spoken "ל-$(id -un) אין הרשאה לקרוא את .env" "$(id -un) may not read .env")" \
            "$(spoken "להריץ בתור מי שהקים את ה-stack, או עם sudo" "run this as who set the stack up, or with sudo")"
        # The number alone: what Compose complains about it quotes. Of a value without an end it names the file's last line.
        line=$(compose_of_env "$1" "$2" 2>&1 | sed -n '/unterminated/!s/.*: line \([0-9]\{1,\}\): .*/\1/p' | head -n 1)
        if [ -n "$line" ]; then
            fail "$(spoken ".env, שורה $line: Compose לא מצליח לקרוא אותה" ".env, line $line: Compose cannot read it")" \
                "$(spoken "docker compose config --quiet מראה למה" "docker compose config --quiet shows why")" env/example.env
        fi
        fail "$(spoken "Compose לא מצליח לקרוא את .env" "Compose cannot read .env")" \
            "$(spoken "make doctor מראה באיזו שורה" "make doctor shows which line")" env/example.env
    else
        printf '%s' "$2"
    fi
}

# apt reads a proxy's name in small letters, Compose and builds in capitals; most machines have one of the two.
both() { [ -z "$3$4" ] || export "$1=${3:-$4}" "$2=${4:-$3}"; }
both http_proxy HTTP_PROXY "${http_proxy:-}" "${HTTP_PROXY:-}"
both https_proxy HTTPS_PROXY "${https_proxy:-}" "${HTTPS_PROXY:-}"
both no_proxy NO_PROXY "${no_proxy:-}" "${NO_PROXY:-}"

# What apt does on this machine to reach its mirror: a proxy, and who it is there.
apt_settings() { apt-config dump 2>/dev/null | grep -E '^Acquire::https?::' || true; }

# built WORD …: an image of a Dockerfile that installs packages. What it is told of this network stays out of the image and
# of the list of processes. On a stand-in it reaches Debian's packages as this machine does, on upstream's image as that does.
built() {
    for name in HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        ! eval "[ -n \"\${$name:-}\" ]" || set -- --build-arg "$name" "$@"
    done
    case $* in *PYTHON_IMAGE=prosaas-standin/*) set -- --secret id=apt,env=APT_SETTINGS "$@" ;; esac
    APT_SETTINGS=$(apt_settings) docker build --quiet --secret "id=ca,src=$(ca_bundle)" "$@" >/dev/null
}

# The CA bundle that image builds trust, on a machine behind a proxy that inspects TLS.
ca_bundle() {
    for bundle in "${CA_BUNDLE:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt \
        /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -s "$bundle" ]; then
            printf '%s' "$bundle"
            return
        fi
    done
    printf /dev/null
}

# The mirror this machine already uses for its own release. apt tells only after it has fetched its lists once.
debian_mirror() {
    if [ -n "${DEBIAN_MIRROR:-}" ]; then
        printf '%s' "$DEBIAN_MIRROR"
        return
    fi
    mirror_in_use | grep . || { apt-get update -qq >&2 && mirror_in_use; }
}

# Debian's alone: no other distribution's has its packages. Of a list of mirrors, as cloud images have it, the first: an
# image would not find the list.
mirror_in_use() {
    # shellcheck disable=SC2016 # apt's own placeholders, not the shell's
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk -v release="$(os_release VERSION_CODENAME)" \
            '$2 == release && $3 == "main" && $4 == "Debian" { print $1; exit }')
    case $mirror in
    mirror+file:*) mirror=${mirror#mirror+file:} && awk '/^[a-z]+:/ { print $1; exit }' "${mirror%/}" || true ;;
    ?*) printf '%s\n' "$mirror" ;;
    esac
}

# What a tool could not do from its container and left in .state: the line of cron for BACKUP_SCHEDULE, a backup's copy.
left_to_this_machine() {
    if [ -e .state/schedule ]; then
        when=$(cat .state/schedule)
        rm .state/schedule
        # A quote in the folder's name would end ours, and a bare % the line: cron takes what follows it for input.
        line="cd '$(printf %s "$ROOT" | sed "s/'/'\\\\''/g; s/%/\\\\%/g")' && mkdir -p logs && make backup >>logs/backup.log 2>&1"
        if ! have crontab; then
            [ -z "$when" ] || say "no cron here for BACKUP_SCHEDULE: install it and run this again, or schedule make backup"
        elif [ -n "$when" ] || crontab -l 2>/dev/null | grep -qF "$line"; then
            {
                crontab -l 2>/dev/null | grep -vF "$line" || true
                [ -z "$when" ] || printf '%s %s\n' "$when" "$line"
            } | crontab -
        fi
    fi
    if [ -e .state/copy ]; then
        files=$(cat .state/copy)
        # Gone first: what fails is said once, by the command that wrote the files, and by no later one.
        rm .state/copy
        copy=$(printf '%s\n' "$files" | head -n 1)
        # Each file, whatever became of the one before. The command has no input: it would read the other names.
        failed=$(printf '%s\n' "$files" | sed 1d | while IFS= read -r file; do
            sh -c "$copy" BACKUP_COPY "$file" </dev/null >&2 || printf ' %s' "$file"
        done)
        [ -z "$failed" ] || fail "written, and the copy failed:$failed" \
            "run this by hand, with the file as \$1: $copy" docs/operations.md
    fi
}
