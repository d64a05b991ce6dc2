"""Every route under /v1, driven by the key of one business with what belongs to another; Postgres is the second net."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from api_world import Client
from prosaas_api.rest import auth
from prosaas_api.rest.auth import Session
from prosaas_core.database import bind_to_tenant, make_engine, session
from prosaas_core.settings import Settings
from prosaas_core.tables import Base

pytestmark = pytest.mark.postgres

AT = "2030-01-06T08:00:00Z"
# What a body must hold, for each route that takes one.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/businesses"): {"name": "x", "phone": "+97231110000"},
    ("PATCH", "/v1/businesses/{business_id}"): {"greeting": "x"},
    ("POST", "/v1/businesses/{business_id}/keys"): {"name": "x"},
    ("POST", "/v1/businesses/{business_id}/customers"): {"channel": "phone", "external_id": "+972501230000"},
    ("PATCH", "/v1/businesses/{business_id}/customers/{customer_id}"): {"name": "x"},
    ("POST", "/v1/businesses/{business_id}/appointments"): {"customer_id": 0, "starts_at": AT},
    ("PATCH", "/v1/businesses/{business_id}/appointments/{appointment_id}"): {"starts_at": AT},
}
NOT_UNDER_A_BUSINESS = {("GET", "/v1/businesses"), ("POST", "/v1/businesses")}
# Those that show rows; each must show those of its own business, and no other.
LISTS = {
    "/v1/businesses",
    *(
        f"/v1/businesses/{{business_id}}/{part}"
        for part in ("keys", "customers", "appointments", "calls", "call-messages")
    ),
    "/v1/businesses/{business_id}/conversations",
    "/v1/businesses/{business_id}/conversations/{conversation_id}/messages",
}
FREE_OF_ROWS = {"/v1/businesses/{business_id}/slots"}


@dataclass(frozen=True)
class Tenant:
    """A business full of rows, each of which shows by its mark, or by its channel, whose it is."""

    key: str
    mark: str
    channel: str
    ids: dict[str, Any]

    def shows_in(self, answer: str) -> bool:
        return self.mark in answer or self.channel in answer

    def path(self, template: str, **other: Any) -> str:
        query = "?day=2030-01-06" if template.endswith("/slots") else ""
        return template.format(**{**self.ids, **other}) + query


@pytest.fixture
def nets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both, or the routes' own checks alone: Postgres would hide that one of these is gone."""

    async def bind_nobody(*_: object) -> None:
        pass

    if not request.param:
        monkeypatch.setattr(auth, "bind_to_tenant", bind_nobody)


BOTH_NETS_AND_ONE = pytest.mark.parametrize("nets", [True, False], ids=["both nets", "one"], indirect=True)


@pytest.fixture
async def tenants(client: Client, engine: AsyncEngine) -> tuple[Tenant, Tenant]:
    return await _tenant(client, engine, "ours", "meta"), await _tenant(client, engine, "theirs", "twilio")


async def _tenant(client: Client, engine: AsyncEngine, mark: str, channel: str) -> Tenant:
    new = {"name": mark, "phone": f"+9723999000{len(mark)}", "opening_hours": {"sun": [["08:00", "20:00"]]}}
    business = (await client.rest("POST", "/v1/businesses", json=new)).json()["id"]
    key = (await client.rest("POST", f"/v1/businesses/{business}/keys", json={"name": mark})).json()
    rows = {
        "customer_id": f"INSERT INTO customers (business_id, channel, external_id, name) "
        f"VALUES ({business}, 'phone', '{mark}', '{mark}') RETURNING id",
        "appointment_id": "INSERT INTO appointments (business_id, customer_id, starts_at, ends_at, note) "
        f"VALUES ({business}, {{customer_id}}, '{AT}', '2030-01-06T08:30:00Z', '{mark}') RETURNING id",
        "call_sid": f"INSERT INTO calls (call_sid, business_id, summary) VALUES ('CA{mark}', {business}, '{mark}') "
        "RETURNING call_sid",
        "call_message_id": "INSERT INTO call_messages (business_id, call_sid, body) "
        f"VALUES ({business}, 'CA{mark}', '{mark}') RETURNING id",
        "conversation_id": "INSERT INTO conversations (business_id, customer_id, channel) "
        f"VALUES ({business}, {{customer_id}}, '{channel}') RETURNING id",
        "message_id": "INSERT INTO messages (id, conversation_id, direction, body) "
        f"VALUES ('wamid.{mark}', {{conversation_id}}, 'in', '{mark}') RETURNING id",
    }
    ids: dict[str, Any] = {"business_id": business, "key_id": key["id"]}
    async with engine.begin() as connection:
        for name, statement in rows.items():
            ids[name] = (await connection.execute(text(statement.format(**ids)))).scalar_one()
    return Tenant(key["key"], mark, channel, ids)


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every operation under /v1, also of those that the document does not show."""

    def routes(found: list[Any]) -> Iterator[APIRoute]:
        for route in found:
            if isinstance(route, APIRoute):
                yield route
            elif inner := getattr(route, "routes", None) or getattr(route, "original_router", None):
                yield from routes(getattr(inner, "routes", inner))

    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            if path.startswith("/v1"):
                yield method.upper(), path
    shown = set(app.openapi()["paths"])
    assert {route.path for route in routes(list(app.routes)) if route.path.startswith("/v1")} <= shown


def body(method: str, path: str, customer_id: Any) -> dict[str, Any]:
    if method not in ("POST", "PATCH"):
        return {}
    content = BODIES[(method, path)]
    return {"json": {**content, "customer_id": customer_id} if "customer_id" in content else content}


@pytest.mark.usefixtures("nets")
@BOTH_NETS_AND_ONE
async def test_no_route_lets_one_business_at_what_is_anothers(
    app: FastAPI, client: Client, tenants: tuple[Tenant, Tenant], rows: Any
) -> None:
    ours, theirs = tenants
    before = await _all_rows(rows, theirs)
    tried = 0
    for method, path in operations(app):
        if (method, path) in NOT_UNDER_A_BUSINESS:
            continue
        whole = await client.rest(
            method, theirs.path(path), key=ours.key, **body(method, path, theirs.ids["customer_id"])
        )
        assert whole.status_code == 404, (method, path, whole.text)
        assert theirs.mark not in whole.text
        # Their things, asked for as if they were of our own business.
        foreign = {name: value for name, value in theirs.ids.items() if name != "business_id" and f"{{{name}}}" in path}
        if foreign or (method, path) == ("POST", "/v1/businesses/{business_id}/appointments"):
            mixed = await client.rest(
                method, ours.path(path, **foreign), key=ours.key, **body(method, path, theirs.ids["customer_id"])
            )
            assert mixed.status_code == 404, (method, path, mixed.text)
            assert theirs.mark not in mixed.text
            # The administrator's key is not bound by Postgres: here the route's own check is alone.
            admins = await client.rest(
                method, ours.path(path, **foreign), **body(method, path, theirs.ids["customer_id"])
            )
            assert admins.status_code == 404, (method, path, admins.text)
        tried += 1
    assert tried > 15
    assert await _all_rows(rows, theirs) == before


@pytest.mark.usefixtures("nets")
@BOTH_NETS_AND_ONE
async def test_each_list_shows_what_is_its_own_and_nothing_else(
    app: FastAPI, client: Client, tenants: tuple[Tenant, Tenant]
) -> None:
    ours, theirs = tenants
    readable = {path for method, path in operations(app) if method == "GET"}
    assert readable >= LISTS
    for path in readable - FREE_OF_ROWS:
        for key in (ours.key, None) if path != "/v1/businesses" else (ours.key,):
            given = {"key": key} if key else {}
            answer = await client.rest("GET", ours.path(path), **given)
            assert answer.status_code == 200, (path, answer.text)
            assert ours.shows_in(answer.text), path
            assert not theirs.shows_in(answer.text), path


async def test_without_a_key_no_route_says_anything(
    app: FastAPI, client: Client, tenants: tuple[Tenant, Tenant]
) -> None:
    for method, path in operations(app):
        answer = await client.http.request(method, tenants[0].path(path), content=b"{}")
        assert answer.status_code == 401, (method, path)
        assert tenants[0].mark not in answer.text


@pytest.mark.parametrize("given", ["Bearer", "Bearer ", "Bearer \t", "Bearer x", "Basic ", ""])
async def test_where_the_administrator_has_no_key_nobody_is_the_administrator(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    nobody = app.state.prosaas.settings.model_copy(update={"admin_api_key": ""})
    monkeypatch.setattr(app.state, "prosaas", replace(app.state.prosaas, settings=nobody))
    assert (await client.http.get("/v1/businesses", headers={"Authorization": given})).status_code == 401


@pytest.mark.parametrize(
    "routing",
    [
        {"phone": "+97231112233"},
        {"whatsapp_phone_number_id": "123"},
        {"transfer_number": "+19005550100"},
    ],
)
async def test_how_calls_and_messages_are_routed_is_the_administrators_to_change(
    client: Client, tenants: tuple[Tenant, Tenant], routing: dict[str, str], rows: Any
) -> None:
    ours = tenants[0]
    columns = "SELECT phone, whatsapp_phone_number_id, transfer_number FROM businesses ORDER BY id"
    before = await rows(columns)
    refused = await client.rest("PATCH", ours.path("/v1/businesses/{business_id}"), key=ours.key, json=routing)
    assert refused.status_code == 403
    assert "administrator" in refused.json()["detail"]
    assert await rows(columns) == before
    assert (await client.rest("PATCH", ours.path("/v1/businesses/{business_id}"), json=routing)).status_code == 200


@pytest.mark.parametrize("wrong", ["1/../../v19.0/OTHER", "", "12a", "9" * 33, "٣", "1\n"])
async def test_an_id_of_metas_is_digits(client: Client, tenants: tuple[Tenant, Tenant], wrong: str) -> None:
    path = tenants[0].path("/v1/businesses/{business_id}")
    assert (await client.rest("PATCH", path, json={"whatsapp_phone_number_id": wrong})).status_code == 422


async def test_a_second_business_with_one_whatsapp_id_is_told_which_field_it_is(
    client: Client, tenants: tuple[Tenant, Tenant]
) -> None:
    for tenant, status in zip(tenants, (200, 409), strict=True):
        path = tenant.path("/v1/businesses/{business_id}")
        answer = await client.rest("PATCH", path, json={"whatsapp_phone_number_id": "777"})
        assert answer.status_code == status
    assert "WhatsApp" in answer.json()["detail"]


async def test_a_key_without_a_business_cannot_be(engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError, match="null value"):
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO api_keys (name, prefix, key_hash) VALUES ('a', 'a', 'a')"))


async def as_tenant(engine: AsyncEngine, tenant: Tenant, statement: str) -> list[Any]:
    """Ask Postgres in the session of a tenant's request."""
    async with session(engine) as opened:
        await bind_to_tenant(opened, tenant.ids["business_id"])
        found = await opened.execute(text(statement))
        return list(found.all()) if found.returns_rows else []  # type: ignore[attr-defined]


async def test_postgres_itself_shows_a_tenant_no_row_of_another(
    engine: AsyncEngine, tenants: tuple[Tenant, Tenant]
) -> None:
    """Whatever the question: each table is read whole, and those without a policy cannot be read at all."""
    ours, theirs = tenants
    readable = {
        "businesses",
        "api_keys",
        "customers",
        "appointments",
        "calls",
        "call_messages",
        "conversations",
        "messages",
        "pgqueuer",
    }
    for table in [*Base.metadata.tables, "pgqueuer"]:
        if table not in readable:
            with pytest.raises(DBAPIError, match="permission denied"):
                await as_tenant(engine, ours, f"SELECT * FROM {table}")
            continue
        columns = "id, dedupe_key" if table == "pgqueuer" else "*"
        found = await as_tenant(engine, ours, f"SELECT {columns} FROM {table}")
        shown = json.dumps([list(row) for row in found], default=str)
        assert not theirs.shows_in(shown), table
        assert ours.shows_in(shown) or table == "pgqueuer", table


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE businesses SET phone = '+97231112233'",
        "UPDATE businesses SET transfer_number = '+97231112233'",
        "UPDATE calls SET status = 'x'",
        "DELETE FROM customers",
        "INSERT INTO customers (business_id, channel, external_id) VALUES ({theirs[business_id]}, 'phone', 'x')",
        "INSERT INTO appointments (business_id, customer_id, starts_at, ends_at) VALUES "
        "({ours[business_id]}, {theirs[customer_id]}, '2031-01-01Z', '2031-01-02Z')",
        "INSERT INTO api_keys (business_id, name, prefix, key_hash) VALUES ({theirs[business_id]}, 'x', 'x', 'x')",
    ],
)
async def test_postgres_itself_refuses_what_is_not_a_tenants_to_write(
    engine: AsyncEngine, tenants: tuple[Tenant, Tenant], statement: str
) -> None:
    ours, theirs = tenants
    with pytest.raises(DBAPIError, match=r"permission denied|row-level security"):
        await as_tenant(engine, ours, statement.format(ours=ours.ids, theirs=theirs.ids))


async def test_whatever_a_route_asks_it_asks_as_its_tenant(
    app: FastAPI, client: Client, tenants: tuple[Tenant, Tenant]
) -> None:
    """Without a check of its own, a route that is still to be written is bound too."""

    @app.get("/v1/careless", include_in_schema=False)
    async def careless(session: Session) -> list[str]:
        return list((await session.execute(text("SELECT name FROM businesses"))).scalars())

    assert (await client.rest("GET", "/v1/careless", key=tenants[0].key)).json() == ["ours"]
    assert len((await client.rest("GET", "/v1/careless")).json()) == 3


async def test_a_tenants_bond_ends_with_its_transaction(settings: Settings, tenants: tuple[Tenant, Tenant]) -> None:
    pool_of_one = make_engine(settings, pool_size=1)
    assert len(await as_tenant(pool_of_one, tenants[0], "SELECT id FROM businesses")) == 1
    async with session(pool_of_one) as opened:
        assert len((await opened.execute(text("SELECT id FROM businesses"))).all()) == 3
    await pool_of_one.dispose()


async def test_a_tenant_books_with_a_reminder_though_the_queue_is_not_theirs(
    client: Client, tenants: tuple[Tenant, Tenant], rows: Any
) -> None:
    ours = tenants[0]
    new = {"customer_id": ours.ids["customer_id"], "starts_at": "2030-01-06T10:00:00Z"}
    path = ours.path("/v1/businesses/{business_id}/appointments")
    booked = await client.rest("POST", path, key=ours.key, json=new)
    assert booked.status_code == 201, booked.text
    assert len(await rows("SELECT id FROM pgqueuer")) == 1
    moved = await client.rest(
        "PATCH", f"{path}/{booked.json()['id']}", key=ours.key, json={"starts_at": "2030-01-06T11:00:00Z"}
    )
    assert moved.status_code == 200
    assert (await client.rest("DELETE", f"{path}/{booked.json()['id']}", key=ours.key)).status_code == 204


async def _all_rows(rows: Any, tenant: Tenant) -> list[Any]:
    business = tenant.ids["business_id"]
    return [
        await rows(f"SELECT * FROM {table} WHERE business_id = {business} ORDER BY 1")
        for table in ("api_keys", "customers", "appointments", "calls", "conversations")
    ]
