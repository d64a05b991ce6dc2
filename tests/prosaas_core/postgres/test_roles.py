"""Each service goes in as a role of its own: it may what it does, and nothing beside that."""

import asyncio
from typing import Any

import asyncpg
import pytest

from postgres_world import ROLES_KEY, as_role
from prosaas_core.migrate import migrate
from prosaas_core.postgres import address
from prosaas_core.postgres.roles import API, CALLS, OPS, RIGHTS, ROLES, TENANT, WORKER, address_of, key_of, password_of
from prosaas_core.settings import load_settings
from prosaas_core.tables import Base

# The api takes the tenants' role for a tenant's request.
MAY_BE = {API: TENANT}


async def run(url: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(**address.arguments(url))
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


@pytest.mark.postgres
@pytest.mark.parametrize("role", ROLES)
async def test_no_service_is_anything_but_itself(database_url: str, role: str) -> None:
    (found,) = await run(
        database_url,
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin "
        f"FROM pg_roles WHERE rolname = '{role}'",
    )
    assert tuple(found) == (False, False, False, False, False, True)
    ((name,),) = await run(as_role(database_url, role), "SELECT current_user")
    assert name == role
    for refused in (
        "CREATE TABLE mine (id int)",
        "ALTER TABLE calls DISABLE ROW LEVEL SECURITY",
        "DROP TABLE calls",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY calls TO PROGRAM 'true'",
        "CREATE ROLE other",
        *(
            f"SET ROLE {other}"
            for other in (*ROLES, "postgres", TENANT)
            if other != role and (role, other) != (API, TENANT)
        ),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await run(as_role(database_url, role), refused)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (API, "DELETE FROM customers"),
        (API, "UPDATE call_messages SET body = ''"),
        (API, "SELECT payload FROM pgqueuer"),
        (API, "SELECT * FROM audit"),
        (CALLS, "SELECT * FROM api_keys"),
        (CALLS, "SELECT * FROM messages"),
        (CALLS, "UPDATE businesses SET transfer_number = '+19005550100'"),
        (CALLS, "SELECT body FROM call_messages"),
        (CALLS, "SELECT content FROM black_boxes"),
        (CALLS, "DELETE FROM appointments"),
        (WORKER, "SELECT * FROM api_keys"),
        (WORKER, "UPDATE businesses SET phone = 'x'"),
        (WORKER, "DELETE FROM calls"),
        (WORKER, "INSERT INTO audit VALUES (gen_random_uuid(), now(), '', '')"),
        (OPS, "SELECT * FROM api_keys"),
        (OPS, "UPDATE calls SET summary = ''"),
        (OPS, "DELETE FROM messages"),
        (OPS, "INSERT INTO calls (call_sid) VALUES ('CA1')"),
        (OPS, "UPDATE audit SET why = ''"),
        (OPS, "DELETE FROM log_switches"),
    ],
)
async def test_what_is_not_a_services_work_is_refused(database_url: str, role: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(as_role(database_url, role), statement)


@pytest.mark.postgres
@pytest.mark.parametrize("role", ROLES)
async def test_a_service_sees_every_row_of_its_tables(database_url: str, role: str) -> None:
    """Row level security binds whoever has no policy: a table would look empty."""
    await run(database_url, "INSERT INTO businesses (id, name, phone) VALUES (1, 'b', '+9723')")
    await run(database_url, "INSERT INTO customers (business_id, channel, external_id) VALUES (1, 'phone', 'x')")
    for table in ("businesses", "customers"):
        assert len(await run(as_role(database_url, role), f"SELECT * FROM {table}")) == 1
    secured = await run(database_url, "SELECT relname FROM pg_class WHERE relrowsecurity")
    policies = await run(database_url, "SELECT tablename FROM pg_policies WHERE policyname = 'services'")
    assert {row[0] for row in secured} == {row[0] for row in policies}


@pytest.mark.postgres
async def test_every_table_has_somebody_who_works_with_it(database_url: str) -> None:
    """Whoever adds a table says who may do what with it."""
    tables = {row[0] for row in await run(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert tables | set(Base.metadata.tables) == {table for rights in RIGHTS.values() for table in rights}


@pytest.mark.postgres
async def test_a_right_that_is_gone_from_the_table_is_taken_away(database_url: str, postgres_server: Any) -> None:
    """And an old password with it: each start of a release brings the database to what it says."""
    await run(database_url, "GRANT DELETE ON calls TO prosaas_calls")
    await run(as_role(database_url, CALLS), "DELETE FROM calls")
    settings = {"DATABASE_URL": database_url, "OPENAI_API_KEY": "none", "DATABASE_ROLES_KEY": ROLES_KEY}
    for _ in range(2):
        await migrate(load_settings(settings))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(as_role(database_url, CALLS), "DELETE FROM calls")


@pytest.mark.postgres
async def test_a_role_that_came_later_sees_the_rows_of_tables_that_were_there(database_url: str) -> None:
    """Their policy was made for the others."""
    await run(database_url, "INSERT INTO businesses (id, name, phone) VALUES (1, 'b', '+9723')")
    await run(database_url, f"ALTER POLICY services ON businesses TO {API}, {CALLS}, {WORKER}")
    assert await run(as_role(database_url, OPS), "SELECT * FROM businesses") == []
    settings = {"DATABASE_URL": database_url, "OPENAI_API_KEY": "none", "DATABASE_ROLES_KEY": ROLES_KEY}
    await migrate(load_settings(settings))
    assert len(await run(as_role(database_url, OPS), "SELECT * FROM businesses")) == 1


@pytest.mark.postgres
async def test_two_hosts_that_start_at_once_agree(database_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "OPENAI_API_KEY": "none", "DATABASE_ROLES_KEY": ROLES_KEY}
    await asyncio.gather(*(migrate(load_settings(settings)) for _ in range(3)))


def test_one_roles_password_says_nothing_of_anothers() -> None:
    key = key_of("secret")
    assert len({password_of(role, key) for role in ROLES} | {key, "secret"}) == len(ROLES) + 2
    assert password_of(API, key_of("other")) != password_of(API, key)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:p%40ss@host:5432/name", "postgresql://prosaas_api:{}@host:5432/name"),
        ("postgres://me@a:1,b:2/name?sslmode=require", "postgres://prosaas_api:{}@a:1,b:2/name?sslmode=require"),
        ("postgresql://me:p@[2001:db8::1]:5432/n", "postgresql://prosaas_api:{}@[2001:db8::1]:5432/n"),
        ("postgresql://me:p@/n?host=/var/run", "postgresql://prosaas_api:{}@/n?host=/var/run"),
    ],
)
def test_a_roles_address_is_the_owners_with_another_user(url: str, expected: str) -> None:
    key = key_of("secret")
    made = address_of(url, API, key)
    assert made == expected.format(password_of(API, key))
    assert address.arguments(made)["user"] == API


@pytest.mark.parametrize("url", ["postgresql://host/name?user=me&password=x", "postgresql://me@host/n?user=you"])
def test_an_address_with_its_user_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="before the @"):
        address_of(url, API, key_of("secret"))


@pytest.mark.parametrize("key", ["x", "A" * 64, "0" * 63, "'); DROP"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    from prosaas_core.postgres.roles import granted
    from prosaas_core.settings import SettingsError

    with pytest.raises(SettingsError):
        load_settings({"DATABASE_URL": "postgresql://a@b/c", "OPENAI_API_KEY": "none", "DATABASE_ROLES_KEY": key})
    with pytest.raises(ValueError, match="64"):
        list(granted(key, set()))
