# What can be wrong with a machine or a configuration: each check says ok, or what it is, how to fix it, where to read.
# shellcheck shell=sh

problems=0
ok() { [ "${QUIET:-0}" = 1 ] || printf 'ok       %-10s %s\n' "$1" "$2"; }

# bad TOPIC WHAT FIX READ
bad() {
    problems=$((problems + 1))
    printf 'problem  %-10s %s\n                    fix:  %s\n                    read: %s\n' "$1" "$2" "$3" "$4"
}

check_engine() {
    if version=$(docker version --format '{{.Server.Version}}' 2>/dev/null); then
        ok engine "Docker $version"
    else
        bad engine "no Docker engine answers" "make setup" "README.md, A fresh machine"
    fi
    for plugin in compose buildx; do
        if version=$(docker "$plugin" version 2>/dev/null | grep -oE 'v?[0-9]+\.[0-9]+\.[0-9]+' | head -n 1) && [ -n "$version" ]; then
            ok "$plugin" "$version"
        else
            bad "$plugin" "docker $plugin is missing" "make setup" "README.md, A fresh machine"
        fi
    done
}

check_cgroup() {
    version=$(docker info --format '{{.CgroupVersion}}' 2>/dev/null || true)
    case $version in
    1 | 2) ok cgroup "version $version" ;;
    *) bad cgroup "the engine reports no cgroup version: limits cannot hold" "mount cgroups, then restart dockerd" "docs/troubleshooting.md" ;;
    esac
}

check_disk() {
    where=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || true)
    [ -d "$where" ] || where=$ROOT
    free=$(df -Pm "$where" | awk 'NR == 2 { print $4 }')
    if [ "$free" -ge 3000 ]; then
        ok disk "$((free / 1000)) GB free in $where"
    else
        bad disk "$free MB free in $where, images and data need 3000" "docker image prune, or a larger disk" "README.md, Sizes"
    fi
}

check_memory() {
    bytes=$(docker info --format '{{.MemTotal}}' 2>/dev/null || echo 0)
    if [ "$((bytes / 1048576))" -ge 1800 ]; then
        ok memory "$((bytes / 1048576)) MB"
    else
        bad memory "$((bytes / 1048576)) MB; the stack's limits add up to 3 GB" "lower *_MEMORY in .env, or a larger machine" env/example.env
    fi
}

# listening PORT: true when something on this machine accepts connections on it.
listening() {
    if [ -r /proc/net/tcp ]; then
        cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
            awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && index($2, port) { found = 1 } END { exit !found }'
    else
        lsof -nP -iTCP:"$1" -sTCP:LISTEN >/dev/null 2>&1
    fi
}

# check_port NAME DEFAULT SERVICE CONTAINER_PORT: free, or ours.
check_port() {
    port=$(env_get "$1")
    port=${port:-$2}
    case $port in
    *[!0-9]* | '') bad port "$1=$port is not a port" "a number from 1 to 65535 in .env" env/example.env && return ;;
    esac
    if ! listening "$port"; then
        ok port "$1=$port is free"
    elif [ "$(docker compose port "$3" "$4" 2>/dev/null)" = "127.0.0.1:$port" ]; then
        ok port "$1=$port is this stack's"
    else
        bad port "$1=$port is taken by something else" "stop it, or set another $1 in .env" env/example.env
    fi
}

check_ports() {
    check_port API_PORT 8000 prosaas-api 8000
    check_port CALLS_PORT 5050 prosaas-calls 5050
}

check_ca() {
    bundle=$(env_get CA_BUNDLE)
    if [ -z "$bundle" ] || [ -s "$bundle" ]; then
        ok ca "image builds trust ${bundle:-their own bundle}"
    else
        bad ca "CA_BUNDLE=$bundle is not a file" "set it in .env to this machine's CA bundle, or remove it" env/example.env
    fi
    proxy=${HTTPS_PROXY:-${https_proxy:-}}
    ok proxy "$([ -n "$proxy" ] && echo "HTTPS_PROXY is set and passed to image builds" || echo none)"
}

# check_choice NAME VALID…
check_choice() {
    name=$1 value=$(env_get "$1")
    shift
    case " $* " in
    *" ${value:-$1} "*) ok collector "$name=${value:-$1}" ;;
    *) bad collector "$name=$value is not one of: $*" "set it in .env to one of them, or remove it" docs/collectors.md ;;
    esac
}

check_collector() {
    check_choice LOG_DRIVER json-file local awslogs fluentd syslog
    check_choice LOG_COLLECTOR none datadog
}

check_numbers() {
    for name in DRAIN_SECONDS MAX_CALLS MAX_CALL_SECONDS IDLE_SECONDS; do
        case $(env_get "$name") in
        *[!0-9]*) bad number "$name=$(env_get "$name") is not a whole number" "one in .env, or remove it" env/example.env ;;
        esac
    done
}

# check_level NAME VALUE WHERE
check_level() {
    case $(printf '%s' "$2" | tr '[:lower:]' '[:upper:]') in
    DEBUG | INFO | WARNING | ERROR | CRITICAL) ok level "$1=$2 ($3)" ;;
    *) bad level "$1=$2 in $3 is not a level" "one of DEBUG, INFO, WARNING, ERROR, CRITICAL" docs/guide.md ;;
    esac
}

# check_levels ENVIRONMENT
check_levels() {
    file=env/$1.env
    check_level LOG_LEVEL "$(sed -n 's/^LOG_LEVEL=//p' "$ROOT/$file" | tail -n 1)" "$file"
    for name in API_LOG_LEVEL CALLS_LOG_LEVEL WORKER_LOG_LEVEL; do
        level=$(env_get "$name")
        [ -z "$level" ] || check_level "$name" "$level" .env
    done
    if [ "$(sed -n 's/^PYTHONUNBUFFERED=//p' "$ROOT/$file" | tail -n 1)" = 1 ]; then
        ok unbuffered "PYTHONUNBUFFERED=1 ($file)"
    else
        bad unbuffered "PYTHONUNBUFFERED=1 is missing from $file: lines would wait in a buffer" "add it" docs/guide.md
    fi
}

check_env() {
    if [ ! -f "$ROOT/.env" ]; then
        bad env "there is no .env" "make setup" env/example.env
        return
    fi
    missing=
    expected=$(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$ROOT/env/example.env")
    for name in $expected; do
        grep -q "^$name=" "$ROOT/.env" || missing="$missing $name"
    done
    required="PUBLIC_URL TWILIO_AUTH_TOKEN ADMIN_API_KEY"
    [ -n "$(env_get DATABASE_URL)" ] || required="$required POSTGRES_PASSWORD"
    [ -z "$(env_get OPENAI_API_KEY)" ] || required="$required TWILIO_ACCOUNT_SID"
    for name in $required; do
        [ -n "$(env_get "$name")" ] || case $missing in *" $name"*) ;; *) missing="$missing $name" ;; esac
    done
    if [ -z "$missing" ]; then
        ok env ".env is complete"
    else
        bad env "not set in .env:$missing" "add each; env/example.env says what it is for" env/example.env
    fi
    if [ -n "$(env_get OPENAI_API_KEY)" ]; then check_providers; else ok mode "demo: OPENAI_API_KEY is not set"; fi
}

# With a real model, callers are real: what the demo signed with must be gone.
check_providers() {
    case "$(env_get TWILIO_AUTH_TOKEN) $(env_get TWILIO_ACCOUNT_SID)" in
    demo-* | *AC00000000000000000000000000000000)
        bad mode "OPENAI_API_KEY is set, but Twilio's settings are still the demo's: no real call would be answered" \
            "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in .env from the Twilio console" env/example.env
        ;;
    *) ok mode "live: the model and Twilio are set" ;;
    esac
}
