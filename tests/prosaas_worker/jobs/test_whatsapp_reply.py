"""whatsapp.reply answers on the message's own channel, with the history, once."""

import httpx
import pytest
from sqlalchemy import select, text

from prosaas_core.outbound import Refused, Unavailable
from prosaas_core.tables import Conversation, JobEffect, Message
from prosaas_logging import capture_events
from prosaas_worker.job import Hopeless
from prosaas_worker.jobs import whatsapp_reply

pytestmark = pytest.mark.postgres


async def outgoing(engine):
    async with engine.connect() as connection:
        rows = await connection.execute(
            select(Message.id, Message.body, Message.status).where(Message.direction == "out")
        )
        return [tuple(row) for row in rows]


async def test_the_answer_goes_back_through_twilio_and_into_the_conversation(tools, providers, message, reply_job):
    await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    (sent,) = providers.sent
    assert (sent["from"], sent["to"], sent["body"]) == ("whatsapp:+97235550100", "whatsapp:+972501234567", "answer 1")
    assert await outgoing(tools.engine) == [(sent["sid"], "answer 1", "sent")]


async def test_the_answer_goes_back_through_meta_from_the_businesss_own_number(tools, providers, message, reply_job):
    await message("wamid.1", channel="meta")
    await whatsapp_reply.run(reply_job("wamid.1"), tools)
    (sent,) = providers.sent
    assert (sent["from"], sent["to"], sent["body"]) == ("1055", "972501234567", "answer 1")


async def test_the_model_sees_the_conversation_up_to_the_message_and_the_businesss_instructions(
    tools, providers, message, reply_job
):
    await message("SM1", "שלום")
    await message("SM2", "שלום גם לך", direction="out")
    await message("SM3", "יש תור מחר?")
    await message("SM4", "עוד שאלה")
    await whatsapp_reply.run(reply_job("SM3"), tools)
    (asked,) = providers.asked
    assert asked["input"] == [
        {"role": "user", "content": "שלום"},
        {"role": "assistant", "content": "שלום גם לך"},
        {"role": "user", "content": "יש תור מחר?"},
    ]
    assert "מספרת דנה" in asked["instructions"]
    assert "חייכן" in asked["instructions"]
    assert asked["store"] is False


async def test_a_second_run_changes_nothing_in_the_conversation(tools, providers, message, reply_job):
    await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    await whatsapp_reply.run(reply_job("SM1", attempt=2), tools)
    assert len(await outgoing(tools.engine)) == 1
    assert len(providers.asked) == 1


async def test_a_retry_sends_the_words_that_were_composed_first(tools, providers, message, reply_job):
    await message("SM1")
    providers.faults.append(503)
    with pytest.raises(Unavailable):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    providers.faults.extend([503])
    assert providers.asked == []
    with pytest.raises(Unavailable):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    await whatsapp_reply.run(reply_job("SM1"), tools)
    assert [sent["body"] for sent in providers.sent] == ["answer 1"]


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("no answer"), httpx.RemoteProtocolError("cut off")])
async def test_an_answer_lost_after_twilio_took_the_message_is_found_again_and_not_sent_twice(
    fault, tools, providers, message, reply_job
):
    await message("SM1")
    providers.fault_after_sending = fault
    with pytest.raises(Unavailable) as caught:
        await whatsapp_reply.run(reply_job("SM1"), tools)
    assert caught.value.perhaps_done
    await whatsapp_reply.run(reply_job("SM1", attempt=2), tools)
    (sent,) = providers.sent
    assert await outgoing(tools.engine) == [(sent["sid"], "answer 1", "sent")]


async def test_the_same_words_sent_earlier_are_not_taken_for_the_lost_message(tools, providers, message, reply_job):
    await message("SM1")
    earlier = {"sid": "SMold", "from": "whatsapp:+97235550100", "to": "whatsapp:+972501234567", "body": "answer 1"}
    providers.sent.append({**earlier, "date_created": "Sun, 21 Jan 2024 12:00:00 +0000"})
    providers.fault_after_sending = httpx.ConnectError("before Twilio saw it")
    with pytest.raises(Unavailable):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    await whatsapp_reply.run(reply_job("SM1", attempt=2), tools)
    assert (await outgoing(tools.engine))[0][0] != "SMold"


async def test_the_same_words_of_another_job_are_not_taken_for_the_lost_message(tools, providers, message, reply_job):
    await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    await message("SM2")
    lost = (
        "INSERT INTO outbound_messages (key, provider, sender, recipient, body, status, sending_since) "
        "SELECT :key, provider, sender, recipient, body, 'sending', now() FROM outbound_messages"
    )
    async with tools.engine.begin() as connection:
        await connection.execute(text(lost), {"key": reply_job("SM2").key})
    await whatsapp_reply.run(reply_job("SM2", attempt=2), tools)
    assert [sent["body"] for sent in providers.sent] == ["answer 1", "answer 1"]
    assert len(await outgoing(tools.engine)) == 2


async def test_a_refused_message_is_not_marked_as_done(tools, providers, message, reply_job):
    await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    await message("SM2")
    providers.faults.append(401)
    with capture_events() as events, pytest.raises(Refused):
        await whatsapp_reply.run(reply_job("SM2"), tools)
    async with tools.engine.connect() as connection:
        assert list(await connection.scalars(select(JobEffect.key))) == [reply_job("SM1").key]
    assert "WHATSAPP_SENT" not in [event.event for event in events]


async def test_answering_keeps_the_session_open(tools, message, reply_job):
    conversation_id = await message("SM1")
    async with tools.engine.begin() as connection:
        await connection.execute(text("UPDATE conversations SET last_activity_at = now() - interval '1 hour'"))
    await whatsapp_reply.run(reply_job("SM1"), tools)
    recent = text("SELECT last_activity_at > now() - interval '1 minute' FROM conversations WHERE id = :id")
    async with tools.engine.connect() as connection:
        assert await connection.scalar(recent, {"id": conversation_id})
        assert await connection.scalar(select(Conversation.status)) == "open"


async def test_an_unknown_message_is_hopeless(tools, reply_job):
    with pytest.raises(Hopeless, match="SM404"):
        await whatsapp_reply.run(reply_job("SM404"), tools)


async def test_neither_question_nor_answer_reaches_the_log(tools, message, reply_job):
    await message("SM1", "סוד מסחרי")
    with capture_events() as events:
        await whatsapp_reply.run(reply_job("SM1"), tools)
    assert [event.event for event in events if event.level == "INFO"] == ["WHATSAPP_SENT"]
    lines = "\n".join(f"{event.text} {event.fields}" for event in events)
    assert "סוד" not in lines
    assert "answer 1" not in lines
