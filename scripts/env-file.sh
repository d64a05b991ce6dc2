#!/bin/sh
# Makes .env on a fresh machine, then the secret files that the containers read from it.
# Usage: env-file.sh [prod|dev]: with an argument, plain `docker compose` in this folder acts on that stack from now on.
set -eu
. "$(dirname -- "$0")/lib.sh"

SECRETS="postgres_password openai_api_key twilio_auth_token call_token_secret whatsapp_verify_token whatsapp_app_secret
    whatsapp_access_token admin_api_key"
GENERATED="POSTGRES_PASSWORD CALL_TOKEN_SECRET WHATSAPP_VERIFY_TOKEN ADMIN_API_KEY"
# What a provider hands out; the demo's stand-ins take these, and the preflight refuses them once a real model is set.
PROVIDERS="TWILIO_AUTH_TOKEN WHATSAPP_APP_SECRET WHATSAPP_ACCESS_TOKEN"

make_env() {
    step "making .env from env/example.env, with generated passwords and the demo voice agent" "cp env/example.env .env"
    (umask 077 && cp "$ROOT/env/example.env" "$ROOT/.env")
    chmod 600 "$ROOT/.env"
    for name in $GENERATED; do env_put "$name" "$(random)"; done
    for name in $PROVIDERS; do env_put "$name" "demo-$(random)"; done
    env_put TWILIO_ACCOUNT_SID AC00000000000000000000000000000000
    [ -n "${COMPOSE_PROJECT_NAME:-}" ] || env_put COMPOSE_PROJECT_NAME "$(free_project)"
}

# A stack of another folder, or the data of an earlier one, has passwords that this new .env does not know.
free_project() {
    if docker volume inspect prosaas_pgdata >/dev/null 2>&1; then
        project=prosaas-$(random | cut -c1-4)
        say "this machine has the data of another stack named prosaas: this one is $project" >&2
        printf '%s' "$project"
    else
        printf 'prosaas'
    fi
}

find_ca_bundle() {
    for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -s "$bundle" ]; then
            env_put CA_BUNDLE "$bundle"
            return
        fi
    done
}

# Plain `docker compose` reads these three from .env.
choose_stack() {
    files=docker-compose.yml:docker-compose.$1.yml
    [ -z "$(env_get DATABASE_URL)" ] || files=$files:docker-compose.external-database.yml
    for collector in "$(env_get LOG_DRIVER)" "$(env_get LOG_COLLECTOR)"; do
        [ ! -f "$ROOT/deploy/collectors/$collector.yml" ] || files=$files:deploy/collectors/$collector.yml
    done
    env_put COMPOSE_FILE "$files"
    project=$(env_get COMPOSE_PROJECT_NAME)
    project=${project%-dev}
    [ "$1" = prod ] || project=$project-dev
    env_put COMPOSE_PROJECT_NAME "${project:-prosaas}"
    env_put COMPOSE_PROFILES "$([ -n "$(env_get OPENAI_API_KEY)" ] || echo demo)"
}

# write_secret NAME VALUE: only a change touches the file. The folder is closed, so that the file may be readable to the
# container's account, whatever its number.
write_secret() {
    file=$ROOT/secrets/$1
    if [ -s "$file" ] && [ -z "$2" ]; then
        is_optional "$1" || fail "$1 is empty in .env, and was not" "put its value back: it is still in secrets/$1" env/example.env
    fi
    if [ ! -f "$file" ] || [ "$(cat "$file")" != "$2" ]; then
        rm -f "$file"
        (umask 077 && printf '%s' "$2" >"$file")
    fi
    chmod 444 "$file"
}

# Emptying these is how one returns to the demo, or to the container's own database.
is_optional() { case $1 in openai_api_key | whatsapp_*) ;; *) return 1 ;; esac; }

write_secrets() {
    mkdir -p "$ROOT/secrets"
    chmod 700 "$ROOT/secrets"
    for name in $SECRETS; do
        write_secret "$name" "$(env_get "$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')")"
    done
    url=$(env_get DATABASE_URL)
    write_secret database_url "${url:-postgresql://prosaas:$(env_get POSTGRES_PASSWORD)@postgres:5432/prosaas}"
    # A container keeps the secret it was created with; this label makes `up` notice.
    env_put SECRETS_ID "$(cd "$ROOT/secrets" && cat -- * | sha256sum | cut -c1-12)"
}

[ -f "$ROOT/.env" ] || make_env
[ -n "$(env_get CA_BUNDLE)" ] || find_ca_bundle
[ -z "${1:-}" ] || choose_stack "$1"
write_secrets
