"""WhatsApp's webhooks: each message is kept once and answered by one job, whoever delivers it and however often."""

import asyncio
import json
import time
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api_world import Client
from prosaas_api import inbox
from prosaas_api.state import BATCHES
from prosaas_core import queries
from prosaas_core.database import raw_connection, transaction
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

TEXT = "מילים שאינן ליומן"
SM1, SM2 = ("SM" + digit * 32 for digit in "12")
TWILIO = {
    "MessageSid": SM1,
    "From": "whatsapp:+972501111111",
    "To": "whatsapp:+97235550100",
    "Body": TEXT,
    "ProfileName": "נועה",
    "WaId": "972501111111",
    "NumMedia": "0",
}
PHONE_NUMBER_ID = "100000000000456"


def meta(*messages: dict[str, Any], phone_number_id: str = PHONE_NUMBER_ID, **value: Any) -> dict[str, Any]:
    """A webhook of Meta's with these messages in it."""
    contacts = [{"wa_id": "972502222222", "profile": {"name": "גיל"}}]
    metadata = {"display_phone_number": "97235550100", "phone_number_id": phone_number_id}
    content = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": contacts, **value}
    change = {"field": "messages", "value": {**content, "messages": list(messages)}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def text_message(message_id: str, sender: str = "972502222222") -> dict[str, Any]:
    return {"from": sender, "id": message_id, "timestamp": f"{time.time():.0f}", "type": "text", "text": {"body": TEXT}}


MESSAGES = "SELECT id, direction, body, status FROM messages ORDER BY id"
JOBS = "SELECT dedupe_key, convert_from(payload, 'UTF8') FROM pgqueuer ORDER BY id"


async def test_a_message_through_twilio_is_kept_queued_and_acknowledged_without_an_answer(
    client: Client, rows: Any
) -> None:
    with capture_events("INFO") as events:
        response = await client.twilio("/whatsapp/twilio", TWILIO)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert response.text.endswith("<Response />")
    assert await rows(MESSAGES) == [(SM1, "in", TEXT, "received")]
    ((key, payload),) = await rows(JOBS)
    ((conversation,),) = await rows("SELECT id FROM conversations")
    assert key == f"whatsapp.reply:{conversation}"
    assert json.loads(payload) == {"conversation_id": conversation, "message_id": SM1, "cause": {"message_id": SM1}}
    assert await rows("SELECT channel, external_id, name, phone FROM customers WHERE channel = 'whatsapp'") == [
        ("whatsapp", "972501111111", "נועה", "+972501111111")
    ]
    assert [event.event for event in events] == ["JOB_ENQUEUED", "WHATSAPP_RECEIVED"]
    assert all(event.fields["message_id"] == SM1 for event in events)
    assert TEXT not in str(events)


async def test_a_card_or_an_identity_number_is_not_kept(client: Client, rows: Any) -> None:
    body = "כרטיס 4580-2600-0000-0000, ת.ז. 123456782, טלפון 050-1234567"
    await client.twilio("/whatsapp/twilio", TWILIO | {"Body": body})
    ((kept,),) = await rows("SELECT body FROM messages")
    assert kept == "כרטיס [redacted], ת.ז. [redacted], טלפון 050-1234567"


async def test_a_message_from_meta_is_kept_and_queued(client: Client, rows: Any) -> None:
    assert (await client.meta(meta(text_message("wamid.1")))).status_code == 200
    assert await rows(MESSAGES) == [("wamid.1", "in", TEXT, "received")]
    assert [key.partition(":")[0] for key, _ in await rows(JOBS)] == ["whatsapp.reply"]
    assert await rows("SELECT channel, status FROM conversations") == [("meta", "open")]


async def test_a_batch_is_kept_whole_with_its_repeats_once(client: Client, rows: Any) -> None:
    batch = meta(text_message("wamid.2"), text_message("wamid.1"), text_message("wamid.2"))
    batch["entry"].append(meta(text_message("wamid.3", sender="someone-without-a-number"))["entry"][0])
    assert (await client.meta(batch)).status_code == 200
    assert [row[0] for row in await rows(MESSAGES)] == ["wamid.1", "wamid.2", "wamid.3"]
    assert await rows("SELECT phone FROM customers WHERE external_id = 'someone-without-a-number'") == [(None,)]


async def test_one_webhook_delivered_twenty_times_in_parallel_has_one_effect(client: Client, rows: Any) -> None:
    with capture_events() as events:
        answers = await asyncio.gather(*(client.twilio("/whatsapp/twilio", TWILIO) for _ in range(20)))
        answers += await asyncio.gather(*(client.meta(meta(text_message("wamid.1"))) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert [row[0] for row in await rows(MESSAGES)] == [SM1, "wamid.1"]
    assert len(await rows(JOBS)) == 2
    said = [event.event for event in events]
    assert (said.count("WHATSAPP_RECEIVED"), said.count("WHATSAPP_DUPLICATE")) == (2, 38)


async def test_overlapping_batches_do_not_wait_for_each_other_forever(client: Client, rows: Any) -> None:
    senders = [f"97250000000{number}" for number in range(8)]
    forth = [text_message(f"a.{sender}", sender) for sender in senders]
    back = [text_message(f"b.{sender}", sender) for sender in reversed(senders)]
    with capture_events("WARNING") as events:
        answers = await asyncio.gather(*(client.meta(meta(*batch)) for batch in (forth, back) for _ in range(5)))
    assert events == []
    assert {answer.status_code for answer in answers} == {200}
    assert len(await rows(MESSAGES)) == 16


async def test_a_replay_after_the_job_was_done_and_the_conversation_closed_changes_nothing(
    client: Client, rows: Any, engine: Any
) -> None:
    await client.twilio("/whatsapp/twilio", TWILIO)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM pgqueuer")
        await connection.exec_driver_sql("UPDATE conversations SET status = 'closed'")
    await client.twilio("/whatsapp/twilio", TWILIO)
    assert await rows(JOBS) == []
    assert await rows("SELECT status FROM conversations") == [("closed",)]


async def test_a_picture_is_a_message_too(client: Client, rows: Any) -> None:
    await client.twilio("/whatsapp/twilio", {**TWILIO, "Body": "", "NumMedia": "1", "MediaContentType0": "image/jpeg"})
    picture = {"from": "972502222222", "id": "wamid.9", "type": "image", "image": {"id": "1"}}
    await client.meta(meta(picture))
    assert [row[2] for row in await rows(MESSAGES)] == ["[image]", "[image]"]


async def test_a_list_goes_on_past_messages_that_were_stamped_at_the_beginning_of_time(client: Client) -> None:
    stamped = [{**text_message(f"wamid.{number}"), "timestamp": f"{number}"} for number in range(3)]
    assert (await client.meta(meta(*stamped))).status_code == 200
    (conversation,) = (await client.rest("GET", "/v1/businesses/456/conversations")).json()["items"]
    path = f"/v1/businesses/456/conversations/{conversation['id']}/messages?limit=1"
    listed, cursor = [], ""
    while cursor is not None:
        page = (await client.rest("GET", f"{path}&cursor={cursor}")).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert listed == ["wamid.2", "wamid.1", "wamid.0"]


ODD: list[Any] = [
    {},
    3,
    None,
    {**text_message("wamid.x"), "from": None},
    {**text_message("wamid.x"), "text": {}},
    {**text_message("x" * 8000)},
    {**text_message("wamid.x"), "id": {"a": 1}},
    text_message("wamid.x", sender="9" * 8000),
]


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_message_costs_its_neighbours_nothing(client: Client, rows: Any, odd: Any) -> None:
    with capture_events("WARNING") as events:
        answer = await client.meta(
            meta(text_message("wamid.1"), odd, text_message("wamid.2"), statuses=[3, {"id": {}}])
        )
    assert answer.status_code == 200
    assert [row[0] for row in await rows(MESSAGES)] == ["wamid.1", "wamid.2"]
    assert [event.event for event in events] == ["BODY_REJECTED"]


@pytest.fixture
async def sent(client: Client, engine: Any) -> Any:
    """Keep a message of ours as the worker does, in the conversation of one that came in."""
    await client.twilio("/whatsapp/twilio", TWILIO)

    async def keep(message_id: str) -> None:
        async with transaction(engine) as connection:
            (conversation,) = (await connection.execute(text("SELECT id FROM conversations"))).one()
            await queries.add_message(connection, conversation, message_id, "out", "hello", status="sent")

    return keep


def told(*news: tuple[str, str]) -> dict[str, Any]:
    return meta(statuses=[{"id": message_id, "status": status} for message_id, status in news])


OURS = "SELECT status, error FROM messages WHERE direction = 'out'"


async def test_what_became_of_our_own_message_is_noted_and_only_advances(client: Client, rows: Any, sent: Any) -> None:
    await sent(SM2)
    failed = {"MessageSid": SM2, "MessageStatus": "failed", "ErrorCode": "63016"}
    with capture_events("INFO") as events:
        for _ in range(2):
            await client.twilio("/whatsapp/twilio", failed)
        await client.twilio("/whatsapp/twilio", {"MessageSid": SM2, "MessageStatus": "sent"})
    assert await rows(OURS) == [("failed", "63016")]
    assert [(event.level, event.event) for event in events] == [("WARNING", "WHATSAPP_SEND_FAILED")]
    for status in ("read", "delivered", "sent", "no-such-status"):
        assert (await client.meta(told((SM2, status)))).status_code == 200
        assert await rows(OURS) == [("read", None)]


async def test_a_status_that_is_the_channels_trouble_is_told_of_the_channel_once(client: Client) -> None:
    with capture_events("INFO") as events:
        for message_id in ("wamid.8", "wamid.9"):
            news = {"id": message_id, "status": "failed", "errors": [{"code": 131031}]}
            await client.meta(meta(statuses=[news]))
        await client.meta(told(("wamid.8", "delivered")))
    assert [event.event for event in events].count("WHATSAPP_IMPAIRED") == 1
    assert [event.fields["code"] for event in events if event.event == "WHATSAPP_IMPAIRED"] == ["131031"]


async def test_while_two_batches_are_kept_the_next_waits_and_holds_no_connection(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on, most = 0, asyncio.Event(), 0

    async def slowly(*_: object) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await go_on.wait()
        inside -= 1

    monkeypatch.setattr(inbox, "receive", slowly)
    coming = [asyncio.create_task(client.meta(meta(text_message(f"wamid.{n}")))) for n in range(4)]
    done, _ = await asyncio.wait(coming, timeout=0.5)
    assert (len(done), inside) == (0, BATCHES)
    go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*coming)} == {200}
    assert most == BATCHES == 2


async def test_what_a_batch_says_twice_of_one_message_is_its_furthest(client: Client, rows: Any, sent: Any) -> None:
    await sent("wamid.9")
    await client.meta(told(("wamid.9", "delivered"), ("wamid.9", "read"), ("wamid.9", "sent")))
    assert await rows(OURS) == [("read", None)]


async def test_a_status_that_comes_before_the_message_is_kept_for_it(client: Client, rows: Any, sent: Any) -> None:
    await client.twilio("/whatsapp/twilio", {"MessageSid": SM2, "MessageStatus": "undelivered", "ErrorCode": "63024"})
    await sent(SM2)
    assert await rows(OURS) == [("undelivered", "63024")]


async def test_a_status_that_comes_while_the_message_is_being_written_waits_for_it(
    client: Client, rows: Any, sent: Any, engine: Any
) -> None:
    async with transaction(engine) as connection:
        (conversation,) = (await connection.execute(text("SELECT id FROM conversations"))).one()
        await queries.add_message(connection, conversation, "wamid.9", "out", "hello", status="sent")
        arriving = asyncio.create_task(client.meta(told(("wamid.9", "read"))))
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not (await connection.execute(waiting)).scalar_one():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (await arriving).status_code == 200
    assert await rows(OURS) == [("read", None)]


async def test_a_status_touches_no_message_that_came_in(client: Client, rows: Any) -> None:
    await client.twilio("/whatsapp/twilio", TWILIO)
    await client.twilio("/whatsapp/twilio", {"MessageSid": SM1, "MessageStatus": "failed", "ErrorCode": "1"})
    assert await rows("SELECT status, error FROM messages") == [("received", None)]


@pytest.mark.parametrize(
    ("was", "id_before", "becomes"),
    [
        ("sending", None, "wamid.9"),
        ("unknown", None, "wamid.9"),
        ("ready", None, None),
        ("sending", "wamid.1", "wamid.1"),
        ("sent", "wamid.1", "wamid.1"),
    ],
)
async def test_a_status_tells_the_id_of_a_draft_whose_answer_was_lost(
    client: Client, rows: Any, engine: Any, was: str, id_before: str | None, becomes: str | None
) -> None:
    """It names the draft by our own key; one that was never claimed, or whose id is known, stays as it is."""
    draft = "INSERT INTO outbound_messages (key, provider, sender, recipient, body, status, provider_id) VALUES "
    values = "(:key, 'meta', 'us', 'them', 'hello', :status, :id)"
    async with transaction(engine) as connection:
        for key in ("ours", "another"):
            await connection.execute(text(draft + values), {"key": key, "status": was, "id": id_before})
    status = {"id": "wamid.9", "status": "delivered", "biz_opaque_callback_data": "ours"}
    assert (await client.meta(meta(statuses=[status]))).status_code == 200
    assert await rows("SELECT key, provider_id FROM outbound_messages ORDER BY key") == [
        ("another", id_before),
        ("ours", becomes),
    ]


@pytest.mark.parametrize("odd", ["x" * 8000, "wamid.\n9", "", 9, None])
async def test_what_can_be_no_id_is_kept_of_no_status(client: Client, rows: Any, odd: Any) -> None:
    with capture_events("WARNING") as events:
        for status in ({"id": odd, "status": "read"}, {"id": "wamid.9", "status": odd}):
            assert (await client.meta(meta(statuses=[status]))).status_code == 200
    assert await rows("SELECT count(*) FROM message_fates") == [(0,)]
    assert [event.event for event in events] == ["BODY_REJECTED"] * 2


async def test_a_batch_of_metas_may_be_three_megabytes_and_no_more(client: Client, rows: Any) -> None:
    batch = meta(text_message("wamid.1"), padding="x" * (3 * 1024 * 1024 - 2000))
    assert (await client.meta(batch)).status_code == 200
    assert [row[0] for row in await rows(MESSAGES)] == ["wamid.1"]
    assert (await client.meta(meta(text_message("wamid.2"), padding="x" * (3 * 1024 * 1024)))).status_code == 413


async def test_four_thousand_statuses_are_two_statements(client: Client, rows: Any, app: FastAPI) -> None:
    """And a third one for drafts, where they name any; none of them is a row's."""
    seen: list[str] = []
    async with raw_connection(app.state.prosaas.engine) as raw:
        raw.add_query_logger(lambda record: seen.append(record.query))
    ids = [f"wamid.{number}" for number in range(4000)]
    batch = meta(statuses=[{"id": name, "status": "delivered", "biz_opaque_callback_data": name} for name in ids])
    assert (await client.meta(batch)).status_code == 200
    assert await rows("SELECT count(*) FROM message_fates") == [(4000,)]
    assert sum("message_fates" in query for query in seen) == 2
    assert sum("outbound_messages" in query for query in seen) == 1


async def test_news_of_the_connection_is_a_line(client: Client) -> None:
    change = {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION"}}
    with capture_events("INFO") as events:
        assert (await client.meta({"entry": [{"changes": [change]}]})).status_code == 200
    assert [(event.event, event.fields["status"]) for event in events] == [("WHATSAPP_IMPAIRED", "ACCOUNT_RESTRICTION")]


async def test_a_message_for_nobody_is_acknowledged_with_a_warning_so_that_it_does_not_come_back(
    client: Client, rows: Any
) -> None:
    with capture_events("INFO") as events:
        assert (await client.meta(meta(text_message("wamid.1"), phone_number_id="9"))).status_code == 200
    assert [event.event for event in events] == ["UNKNOWN_BUSINESS"]
    assert await rows(MESSAGES) == []


async def test_meta_gets_its_challenge_back_for_the_right_token_only(client: Client) -> None:
    right = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "12345"}
    answer = await client.http.get("/whatsapp/meta", params=right)
    assert (answer.status_code, answer.text) == (200, "12345")
    with capture_events("INFO") as events:
        for wrong in ({"hub.verify_token": "é"}, {"hub.mode": "x"}, {"hub.verify_token": ""}):
            assert (await client.http.get("/whatsapp/meta", params={**right, **wrong})).status_code == 403
    assert [event.event for event in events] == ["SIGNATURE_REJECTED"] * 3
    assert (await client.http.get("/whatsapp/meta")).status_code == 403


@pytest.mark.parametrize("secret", ["another", ""])
async def test_what_meta_did_not_sign_is_refused(client: Client, rows: Any, secret: str) -> None:
    with capture_events("INFO") as events:
        response = await client.meta(meta(text_message("wamid.1")), secret=secret)
    assert response.status_code == 403
    assert [(event.level, event.event) for event in events] == [("WARNING", "SIGNATURE_REJECTED")]
    assert TEXT not in str(events)
    assert await rows(MESSAGES) == []


async def test_an_unsigned_body_is_refused(client: Client) -> None:
    assert (await client.http.post("/whatsapp/meta", json=meta())).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b"x" * (3 * 1024 * 1024 + 1), 413),
        (b"{}", 422),
        (b'{"entry": 3}', 422),
    ],
)
async def test_a_signed_body_of_another_form_is_refused_with_a_warning(
    client: Client, body: bytes, status: int
) -> None:
    with capture_events("INFO") as events:
        response = await client.meta(body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert [(event.level, event.event) for event in events] == [("WARNING", "BODY_REJECTED")]


async def test_text_that_postgres_cannot_keep_is_no_error_of_ours(client: Client, rows: Any) -> None:
    message = text_message("wamid.1")
    message["text"]["body"] = "a\0b\ud800c"
    assert (await client.meta(meta(message))).status_code == 200
    assert await rows("SELECT body FROM messages") == [("ab\ufffdc",)]


async def test_a_reaction_is_kept_and_nobody_answers_it(client: Client, rows: Any) -> None:
    """Beside a message that is answered, in one delivery."""
    head = {"from": "972502222222", "timestamp": f"{time.time():.0f}"}
    liked = {**head, "id": "wamid.r", "type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}}
    assert (await client.meta(meta(text_message("wamid.1"), liked))).status_code == 200
    assert [(row[0], row[2]) for row in await rows(MESSAGES)] == [("wamid.1", TEXT), ("wamid.r", "[reaction: 👍]")]
    assert await rows("SELECT id FROM messages WHERE wants_answer") == [("wamid.1",)]
    assert len(await rows(JOBS)) == 1


async def test_a_customer_who_changes_their_number_stays_the_same_customer(client: Client, rows: Any) -> None:
    """With their conversation; what they write from the new number is theirs, and the news itself is not answered."""
    await client.meta(meta(text_message("wamid.1")))
    ((customer,),) = await rows("SELECT id FROM customers WHERE channel = 'whatsapp'")
    news = {"body": "גיל changed to 972503333333", "wa_id": "972503333333", "type": "user_changed_number"}
    moved = {
        "from": "972502222222",
        "id": "wamid.2",
        "timestamp": f"{time.time():.0f}",
        "type": "system",
        "system": news,
    }
    assert (await client.meta(meta(moved))).status_code == 200
    await client.meta(meta(text_message("wamid.3", "972503333333")))
    assert await rows("SELECT id, external_id FROM customers WHERE channel = 'whatsapp'") == [
        (customer, "972503333333")
    ]
    assert await rows("SELECT count(DISTINCT conversation_id), count(*) FROM messages") == [(1, 3)]
    assert await rows("SELECT id FROM messages WHERE NOT wants_answer") == [("wamid.2",)]
