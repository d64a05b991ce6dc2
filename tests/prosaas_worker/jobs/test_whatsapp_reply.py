"""whatsapp.reply answers on the message's own channel, with the history, once."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import insert, select, text

from prosaas_core.jobs import WHATSAPP_REPLY, enqueue
from prosaas_core.outward.http import Refused, Unavailable
from prosaas_core.tables import Conversation, Message
from prosaas_logging import capture_events
from prosaas_worker.delivery import Unknown, write
from prosaas_worker.job import Hopeless, Later
from prosaas_worker.jobs import whatsapp_reply
from prosaas_worker.texting import Text

pytestmark = pytest.mark.postgres


async def outgoing(engine):
    async with engine.connect() as connection:
        rows = await connection.execute(
            select(Message.id, Message.body, Message.status).where(Message.direction == "out")
        )
        return [tuple(row) for row in rows]


async def change(tools, statement):
    async with tools.engine.begin() as connection:
        await connection.execute(text(statement))


async def waiting(tools):
    async with tools.engine.connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM messages WHERE wants_answer"))


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


async def test_an_answer_goes_out_as_it_is_and_is_kept_without_card_numbers(
    tools, providers, message, reply_job, monkeypatch
):
    async def answer(*_, **__):
        return "your card 4580260000000000"

    monkeypatch.setattr(whatsapp_reply, "answer", answer)
    await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    assert [sent["body"] for sent in providers.sent] == ["your card 4580260000000000"]
    ((_, body, _),) = await outgoing(tools.engine)
    async with tools.engine.connect() as connection:
        draft = await connection.scalar(text("SELECT body FROM outbound_messages"))
    assert body == draft == "your card [redacted]"


async def test_three_messages_in_a_row_get_one_answer_that_has_read_them_in_their_order(
    tools, providers, message, reply_job
):
    await message("SM1", "שלום", ago=60)
    await whatsapp_reply.run(reply_job("SM1"), tools)
    await message("SM3", "יש תור מחר?", ago=5)
    await message("SM2", "ועוד שאלה", ago=9)
    await whatsapp_reply.run(reply_job("SM3"), tools)
    assert [sent["body"] for sent in providers.sent] == ["answer 1", "answer 2"]
    assert providers.asked[-1]["input"] == [
        {"role": "user", "content": "שלום"},
        {"role": "assistant", "content": "answer 1"},
        {"role": "user", "content": "ועוד שאלה"},
        {"role": "user", "content": "יש תור מחר?"},
    ]
    assert "מספרת דנה" in providers.asked[-1]["instructions"]
    assert "חייכן" in providers.asked[-1]["instructions"]
    assert (providers.asked[-1]["store"], providers.asked[-1]["max_output_tokens"]) == (False, 2000)


async def test_no_more_than_the_latest_twenty_messages_go_to_the_model(tools, providers, message, reply_job):
    for number in range(25):
        await message(f"SM{number}", f"{number}", direction="out" if number < 24 else "in")
    await whatsapp_reply.run(reply_job("SM24"), tools)
    assert [turn["content"] for turn in providers.asked[0]["input"]] == [str(number) for number in range(5, 25)]


async def test_whoever_may_still_be_writing_is_waited_for_but_not_for_ever(tools, providers, message, reply_job):
    await message("SM1")
    patient = replace(tools, settings=tools.settings.model_copy(update={"reply_pause_seconds": 30.0}))
    with pytest.raises(Later) as caught:
        await whatsapp_reply.run(reply_job("SM1"), patient)
    assert 25 < caught.value.wait_s <= 30
    await change(tools, "UPDATE messages SET created_at = now() - interval '200 seconds'")
    await message("SM2")
    await whatsapp_reply.run(reply_job("SM1"), patient)
    assert len(providers.sent) == 1


async def test_a_worker_whose_clock_is_behind_the_databases_keeps_nobody_waiting(
    tools, providers, message, reply_job, monkeypatch
):
    class Behind(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(minutes=2)

    monkeypatch.setattr(whatsapp_reply, "datetime", Behind)
    await message("SM1")
    await change(tools, "UPDATE messages SET created_at = now() - interval '31 seconds'")
    patient = replace(tools, settings=tools.settings.model_copy(update={"reply_pause_seconds": 30.0}))
    await whatsapp_reply.run(reply_job("SM1"), patient)
    assert len(providers.sent) == 1


async def test_what_is_written_while_the_answer_goes_out_is_answered_by_the_same_job(
    tools, providers, message, reply_job, monkeypatch
):
    await message("SM1")
    answer = whatsapp_reply.answer

    async def slow(*arguments, **options):
        body = await answer(*arguments, **options)
        if len(providers.asked) == 1:
            await message("SM2", "רגע")
        return body

    monkeypatch.setattr(whatsapp_reply, "answer", slow)
    await whatsapp_reply.run(reply_job("SM1"), tools)
    assert [sent["body"] for sent in providers.sent] == ["answer 2"]
    assert await waiting(tools) == 0


async def test_the_jobs_key_is_free_when_nothing_waits(tools, message, reply_job):
    await message("SM1")
    async with tools.engine.begin() as connection:
        assert await enqueue(connection, WHATSAPP_REPLY, {}, key=reply_job("SM1").key)
    await whatsapp_reply.run(reply_job("SM1"), tools)
    async with tools.engine.begin() as connection:
        assert await enqueue(connection, WHATSAPP_REPLY, {}, key=reply_job("SM1").key)


async def test_after_whatsapps_day_nothing_free_is_sent_and_a_person_hears_of_it(tools, providers, message, reply_job):
    await message("SM1", ago=25 * 3600)
    with pytest.raises(Hopeless, match="24 hours"):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    assert (providers.asked, providers.sent) == ([], [])


async def test_a_draft_that_waited_for_more_than_a_day_is_not_sent(tools, providers, message, reply_job):
    await message("SM1")
    providers.faults.extend([None, 503])
    with pytest.raises(Unavailable):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    await change(tools, "UPDATE messages SET sent_at = now() - interval '25 hours'")
    with pytest.raises(Hopeless, match="24 hours"):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    assert providers.sent == []


async def test_a_second_run_changes_nothing_in_the_conversation(tools, providers, message, reply_job):
    await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    await whatsapp_reply.run(reply_job("SM1", attempt=2), tools)
    assert len(await outgoing(tools.engine)) == 1
    assert len(providers.asked) == 1


async def test_a_retry_sends_the_words_that_were_composed_first_unless_there_is_more_to_answer(
    tools, providers, message, reply_job
):
    await message("SM1")
    for _ in range(2):
        providers.faults.extend([None, 503] if not providers.asked else [503])
        with pytest.raises(Unavailable):
            await whatsapp_reply.run(reply_job("SM1"), tools)
    assert len(providers.asked) == 1
    await message("SM2")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    assert [sent["body"] for sent in providers.sent] == ["answer 2"]


async def test_a_job_of_the_release_before_answers_its_message_once(tools, providers, message, reply_job):
    await message("SM1")
    await change(tools, "UPDATE messages SET wants_answer = false")
    old = replace(reply_job("SM1"), key=f"{WHATSAPP_REPLY}:SM1", payload={"message_id": "SM1"})
    await whatsapp_reply.run(old, tools)
    await whatsapp_reply.run(old, tools)
    assert len(providers.sent) == 1


async def test_the_draft_that_a_job_of_the_release_before_had_written_is_sent_and_no_other(
    tools, providers, message, reply_job
):
    await message("SM1")
    key = f"{WHATSAPP_REPLY}:SM1"
    for name, body in ((key, "its own draft"), ("another", "somebody else's draft")):
        await write(tools, name, Text("twilio", "whatsapp:+97235550100", "whatsapp:+972501234567", body))
    await whatsapp_reply.run(replace(reply_job("SM1"), key=key, payload={"message_id": "SM1"}), tools)
    assert [sent["body"] for sent in providers.sent] == ["its own draft"]


async def test_a_refused_message_stays_unanswered(tools, providers, message, reply_job):
    await message("SM1")
    providers.faults.extend([None, 400])
    with capture_events() as events, pytest.raises(Refused):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    assert await waiting(tools) == 1
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


async def test_somebody_who_does_not_stop_typing_is_answered_after_five_pauses(tools, message, reply_job):
    await message("SM1")
    await change(tools, "UPDATE messages SET created_at = now() - interval '140 seconds'")
    await message("SM2")
    patient = replace(tools, settings=tools.settings.model_copy(update={"reply_pause_seconds": 30.0}))
    with pytest.raises(Later) as caught:
        await whatsapp_reply.run(reply_job("SM1"), patient)
    assert 0 < caught.value.wait_s <= 10


async def test_an_answer_that_nobody_knows_of_is_given_up_heard_of_and_keeps_no_later_message_waiting(
    tools, providers, message, reply_job
):
    await message("wamid.1", channel="meta")
    providers.faults.extend([None, httpx.ReadTimeout("never")])
    with pytest.raises(Unavailable):
        await whatsapp_reply.run(reply_job("wamid.1"), tools)
    await change(tools, "UPDATE outbound_messages SET sending_since = now() - interval '16 minutes'")
    await message("wamid.2", channel="meta")
    with pytest.raises(Unknown):
        await whatsapp_reply.run(reply_job("wamid.1"), tools)
    assert [sent["body"] for sent in providers.sent] == ["answer 2"]
    assert await waiting(tools) == 0


@pytest.mark.parametrize(
    ("known_as", "address"),
    [("972501234567", "whatsapp:+972501234567"), ("whatsapp:+972501234567", "whatsapp:+972501234567"),
     ("US.1349", "whatsapp:US.1349")],
)  # fmt: skip
async def test_twilio_is_given_the_address_that_it_knows_somebody_by(
    known_as, address, tools, providers, message, reply_job
):
    await change(tools, f"UPDATE customers SET external_id = '{known_as}'")
    await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    assert [sent["to"] for sent in providers.sent] == [address]


async def test_what_is_left_without_an_answer_is_asked_for_once(tools, message, reply_job):
    await message("SM1", ago=25 * 3600)
    with pytest.raises(Hopeless, match="1 messages"):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    await whatsapp_reply.run(reply_job("SM1"), tools)
    assert await waiting(tools) == 0


async def test_while_it_is_open_what_became_of_an_answer_no_other_is_written(tools, providers, message, reply_job):
    """The next message waits until that is known; what was not taken goes out then."""
    await message("SM1")
    providers.faults.extend([None, httpx.ReadTimeout("never")])
    with pytest.raises(Unavailable):
        await whatsapp_reply.run(reply_job("SM1"), tools)
    await message("SM2")
    with pytest.raises(Later, match="Twilio"):
        await asyncio.wait_for(whatsapp_reply.run(reply_job("SM1"), tools), 10)
    assert (len(providers.asked), providers.sent) == (1, [])
    await change(tools, "UPDATE outbound_messages SET sending_since = now() - interval '3 minutes'")
    await asyncio.wait_for(whatsapp_reply.run(reply_job("SM1"), tools), 10)
    assert [sent["body"] for sent in providers.sent] == ["answer 1", "answer 2"]


async def test_a_message_that_is_kept_while_the_job_ends_is_answered_by_it(
    tools, engine, providers, message, reply_job
):
    """Whoever keeps one holds the conversation meanwhile, and the job looks when it has it."""
    conversation_id = await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    async with engine.begin() as keeping:
        await keeping.execute(select(Conversation.id).where(Conversation.id == conversation_id).with_for_update())
        row = {"id": "SM2", "conversation_id": conversation_id, "direction": "in", "body": "?", "wants_answer": True}
        await keeping.execute(insert(Message).values(row))
        running = asyncio.create_task(whatsapp_reply.run(reply_job("SM1"), tools))
        async with engine.connect() as looking:
            waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not running.done() and not await looking.scalar(waits):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    await asyncio.wait_for(running, 10)
    assert [sent["body"] for sent in providers.sent] == ["answer 1", "answer 2"]


async def test_an_answer_that_was_written_is_sent_though_nothing_waits_for_one_any_more(
    tools, providers, message, reply_job
):
    conversation_id = await message("SM1")
    await whatsapp_reply.run(reply_job("SM1"), tools)
    answer = Text("twilio", "whatsapp:+97235550100", "whatsapp:+972501234567", "one thing more")
    await write(tools, "k", answer, conversation_id=conversation_id)
    await whatsapp_reply.run(reply_job("SM1"), tools)
    assert [sent["body"] for sent in providers.sent] == ["answer 1", "one thing more"]


async def test_a_draft_of_the_release_before_takes_no_place_that_is_taken(tools, providers, message, reply_job):
    """A conversation has one open draft: its own is sent, and the old one, which says the same, stays where it is."""
    conversation_id = await message("SM1")
    key = f"{WHATSAPP_REPLY}:SM1"
    for name, body, of in ((key, "the old one", None), ("new", "its own", conversation_id)):
        written = Text("twilio", "whatsapp:+97235550100", "whatsapp:+972501234567", body)
        await write(tools, name, written, conversation_id=of, answers=["SM1"] if of else [])
    await whatsapp_reply.run(replace(reply_job("SM1"), key=key, payload={"message_id": "SM1"}), tools)
    assert [sent["body"] for sent in providers.sent] == ["its own"]
