"""Who may do what in the database: a role a service, with the rights it uses; the owner alone migrates.

Passwords are derived from one key, so that no more secrets are to be kept, and one service's says nothing of another's.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

API, CALLS, WORKER, OPS = ROLES = ("prosaas_api", "prosaas_calls", "prosaas_worker", "prosaas_ops")
TENANT: Final = "prosaas_tenant"

# Whoever queues a job: the key is looked at, so that it is queued once.
_ENQUEUE: Final = {
    "pgqueuer": "SELECT (id, entrypoint, priority, dedupe_key, status), INSERT",
    "pgqueuer_log": "INSERT",
}
# Being ready is being able to write; this is what is tried, on no row.
_READY: Final = {"job_effects": "SELECT, UPDATE (job)"}
# Each replica tells the others of its switch, and leaves its black boxes; what is in one, an operator alone reads.
_LOGGED: Final = {
    "log_switches": "SELECT, INSERT, UPDATE, DELETE",
    "black_boxes": "SELECT (id, node, name, written_at), INSERT, UPDATE, DELETE",
}
RIGHTS: Final = {
    API: {
        "businesses": "SELECT, INSERT, UPDATE",
        "api_keys": "SELECT, INSERT, UPDATE",
        "customers": "SELECT, INSERT, UPDATE",
        "appointments": "SELECT, INSERT, UPDATE",
        "calls": "SELECT, INSERT, UPDATE",
        "call_messages": "SELECT",
        "conversations": "SELECT, INSERT, UPDATE",
        "messages": "SELECT, INSERT, UPDATE",
        "message_fates": "SELECT, INSERT, UPDATE",
        "outbound_messages": "SELECT, UPDATE",
        **_ENQUEUE,
        **_READY,
        **_LOGGED,
    },
    CALLS: {
        # A booking and a charge lock their business's row, which takes the right to change one column.
        "businesses": "SELECT, UPDATE (updated_at)",
        "customers": "SELECT, INSERT, UPDATE",
        "appointments": "SELECT, INSERT, UPDATE",
        "calls": "SELECT, INSERT, UPDATE",
        "call_messages": "SELECT (id, business_id, call_sid, created_at), INSERT",
        # What a call cost, and the day's sum; that a business was told of its day is an effect.
        "charges": "SELECT, INSERT",
        **_ENQUEUE,
        **_READY,
        "job_effects": "SELECT, INSERT, UPDATE (job)",
        **_LOGGED,
    },
    WORKER: {
        # Charges of one business wait for one another by its row.
        "businesses": "SELECT, UPDATE (updated_at)",
        "customers": "SELECT, INSERT, UPDATE, DELETE",
        "appointments": "SELECT, UPDATE, DELETE",
        "calls": "SELECT, INSERT, UPDATE",
        "charges": "SELECT, INSERT",
        "call_messages": "SELECT, UPDATE, DELETE",
        "conversations": "SELECT, UPDATE, DELETE",
        "messages": "SELECT, INSERT, UPDATE, DELETE",
        "message_fates": "SELECT, INSERT, UPDATE, DELETE",
        "outbound_messages": "SELECT, INSERT, UPDATE, DELETE",
        "job_effects": "SELECT, INSERT, UPDATE, DELETE",
        "pgqueuer": "SELECT, INSERT, UPDATE, DELETE",
        "pgqueuer_log": "SELECT, INSERT, UPDATE, DELETE",
        "pgqueuer_schedules": "SELECT, INSERT, UPDATE, DELETE",
        "pgqueuer_statistics": "SELECT, INSERT, UPDATE, DELETE",
        **_LOGGED,
    },
    # What an operator asks, and the note that they asked.
    OPS: {
        "businesses": "SELECT",
        "customers": "SELECT",
        "appointments": "SELECT",
        "calls": "SELECT",
        "charges": "SELECT",
        "call_messages": "SELECT",
        "conversations": "SELECT",
        "messages": "SELECT",
        "message_fates": "SELECT",
        "outbound_messages": "SELECT",
        "job_effects": "SELECT",
        "log_switches": "SELECT",
        "black_boxes": "SELECT",
        "pgqueuer": "SELECT",
        "pgqueuer_log": "SELECT",
        "pgqueuer_schedules": "SELECT",
        "pgqueuer_statistics": "SELECT",
        "alembic_version": "SELECT",
        "audit": "SELECT, INSERT",
    },
}
_KEY = re.compile(r"[0-9a-f]{64}")
_MADE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""
# Also those tables whose policy was made before one of the roles was.
_POLICY = """
DO $$
DECLARE found text; made text;
BEGIN
    FOR found, made IN
        SELECT relname, policyname FROM pg_class LEFT JOIN pg_policies
            ON schemaname = 'public' AND tablename = relname AND policyname = 'services'
        WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
            AND (policyname IS NULL OR NOT roles @> string_to_array('{roles}', ', ')::name[])
    LOOP
        IF made IS NULL THEN
            EXECUTE format('CREATE POLICY services ON %I TO {roles} USING (true) WITH CHECK (true)', found);
        ELSE
            EXECUTE format('ALTER POLICY services ON %I TO {roles}', found);
        END IF;
    END LOOP;
END $$
"""


def key_of(secret: str) -> str:
    """The key from which the roles' passwords come, made of the owner's own secret."""
    return hmac.new(secret.encode(), b"prosaas-database-roles", hashlib.sha256).hexdigest()


def password_of(role: str, key: str) -> str:
    return hmac.new(key.encode(), role.encode(), hashlib.sha256).hexdigest()


def address_of(url: str, role: str, key: str) -> str:
    """The owner's address with the role in the owner's place. ValueError where user or password stand elsewhere."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    _, at, hosts = authority.rpartition("@")
    if not at or re.search(r"[?&](user|password)=", rest):
        raise ValueError("the address names its user elsewhere than before the @")
    after = rest[len(authority) :]
    return f"{scheme}://{quote(role, safe='')}:{password_of(role, key)}@{hosts}{after}"


def made() -> Iterator[str]:
    """Every role that a dump may name, without any right: roles belong to the server, and no dump has them."""
    yield from (_MADE.format(role=role) for role in (TENANT, *ROLES))


def granted(key: str, tables: set[str]) -> Iterator[str]:
    """The statements that give each role its password and its rights on these tables, and take away any other."""
    if not _KEY.fullmatch(key):
        raise ValueError("the key of the database's roles is 64 hexadecimal digits")
    yield from made()
    for role in ROLES:
        yield f"ALTER ROLE {role} LOGIN PASSWORD '{password_of(role, key)}'"
        yield f"GRANT USAGE ON SCHEMA public TO {role}"
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
        yield from (f"GRANT {rights} ON {table} TO {role}" for table, rights in RIGHTS[role].items() if table in tables)
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {API}, {CALLS}, {WORKER}"
    # A tenant's request takes the tenants' role; it is no right of the api's own.
    yield f"GRANT {TENANT} TO {API} WITH INHERIT FALSE, SET TRUE"
    yield _POLICY.format(roles=", ".join(ROLES))


def passwords(key: str) -> str:
    """The statements of a rotation."""
    return "\n".join(f"ALTER ROLE {role} PASSWORD '{password_of(role, key)}';" for role in ROLES)
