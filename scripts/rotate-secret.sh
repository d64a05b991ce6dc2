#!/bin/sh
# Gives one secret a new value and recreates what uses it: a generated value, or for a provider's the line on stdin.
# Usage: rotate-secret.sh NAME
set -eu
here=$(dirname -- "$0")
. "$here/lib.sh"
cd "$ROOT"

OURS="POSTGRES_PASSWORD CALL_TOKEN_SECRET WHATSAPP_VERIFY_TOKEN ADMIN_API_KEY"
PROVIDERS="OPENAI_API_KEY TWILIO_AUTH_TOKEN WHATSAPP_APP_SECRET WHATSAPP_ACCESS_TOKEN"

is_one_of() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac; }

ask() {
    if [ -t 0 ]; then
        printf 'the new %s, not shown: ' "$1" >&2
        stty -echo
        trap 'stty echo' EXIT
    fi
    IFS= read -r value || true
    if [ -t 0 ]; then
        stty echo
        trap - EXIT
        echo >&2
    fi
    case $value in *[!A-Za-z0-9._:/+=-]*) value= ;; esac
    [ -n "$value" ] || fail "no usable value for $1 on standard input" "make rotate-secret NAME=$1, then paste it, on one line"
}

name=${1:-}
if is_one_of "$name" "$OURS" && [ -n "$name" ]; then
    value=$(random)
elif is_one_of "$name" "$PROVIDERS" && [ -n "$name" ]; then
    ask "$name"
else
    echo "usage: make rotate-secret NAME=, one of: $OURS $PROVIDERS" >&2
    exit 2
fi
[ -n "$(docker compose ps --quiet postgres prosaas-api 2>/dev/null)" ] || fail "the stack is not running" "make up-prod"

# The server keeps its own copy of this one.
if [ "$name" = POSTGRES_PASSWORD ]; then
    printf "ALTER ROLE prosaas PASSWORD '%s';\n" "$value" |
        docker compose exec -T postgres psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U prosaas -d prosaas
fi
env_put "$name" "$value"
say "$name has a new value in .env; recreating what uses it"
exec "$here/up.sh" "$(env_get COMPOSE_FILE | grep -q dev.yml && echo dev || echo prod)"
