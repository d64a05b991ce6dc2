"""A WhatsApp conversation's story leads from a customer's number to what became of the answer."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from postgres_world import Fill
from prosaas_logging.redact import redact
from prosaas_ops.ask.messages import describe
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack import messages
from prosaas_ops.stack.messages import Draft, Message, Talk
from prosaas_ops.stack.records import Job
from prosaas_ops.stories import message as stories
from prosaas_ops.stories.message import MessageStory, complaints, fine, tell_message

from ..conftest import FakeEngine

NOON = datetime(2024, 1, 25, 14, 0, tzinfo=UTC)


def wrote(at: int, direction: str = "in", status: str = "received", *, error: str = "", waits: bool = False) -> Message:
    """A message so many seconds after noon."""
    return Message(f"wamid.{at}", direction, f"words {at}", status, error, NOON + timedelta(seconds=at), waits)


def talk(*said: Message, drafts: tuple[Draft, ...] = (), jobs: tuple[Job, ...] = ()) -> Talk:
    where = ("456 מספרת דנה", "דוד", "972501234567", "Asia/Jerusalem")
    return Talk(7, "meta", "open", *where, list(said), list(drafts), list(jobs))


def words(story: MessageStory) -> list[str]:
    return [each.words for each in complaints(story, NOON + timedelta(minutes=10))]


def test_an_answer_that_did_not_arrive_says_why() -> None:
    """In the words of whoever reads it, not in the provider's code."""
    story = MessageStory(talk(wrote(0), wrote(4, "out", "failed", error="131047")))

    assert words(story) == [
        "an answer of ours did not arrive (failed): more than 24 hours since the customer last wrote"
    ]
    unknown = MessageStory(talk(wrote(4, "out", "undelivered", error="99999")))
    assert "the provider's code 99999" in words(unknown)[0]


@pytest.mark.parametrize(
    ("jobs", "why"),
    [
        ((), "no job is queued for it"),
        ((Job("whatsapp.reply", "failed", 5, None),), "its job is failed, attempts: 5"),
        ((Job("whatsapp.reply", "queued", 2, NOON),), "its job is queued, attempts: 2, next at 14:00:00 UTC"),
    ],
)
def test_a_message_that_waits_says_for_how_long_and_what_holds_it_up(jobs: tuple[Job, ...], why: str) -> None:
    story = MessageStory(talk(wrote(0, waits=True), jobs=jobs))

    assert words(story) == [f"messages waiting for an answer: 1, for 10m: {why}"]


def test_an_answer_whose_fate_nobody_knows_is_told() -> None:
    story = MessageStory(talk(wrote(0), drafts=(Draft("k", "unknown", "", NOON),)))

    assert words(story)[0].startswith("nobody knows whether an answer of ours arrived")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((wrote(0), wrote(3, "out", "read")), "answered after 3s, read"),
        ((wrote(0), wrote(3, "out", "read"), wrote(9)), "the last message asked for no answer"),
        ((wrote(0),), "nothing that was written asked for an answer"),
        ((), "nobody has written yet"),
    ],
)
def test_a_conversation_in_which_all_is_well_says_so(said: tuple[Message, ...], told: str) -> None:
    assert words(MessageStory(talk(*said))) == []
    assert fine(MessageStory(talk(*said))) == told


def test_the_lines_are_those_that_name_its_messages(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the webhook to the status, of every service, and nobody else's."""
    asked: list[dict[str, str]] = []

    def talk_of(**wanted: str) -> Talk:
        asked.append(wanted)
        return talk(wrote(0), wrote(3, "out", "failed", error="131047"))

    monkeypatch.setattr(stories, "talk_of", talk_of)
    engine.write("prosaas-api", 0.1, "[INFO] 📩 [WHATSAPP_RECEIVED] message_id=wamid.0, channel=meta")
    engine.write("prosaas-api", 0.2, "[INFO] 📩 [WHATSAPP_RECEIVED] message_id=wamid.other, channel=meta")
    engine.write("worker", 3.1, "[INFO] 📤 [WHATSAPP_SENT] sent_id=wamid.3 · message_id=wamid.0")
    engine.write("prosaas-api", 5, "[WARNING] ⚠️ [WHATSAPP_STATUS] failed 131047 message_id=wamid.3")

    story = tell_message(engine, message="wamid.0")  # type: ignore[arg-type]

    assert story is not None
    assert asked == [{"message": "wamid.0", "phone": ""}]
    assert [line.event for line in story.lines] == ["WHATSAPP_RECEIVED", "WHATSAPP_SENT", "WHATSAPP_STATUS"]
    rows = describe(story, Screen(terminal=False))
    text = "\n".join(rows)
    assert rows[1].startswith("✗ an answer of ours did not arrive")
    assert (
        text.index("words 0") < text.index("WHATSAPP_RECEIVED") < text.index("words 3") < text.index("WHATSAPP_STATUS")
    )
    assert "wamid.other" not in text
    # A conversation goes on for weeks: each moment has its day.
    moments = [row for row in rows if "words" in row or "[WHATSAPP_" in row]
    assert len(moments) == 5
    assert all(re.match(r"\d\d-\d\d \d\d:\d\d:", row) for row in moments)


@pytest.mark.postgres
def test_a_conversation_is_found_by_number_by_message_and_by_our_answers_id(
    fill: Fill,
) -> None:
    """However the number is written; with what is in the outbox and in the queue for it."""

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for statement in (
            "insert into businesses (id, name, phone) values (456, 'מספרת דנה', '+97235550100')",
            "insert into customers (id, business_id, channel, external_id, name)"
            " overriding system value values (1, 456, 'whatsapp', '972501234567', 'דוד')",
            "insert into conversations (id, business_id, customer_id, channel)"
            " overriding system value values (7, 456, 1, 'meta')",
            "insert into messages (id, conversation_id, direction, body, wants_answer)"
            " values ('wamid.1', 7, 'in', 'שלום', true)",
            "insert into outbound_messages (key, provider, sender, recipient, body, conversation_id, status,"
            " provider_id)"
            " values ('whatsapp.reply:7', 'meta', 'x', 'y', 'היי', 7, 'sent', 'wamid.2')",
        ):
            await connection.execute(statement)
        await connection.execute(
            "insert into pgqueuer (priority, entrypoint, payload, status, created, updated, heartbeat)"
            " values (0, 'whatsapp.reply', $1, 'queued', now(), now(), now())",
            b'{"conversation_id": 7, "message_id": "wamid.1"}',
        )

    fill(write)

    found = messages.talk_of(message="wamid.1")
    assert found is not None
    assert (found.conversation_id, found.customer, found.business) == (7, "דוד", "456 מספרת דנה")
    assert [(each.id, each.waits) for each in found.messages] == [("wamid.1", True)]
    assert [(each.key, each.status) for each in found.drafts] == [("whatsapp.reply:7", "sent")]
    assert [(each.name, each.status) for each in found.jobs] == [("whatsapp.reply", "queued")]
    assert messages.talk_of(message="wamid.2") == messages.talk_of(phone="050-123 4567") == found
    assert messages.talk_of(message="wamid.3") is messages.talk_of(phone="050-7654321") is None
    assert replace(found, jobs=[]).ids == {"wamid.1", "wamid.2", "whatsapp.reply:7"}


@pytest.mark.postgres
def test_a_conversation_is_found_by_what_a_line_shows_of_an_id(fill: Fill) -> None:
    """Its beginning is the number, and no line has it."""
    whole = [
        "wamid.HBgMOTcyNTAxMTEyMjMzFQIAERgSNUY0MjVBNzRGMTMwMzM0OTJBAA==",
        "wamid.HBgMOTcyNTAxMTEyMjMzFQIAREPLY12345678",
    ]

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        for statement in (
            "insert into businesses (id, name, phone) values (456, 'x', '+97235550100')",
            "insert into customers (id, business_id, channel, external_id)"
            " overriding system value values (1, 456, 'whatsapp', '972501234567')",
            "insert into conversations (id, business_id, customer_id, channel)"
            " overriding system value values (7, 456, 1, 'meta')",
            f"insert into messages (id, conversation_id, direction) values ('{whole[0]}', 7, 'in')",
            "insert into outbound_messages (key, provider, sender, recipient, body, conversation_id, provider_id)"
            f" values ('k', 'meta', 'x', 'y', '', 7, '{whole[1]}')",
        ):
            await connection.execute(statement)

    fill(write)
    for each in whole:
        found = messages.talk_of(message=redact(each))
        assert found is not None
        assert redact(each) in found.ids
        assert each not in found.ids
    assert messages.talk_of(message="wamid.…%") is None


@pytest.mark.postgres
def test_a_text_message_is_told_by_the_id_that_its_line_shows(
    fill: Fill, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, screen: Screen
) -> None:
    """It is part of no conversation: what was sent to whom, and what its carrier said."""
    sid = "SM0123456789abcdef0123456789abcdef"

    async def write(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute(
            "insert into outbound_messages (key, provider, sender, recipient, body, status, provider_id, created_at)"
            " values ('remind:5', 'twilio', '+97235550100', '+972501234567', 'תזכורת', 'sent', $1, $2)",
            sid,
            NOON,
        )
        await connection.execute("insert into message_fates (provider_id, status) values ($1, 'delivered')", sid)

    fill(write)
    engine.write("worker", 1.0, f"[INFO] 📤 [SMS_SENT] sent_id={sid} · job_id=5", "[INFO] another's")
    story = tell_message(engine, message=sid)  # type: ignore[arg-type]
    assert story is not None
    rows = describe(story, screen)
    assert rows[0].startswith(f"{sid}  sms, delivered")
    assert "+972501234567" in rows[0]
    assert rows[1] == "✓ sent of our own accord, delivered"
    assert [line.event for line in story.lines] == ["SMS_SENT"]
    assert complaints(story) == []
