"""The REST: each business sees its own and nothing else, lists come in pages, mistakes come back as problems."""

import asyncio
import base64
import json
import re
import zoneinfo
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api_world import Client
from prosaas_api import problems
from prosaas_core.database import raw_connection
from prosaas_core.parties import find_parties
from prosaas_core.tables import Call, CallMessage, Conversation, Message
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

HOME = "/v1/businesses/456"
NEW = {"name": "מאפיית רות", "phone": "+97231112233"}


@pytest.fixture
async def key(client: Client) -> str:
    """A key of the demo business."""
    response = await client.rest("POST", f"{HOME}/keys", json={"name": "website"})
    assert response.status_code == 201
    return str(response.json()["key"])


def next_sunday() -> str:
    day = datetime.now(UTC) + timedelta(days=2)
    while day.weekday() != 6:
        day += timedelta(days=1)
    return day.date().isoformat()


async def test_the_administrator_adds_a_business_and_changes_it(client: Client) -> None:
    created = await client.rest("POST", "/v1/businesses", json=NEW)
    assert created.status_code == 201
    business = created.json()
    assert (business["timezone"], business["slot_minutes"], business["language"]) == ("Asia/Jerusalem", 30, "he")
    change = {"greeting": "שלום, הגעתם למאפייה", "opening_hours": {"sun": [["09:00", "12:00"], ["13:00", "24:00"]]}}
    changed = (await client.rest("PATCH", f"/v1/businesses/{business['id']}", json=change)).json()
    assert (changed["greeting"], changed["opening_hours"]) == (change["greeting"], change["opening_hours"])
    assert (changed["name"], changed["phone"]) == (NEW["name"], NEW["phone"])
    assert (await client.rest("GET", f"/v1/businesses/{business['id']}")).json() == changed


async def test_who_changed_what_is_in_the_log_once_it_holds(client: Client) -> None:
    """The second shift asks why the agent says something else. What a field was changed to is not there."""
    with capture_events("INFO") as events:
        id = (await client.rest("POST", "/v1/businesses", json=NEW)).json()["id"]
        home = f"/v1/businesses/{id}"
        change = {"instructions": "secret words", "greeting": "שלום"}
        assert (await client.rest("PATCH", home, json=change)).status_code == 200
        key = (await client.rest("POST", f"{home}/keys", json={"name": "site"})).json()
        own = await client.rest("PATCH", home, json={"slot_minutes": 20}, key=key["key"])
        assert own.status_code == 200
        assert (await client.rest("PATCH", home, json={"phone": "+97235550100"})).status_code == 409
        for same in ({}, {"greeting": "שלום"}):
            assert (await client.rest("PATCH", home, json=same)).status_code == 200
        for _ in range(2):
            assert (await client.rest("DELETE", f"{home}/keys/{key['id']}")).status_code == 204
    told = [(e.fields["what"], e.fields["by"]) for e in events if e.event == "BUSINESS_CHANGED"]
    assert told == [
        ("made", "administrator"),
        ("greeting instructions", "administrator"),
        (f"key {key['id']} (site) made", "administrator"),
        ("slot_minutes", f"key {key['id']} (site) of business {id}"),
        (f"key {key['id']} (site) revoked", "administrator"),
    ]


@asynccontextmanager
async def held(engine: AsyncEngine, row: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """A row that nobody else may write to meanwhile, and a wait until so many want to."""

    async def wanted_by(count: int) -> None:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        async with asyncio.timeout(10), engine.connect() as connection:
            while (await connection.execute(waiting)).scalar_one() < count:
                await connection.rollback()
                await asyncio.sleep(0.01)

    async with engine.begin() as connection:
        await connection.execute(text(f"SELECT FROM {row} FOR UPDATE"))
        yield wanted_by


async def test_of_two_who_revoke_a_key_at_once_one_does_it(client: Client, engine: AsyncEngine, key: str) -> None:
    ((id, since),) = [(each["id"], each["revoked_at"]) for each in await keys(client)]
    assert since is None
    with capture_events("INFO") as events:
        async with held(engine, f"api_keys WHERE id = {id}") as wanted_by:
            both = [asyncio.create_task(client.rest("DELETE", f"{HOME}/keys/{id}")) for _ in range(2)]
            await wanted_by(2)
        assert [(await each).status_code for each in both] == [204, 204]
    assert [event.fields["what"] for event in events if event.event == "BUSINESS_CHANGED"] == [
        f"key {id} (website) revoked"
    ]
    (revoked,) = await keys(client)
    await client.rest("DELETE", f"{HOME}/keys/{id}")
    assert await keys(client) == [revoked]


async def test_of_two_who_change_a_business_to_the_same_at_once_one_changes_it(
    client: Client, engine: AsyncEngine
) -> None:
    with capture_events("INFO") as events:
        async with held(engine, "businesses WHERE id = 456") as wanted_by:
            both = [asyncio.create_task(client.rest("PATCH", HOME, json={"greeting": "שלום"})) for _ in range(2)]
            await wanted_by(2)
        assert [(await each).status_code for each in both] == [200, 200]
    assert [event.fields["what"] for event in events if event.event == "BUSINESS_CHANGED"] == ["greeting"]


async def keys(client: Client) -> list[dict[str, Any]]:
    """The demo business's keys, as its owner sees them."""
    found: list[dict[str, Any]] = (await client.rest("GET", f"{HOME}/keys")).json()["items"]
    return found


async def test_two_businesses_cannot_have_one_number(client: Client) -> None:
    response = await client.rest("POST", "/v1/businesses", json={**NEW, "phone": "+97235550100"})
    assert response.status_code == 409
    assert response.json()["detail"] == "business 456 (מספרת דנה) has this phone number"
    other = (await client.rest("POST", "/v1/businesses", json=NEW)).json()
    moved = await client.rest("PATCH", HOME, json={"phone": NEW["phone"]})
    assert (moved.status_code, moved.headers["content-type"]) == (409, "application/problem+json")
    assert moved.json()["detail"] == f"business {other['id']} ({NEW['name']}) has this phone number"
    # Its own is nobody else's.
    assert (await client.rest("PATCH", HOME, json={"phone": "+97235550100"})).status_code == 200


async def test_of_two_keys_with_one_name_the_log_says_which_it_was(client: Client) -> None:
    keys = [(await client.rest("POST", f"{HOME}/keys", json={"name": "site"})).json() for _ in range(2)]
    with capture_events("INFO") as events:
        assert (await client.rest("PATCH", HOME, json={"slot_minutes": 45}, key=keys[1]["key"])).status_code == 200
    (told,) = [e.fields["by"] for e in events if e.event == "BUSINESS_CHANGED"]
    assert told == f"key {keys[1]['id']} (site) of business 456"


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": "03-555"},
        {"timezone": "Mars/Olympus"},
        {"slot_minutes": 0},
        {"language": "xx"},
        {"opening_hours": {"sun": [["17:00", "09:00"]]}},
        {"opening_hours": {"sun": [["09:00", "12:00"], ["11:00", "13:00"]]}},
        {"opening_hours": {"sun": [["24:00", "24:00"]]}},
        {"opening_hours": {"sun": [["20:00", "24:00"], ["00:00", "02:00"]]}},
        {"opening_hours": {"sun": [["20:00", "24:30"]]}},
        {"opening_hours": {"someday": []}},
        {"opening_hours": {"sun": [["9", "17"]]}},
        {"greeting": "a\0b"},
        {"name": "\x1b[2JDana"},
        {"name": "Dana\r\n[ERROR] forged"},
        {"name": "Dana\u202e"},
        {"voice": "a\x9b"},
        {"hearing": {"silence_ms": 199}},
        {"hearing": {"silence_ms": 3001}},
        {"greting": "misspelt"},
        {"name": None},
    ],
)
async def test_a_value_that_makes_no_sense_is_named_and_not_repeated(client: Client, wrong: dict[str, Any]) -> None:
    with capture_events("INFO") as events:
        response = await client.rest("PATCH", HOME, json=wrong)
    assert response.status_code == 422
    problems = response.json()["errors"]
    assert {problem["pointer"].split("/")[1] for problem in problems} == set(wrong)
    assert [(event.level, event.event) for event in events] == [("WARNING", "BODY_REJECTED")]


async def test_without_a_key_or_with_a_wrong_one_there_is_nothing(client: Client) -> None:
    for headers in (
        {},
        {b"Authorization": b"Bearer wrong"},
        {b"Authorization": b"Basic x"},
        {b"Authorization": "é".encode()},
    ):
        with capture_events("INFO") as events:
            response = await client.http.get("/v1/businesses", headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert [event.event for event in events] == ["SIGNATURE_REJECTED"]


async def test_a_key_is_shown_once_and_kept_as_a_hash(client: Client, key: str, rows: Any) -> None:
    ((prefix, kept),) = await rows("SELECT prefix, key_hash FROM api_keys")
    assert key.startswith(prefix)
    assert key not in kept
    listed = (await client.rest("GET", f"{HOME}/keys")).text
    assert key not in listed
    assert prefix in listed


async def test_a_key_opens_its_own_business_only(client: Client, key: str) -> None:
    other = (await client.rest("POST", "/v1/businesses", json=NEW)).json()["id"]
    assert (await client.rest("GET", HOME, key=key)).status_code == 200
    assert [item["id"] for item in (await client.rest("GET", "/v1/businesses", key=key)).json()["items"]] == [456]
    for path in (f"/v1/businesses/{other}", f"/v1/businesses/{other}/calls", "/v1/businesses/99999"):
        assert (await client.rest("GET", path, key=key)).status_code == 404
    assert (await client.rest("POST", "/v1/businesses", key=key, json=NEW)).status_code == 403


async def test_a_revoked_key_is_refused_at_once(client: Client, key: str) -> None:
    ((key_id,),) = [[item["id"] for item in (await client.rest("GET", f"{HOME}/keys")).json()["items"]]]
    assert (await client.rest("DELETE", f"{HOME}/keys/{key_id}")).status_code == 204
    assert (await client.rest("GET", HOME, key=key)).status_code == 401
    assert (await client.rest("DELETE", f"{HOME}/keys/{key_id}")).status_code == 204
    assert (await client.rest("DELETE", f"{HOME}/keys/12345")).status_code == 404


async def test_a_list_comes_in_pages_that_new_rows_do_not_shift(client: Client) -> None:
    for number in range(5):
        new = {"channel": "whatsapp", "external_id": f"id{number}"}
        assert (await client.rest("POST", f"{HOME}/customers", json=new)).status_code == 201
    path = f"{HOME}/customers?channel=whatsapp&limit=2"
    first = (await client.rest("GET", path)).json()
    await client.rest("POST", f"{HOME}/customers", json={"channel": "whatsapp", "external_id": "late"})
    second = (await client.rest("GET", f"{path}&cursor={first['next_cursor']}")).json()
    third = (await client.rest("GET", f"{path}&cursor={second['next_cursor']}")).json()
    pages = [[item["external_id"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [["id4", "id3"], ["id2", "id1"], ["id0"]]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "x",
            '"x"',
            "[]",
            "null",
            '{"a":1}',
            "[" * 200,
            "[Infinity]",
            "[1e999]",
            "[NaN]",
            "[-1]",
            "[true]",
            "[1.0]",
        ),
        *('["1"]', "[99999999999999999999]", '["2026-01-01T00:00:00+00:00",-5]', '["2026-01-01T00:00:00+00:00",null]'),
        *('["0001-01-01T00:00:00+23:59",1]', '["9999-12-31T23:59:59-23:59","CA1"]', '["2026-01-01T00:00:00",1]'),
        *('["2026-01-01T00:00:00+00:00","a\\u0000"]', '["2026-01-01T00:00:00+00:00","\\ud800"]', "[ 1]"),
    ],
)
async def test_a_made_up_cursor_is_a_mistake_of_the_sender(client: Client, written: str) -> None:
    cursor = base64.urlsafe_b64encode(written.encode()).decode().rstrip("=") or "abc"
    for part in ("customers", "calls", "appointments", "keys", "conversations"):
        answer = await client.rest("GET", f"{HOME}/{part}?cursor={cursor}")
        assert answer.status_code == 422, (part, answer.text)


async def test_customers_are_known_by_channel_and_id_with_or_without_a_phone(client: Client) -> None:
    new = {"channel": "whatsapp", "external_id": "no-number"}
    created = (await client.rest("POST", f"{HOME}/customers", json=new)).json()
    assert created["phone"] is None
    assert (await client.rest("POST", f"{HOME}/customers", json=new)).status_code == 409
    path = f"{HOME}/customers/{created['id']}"
    changed = (await client.rest("PATCH", path, json={"name": "נועה", "phone": "+972501111111"})).json()
    assert (changed["name"], changed["phone"]) == ("נועה", "+972501111111")
    renamed = (await client.rest("PATCH", path, json={"name": "נועה כהן"})).json()
    assert renamed == {**changed, "name": "נועה כהן"}, "only what is given changes"
    changed = renamed
    assert (await client.rest("GET", path)).json() == changed
    assert (await client.rest("GET", f"{HOME}/customers/999999")).status_code == 404


async def test_an_appointment_is_booked_moved_and_cancelled(client: Client) -> None:
    day = next_sunday()
    customer = (await client.rest("GET", f"{HOME}/customers")).json()["items"][0]["id"]
    slots = (await client.rest("GET", f"{HOME}/slots?day={day}")).json()["slots"]
    assert len(slots) == 16
    new = {"customer_id": customer, "starts_at": slots[0], "note": "צבע"}
    booked = await client.rest("POST", f"{HOME}/appointments", json=new)
    assert booked.status_code == 201
    assert (await client.rest("POST", f"{HOME}/appointments", json=new)).status_code == 409
    path = f"{HOME}/appointments/{booked.json()['id']}"
    moved = (await client.rest("PATCH", path, json={"starts_at": slots[3]})).json()
    assert datetime.fromisoformat(moved["starts_at"]) == datetime.fromisoformat(slots[3])
    free = (await client.rest("GET", f"{HOME}/slots?day={day}")).json()["slots"]
    assert set(slots) - set(free) == {slots[3]}
    assert (await client.rest("DELETE", path)).status_code == 204
    assert (await client.rest("DELETE", path)).status_code == 409
    assert (await client.rest("PATCH", path, json={"starts_at": slots[5]})).status_code == 409
    assert (await client.rest("GET", path)).json()["status"] == "cancelled"
    assert (await client.rest("GET", f"{HOME}/appointments?status=booked")).json()["items"] == []


async def test_closed_hours_and_strangers_cannot_be_booked(client: Client) -> None:
    customer = (await client.rest("GET", f"{HOME}/customers")).json()["items"][0]["id"]
    night = f"{next_sunday()}T23:00:00+02:00"
    closed = await client.rest("POST", f"{HOME}/appointments", json={"customer_id": customer, "starts_at": night})
    assert closed.status_code == 409
    assert "closed" in closed.json()["detail"]
    stranger = await client.rest("POST", f"{HOME}/appointments", json={"customer_id": 9999, "starts_at": night})
    assert stranger.status_code == 404


@pytest.mark.parametrize("customer_id", [0, 2**53, 2**63, 2**64])
async def test_an_id_that_no_row_can_have_is_wrong_and_no_error_of_ours(client: Client, customer_id: int) -> None:
    wanted = {"customer_id": customer_id, "starts_at": f"{next_sunday()}T10:00:00+02:00"}
    assert (await client.rest("POST", f"{HOME}/appointments", json=wanted)).status_code == 422


async def test_calls_and_conversations_are_there_to_be_read(client: Client, engine: AsyncEngine, key: str) -> None:
    customer = (await client.rest("GET", f"{HOME}/customers")).json()["items"][0]["id"]
    now = datetime.now(UTC)
    async with engine.begin() as connection:
        for number in range(3):
            await connection.execute(
                insert(Call).values(
                    call_sid=f"CA{number}",
                    business_id=456,
                    started_at=now + timedelta(seconds=number),
                    transcript=[{"who": "ai", "text": "שלום", "at_ms": 5}],
                )
            )
        conversation = await connection.scalar(
            insert(Conversation)
            .values(business_id=456, customer_id=customer, channel="meta")
            .returning(Conversation.id)
        )
        await connection.execute(
            insert(Message).values(id="wamid.1", conversation_id=conversation, direction="in", body="היי")
        )
    first = (await client.rest("GET", f"{HOME}/calls?limit=2", key=key)).json()
    rest = (await client.rest("GET", f"{HOME}/calls?limit=2&cursor={first['next_cursor']}", key=key)).json()
    assert [call["call_sid"] for call in first["items"] + rest["items"]] == ["CA2", "CA1", "CA0"]
    detail = (await client.rest("GET", f"{HOME}/calls/CA0", key=key)).json()
    assert detail["transcript"] == [{"who": "ai", "text": "שלום", "at_ms": 5}]
    assert (await client.rest("GET", f"{HOME}/calls/CA9", key=key)).status_code == 404
    conversations = (await client.rest("GET", f"{HOME}/conversations?status=open", key=key)).json()["items"]
    assert [found["id"] for found in conversations] == [conversation]
    messages = await client.rest("GET", f"{HOME}/conversations/{conversation}/messages", key=key)
    assert [message["body"] for message in messages.json()["items"]] == ["היי"]
    assert (await client.rest("GET", f"{HOME}/conversations/999/messages", key=key)).status_code == 404


@pytest.mark.parametrize(("urgent", "shown"), [("true", ["now"]), ("false", ["later"]), ("", None)])
async def test_of_what_callers_left_the_urgent_can_be_asked_for(
    client: Client, engine: AsyncEngine, urgent: str, shown: list[str] | None
) -> None:
    async with engine.begin() as connection:
        for body in ("now", "later"):
            await connection.execute(
                insert(CallMessage).values(business_id=456, call_sid="CA1", body=body, urgent=body == "now")
            )
    answer = await client.rest("GET", f"{HOME}/call-messages", params={"urgent": urgent} if shown else {})
    assert [left["body"] for left in answer.json()["items"]] == (shown or ["later", "now"])


async def test_each_list_says_how_many_rows_it_gives_and_gives_no_more_than_two_hundred(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    limits = [
        parameter["schema"]
        for operations in document["paths"].values()
        for parameter in operations.get("get", {}).get("parameters", ())
        if parameter["name"] == "limit"
    ]
    assert len(limits) > 5
    assert {(limit["default"], limit["minimum"], limit["maximum"]) for limit in limits} == {(50, 1, 200)}
    for limit, status in ((0, 422), (1, 200), (200, 200), (201, 422)):
        assert (await client.rest("GET", f"{HOME}/calls?limit={limit}")).status_code == status


async def test_of_what_is_heard_only_what_is_given_changes_and_null_takes_it_away(client: Client) -> None:
    steps = [
        ({"threshold": 0.7, "noise_reduction": "near_field"}, {"threshold": 0.7, "noise_reduction": "near_field"}),
        ({"silence_ms": 900}, {"threshold": 0.7, "noise_reduction": "near_field", "silence_ms": 900}),
        ({"threshold": None}, {"noise_reduction": "near_field", "silence_ms": 900}),
    ]
    for given, kept in steps:
        assert (await client.rest("PATCH", HOME, json={"hearing": given})).json()["hearing"] == kept


@pytest.mark.parametrize("unknown", ["0501111111", "050-111 1111", "972501111111", "Dana", "anonymous", "+266696687"])
async def test_who_phones_is_known_by_a_number_and_nothing_else(client: Client, unknown: str) -> None:
    """By anything else nobody would be found when they call."""
    new = {"channel": "phone", "external_id": unknown}
    refused = await client.rest("POST", f"{HOME}/customers", json=new)
    assert refused.status_code == 422
    assert "who phones is known by a number like +97235550142" in refused.json()["errors"][0]["detail"]


@pytest.mark.parametrize("unknown", ["0501111111", "+972501111111"])
async def test_a_number_that_whatsapp_would_spell_otherwise_is_no_id_of_its(client: Client, unknown: str) -> None:
    new = {"channel": "whatsapp", "external_id": unknown}
    refused = await client.rest("POST", f"{HOME}/customers", json=new)
    assert refused.status_code == 422
    assert "an id like 972501234567" in refused.json()["errors"][0]["detail"]


async def test_who_phones_is_found_when_they_call_and_reminded_at_their_number(
    client: Client, engine: AsyncEngine
) -> None:
    new = {"channel": "phone", "external_id": "+972501111111", "name": "נועה"}
    made = (await client.rest("POST", f"{HOME}/customers", json=new)).json()
    elsewhere = {**new, "external_id": "+972502222222", "phone": "+972503333333"}
    assert (await client.rest("POST", f"{HOME}/customers", json=elsewhere)).json()["phone"] == "+972503333333"
    async with raw_connection(engine) as raw:
        found = await find_parties(raw, business_id=456, called="", caller="+972501111111")
    assert found is not None
    assert (found.customer_id, found.customer_name, made["phone"]) == (made["id"], "נועה", "+972501111111")


async def test_a_time_zone_is_one_that_postgres_has_too(client: Client, rows: Any, tmp_path: Path) -> None:
    """Else the business's calls and what they cost cannot be looked up, nor anybody's costs be added up."""
    zones = tmp_path / "zones"
    (zones / "Mars").mkdir(parents=True)
    (zones / "Mars" / "Hellas").write_bytes(files("tzdata.zoneinfo").joinpath("UTC").read_bytes())
    ours = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([str(zones), *ours])
    try:
        changed = await client.rest("PATCH", HOME, json={"timezone": "Mars/Hellas"})
        new = {"name": "x", "phone": "+97235550155", "timezone": "Mars/Hellas"}
        made = await client.rest("POST", "/v1/businesses", json=new)
    finally:
        zoneinfo.reset_tzpath(ours)
        zoneinfo.ZoneInfo.clear_cache(only_keys=["Mars/Hellas"])
    assert [(answer.status_code, answer.json()["detail"]) for answer in (changed, made)] == [
        (422, "no such time zone; an example is Asia/Jerusalem")
    ] * 2
    assert await rows("SELECT DISTINCT timezone FROM businesses") == [("Asia/Jerusalem",)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"phone": "03-555-0142"}, "should be a number like +97235550142, with its country and without spaces"),
        ({"opening_hours": {"sun": [["9:00", "17:00"]]}}, "should be a time like 09:00"),
        ({"timezone": "Jerusalem time"}, "should be the name of a time zone, like Asia/Jerusalem"),
        ({"name": "two\nlines"}, "should be one line of text, without control characters"),
    ],
)
async def test_what_a_text_should_be_is_told_in_a_persons_words(
    client: Client, wrong: dict[str, Any], said: str
) -> None:
    refused = await client.rest("PATCH", HOME, json=wrong)
    assert refused.status_code == 422
    assert said in [each["detail"] for each in refused.json()["errors"]]


async def test_no_pattern_of_the_interface_is_without_words(client: Client) -> None:
    """Whatever the schema asks of a text, by its own document."""
    document = (await client.http.get("/openapi.json")).text
    found = {json.loads(f'"{text}"') for text in re.findall(r'"pattern":"((?:[^"\\]|\\.)*)"', document)}
    assert len(found) > 5
    assert found <= problems._IN_WORDS.keys()


@pytest.mark.parametrize("silence_ms", [200, 3000])
async def test_a_bound_itself_is_within(client: Client, silence_ms: int) -> None:
    assert (await client.rest("PATCH", HOME, json={"hearing": {"silence_ms": silence_ms}})).status_code == 200


@pytest.mark.parametrize(("business_id", "status"), [(0, 422), (1, 404), (2**53 - 1, 404), (2**53, 422)])
async def test_an_id_is_a_number_from_one_to_the_last_that_json_counts_to(
    client: Client, business_id: int, status: int
) -> None:
    assert (await client.rest("GET", f"/v1/businesses/{business_id}")).status_code == status


@pytest.mark.parametrize(("year", "status"), [(1999, 422), (2000, 409), (2100, 409), (2101, 422)])
async def test_a_time_is_of_this_century(client: Client, year: int, status: int) -> None:
    customer = (await client.rest("GET", f"{HOME}/customers")).json()["items"][0]["id"]
    asked = {"customer_id": customer, "starts_at": f"{year}-01-02T03:00:00Z"}
    assert (await client.rest("POST", f"{HOME}/appointments", json=asked)).status_code == status


async def test_a_body_too_large_for_anything_sensible_is_cut_off(client: Client) -> None:
    with capture_events("INFO") as events:
        response = await client.rest("PATCH", HOME, content=b'{"greeting": "' + b"x" * 1024 * 1024 + b'"}')
    assert response.status_code == 413
    assert [event.event for event in events] == ["BODY_REJECTED"]
