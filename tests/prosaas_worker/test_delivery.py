"""Each drill counts the messages at the provider: there is one, or an honest word that nobody knows."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest
from sqlalchemy import text

from clocks import Clock
from prosaas_core.database import raw_transaction
from prosaas_core.messages import sending
from prosaas_core.messages.connection import Connections
from prosaas_core.outward.http import Outbound, Policy, Refused, Unavailable
from prosaas_core.patience import Patience
from prosaas_logging import capture_events
from prosaas_worker import delivery
from prosaas_worker.delivery import Unknown, deliver, write
from prosaas_worker.job import Later
from prosaas_worker.texting import LONGEST, Text, find_sent, fit

pytestmark = pytest.mark.postgres

TWILIO = Text("twilio", "whatsapp:+97235550100", "whatsapp:+972501234567", "hello")
META = Text("meta", "1055", "972501234567", "hello")
LOST = [
    httpx.ReadTimeout("never"),
    httpx.RemoteProtocolError("cut off"),
    httpx.Response(500),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, json={"messages": "none", "sid": None}),
    httpx.Response(200, json={"messages": [{"id": ""}], "sid": ""}),
    httpx.Response(200, json={"messages": [{"id": 7}], "sid": 7}),
]


async def draft(tools, message=TWILIO, key="k"):
    await write(tools, key, message)


async def later(tools, minutes=0, seconds=0):
    async with tools.engine.begin() as connection:
        await connection.execute(
            text("UPDATE outbound_messages SET sending_since = sending_since - CAST(:ago AS interval)"),
            {"ago": timedelta(minutes=minutes, seconds=seconds)},
        )


async def state(tools, key="k"):
    async with tools.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT status, provider_id FROM outbound_messages WHERE key = :key"), {"key": key}
        )
        return tuple(rows.one())


@pytest.mark.parametrize("message", [TWILIO, META])
async def test_twenty_executions_at_once_send_one_message_and_record_it_once(message, tools, providers):
    await draft(tools, message)
    recorded = []

    async def record(connection, sent_id, sent):
        recorded.append(sent_id)

    outcomes = await asyncio.gather(*(deliver(tools, "k", record) for _ in range(20)), return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, Later) for outcome in outcomes)
    assert len(providers.sent) == 1
    assert recorded == [providers.sent[0]["sid"]]
    assert await state(tools) == ("sent", providers.sent[0]["sid"])


@pytest.mark.parametrize("lost", LOST)
async def test_an_answer_lost_after_twilio_took_the_message_is_found_and_not_sent_twice(lost, tools, providers):
    await draft(tools)
    providers.fault_after_sending = lost
    with pytest.raises(Unavailable) as caught:
        await deliver(tools, "k")
    assert caught.value.perhaps_done
    await deliver(tools, "k")
    assert len(providers.sent) == 1
    assert await state(tools) == ("sent", providers.sent[0]["sid"])


async def test_what_twilio_lists_late_is_waited_for(tools, providers):
    await draft(tools)
    providers.faults.append(httpx.ReadTimeout("late"))
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    with pytest.raises(Later):
        await deliver(tools, "k")
    form = {"From": TWILIO.sender, "To": TWILIO.recipient, "Body": TWILIO.body}
    providers._send("/Messages.json", httpx.Request("POST", "http://x/", data=form))
    await deliver(tools, "k")
    assert len(providers.sent) == 1


async def test_what_twilio_never_lists_was_never_taken_and_goes_out_once(tools, providers):
    await draft(tools)
    providers.faults.append(httpx.ReadTimeout("never"))
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, minutes=3)
    await deliver(tools, "k")
    assert len(providers.sent) == 1


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("body", "something else"),
        ("date_created", "Sun, 21 Jan 2024 12:00:00 +0000"),
        ("date_created", "soon"),
        ("sid", None),
    ],
)
async def test_another_message_to_the_same_number_is_not_taken_for_the_lost_one(field, other, tools, providers):
    await draft(tools, key="first")
    await deliver(tools, "first")
    async with tools.engine.begin() as connection:
        await connection.execute(text("DELETE FROM outbound_messages"))
    providers.sent[0][field] = other
    await draft(tools)
    providers.faults.append(httpx.ReadTimeout("never"))
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, minutes=3)
    await deliver(tools, "k")
    assert len(providers.sent) == 2


async def test_the_same_words_of_another_draft_are_not_taken_for_the_lost_ones(tools, providers):
    await draft(tools, key="first")
    await deliver(tools, "first")
    await draft(tools)
    providers.faults.append(httpx.ReadTimeout("never"))
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, minutes=3)
    await deliver(tools, "k")
    assert len(providers.sent) == 2
    assert (await state(tools))[1] == providers.sent[1]["sid"]


@pytest.mark.parametrize(
    ("message", "way"),
    [(TWILIO, "WHATSAPP"), (META, "WHATSAPP"), (replace(TWILIO, sender="+97235550100"), "SMS")],
)
async def test_a_message_that_is_refused_or_sent_is_told_by_the_way_that_it_goes(message, way, tools, providers):
    await draft(tools, message)
    providers.faults.append(httpx.Response(400, json={"message": "no"}))
    with capture_events("INFO") as events:
        with pytest.raises(Refused):
            await deliver(tools, "k")
        await deliver(tools, "k")
    told = [each.event for each in events if str(each.event).startswith(("SMS", "WHATSAPP_SE"))]
    assert told == [f"{way}_SEND_FAILED", f"{way}_SENT"]


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_of_metas_is_never_followed_by_a_second_message(lost, tools, providers):
    await draft(tools, META)
    providers.fault_after_sending = lost
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    for _ in range(3):
        with pytest.raises(Later):
            await deliver(tools, "k")
    await later(tools, minutes=20)
    with capture_events() as events:
        for _ in range(3):
            with pytest.raises(Unknown, match="nobody knows"):
                await deliver(tools, "k")
    assert len(providers.sent) == 1
    assert [event.event for event in events].count("WHATSAPP_SEND_FAILED") == 1


async def test_of_an_answer_that_is_given_up_no_second_one_is_written(tools, providers, message):
    """It may have come: whoever wrote waits for nothing any more."""
    await message("SM1")
    await write(tools, "k", META, answers=["SM1"])
    providers.fault_after_sending = LOST[0]
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, minutes=20)
    with pytest.raises(Unknown):
        await deliver(tools, "k")
    async with tools.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM messages WHERE wants_answer")) == 0


@pytest.mark.parametrize("minutes", [0, 20])
async def test_metas_status_settles_a_lost_answer_even_after_it_was_given_up(minutes, tools, providers):
    from prosaas_core.database import raw_transaction
    from prosaas_core.messages.sending import taken

    await draft(tools, META)
    providers.fault_after_sending = httpx.ReadTimeout("never")
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, minutes)
    with suppress(Later, Unknown):
        await deliver(tools, "k")
    async with raw_transaction(tools.engine) as raw:
        await taken(raw, [providers.sent[0]["key"], "nobody's"], ["wamid.known", "wamid.x"])
        await taken(raw, ["k"], ["wamid.another"])
    await deliver(tools, "k")
    assert len(providers.sent) == 1
    assert await state(tools) == ("sent", "wamid.known")


async def test_a_status_of_metas_that_comes_at_the_last_moment_is_believed(tools, providers, monkeypatch):
    """Between the look at the draft and giving it up."""
    await draft(tools, META)
    providers.fault_after_sending = httpx.ReadTimeout("never")
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, 16)
    find = delivery._find

    async def find_and_hear(tools, key):
        found = await find(tools, key)
        async with raw_transaction(tools.engine) as raw:
            await sending.taken(raw, [key], ["wamid.1"])
        return found

    monkeypatch.setattr(delivery, "_find", find_and_hear)
    with capture_events("WARNING") as events:
        await deliver(tools, "k")
    assert await state(tools) == ("sent", "wamid.1")
    assert len(providers.sent) == 1
    assert events == []


async def test_a_lost_answer_that_many_settle_at_once_is_recorded_once(tools, providers, monkeypatch):
    """All of them have found the message at Twilio before the first of them notes it."""
    await draft(tools)
    providers.fault_after_sending = httpx.ReadTimeout("never")
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    settle, settled, recorded = delivery._settle, asyncio.Barrier(5), []

    async def settle_together(tools, draft):
        found = await settle(tools, draft)
        await settled.wait()
        return found

    async def record(connection, sent_id, sent):
        recorded.append(sent_id)

    monkeypatch.setattr(delivery, "_settle", settle_together)
    await asyncio.wait_for(asyncio.gather(*(deliver(tools, "k", record) for _ in range(5))), 30)
    assert recorded == [providers.sent[0]["sid"]]


async def test_an_attempt_that_is_over_gives_back_no_later_one(tools, providers):
    """Whoever was slow to learn that its request never arrived finds the draft claimed by another."""
    await draft(tools)
    first = await delivery._claim(tools, "k")
    await delivery._give_back(tools, first)
    assert await state(tools) == ("ready", None)
    await delivery._claim(tools, "k")
    await delivery._give_back(tools, first)
    assert await state(tools) == ("sending", None)


async def test_a_drain_in_the_midst_of_sending_leaves_it_to_be_settled(tools, providers):
    await draft(tools)
    reached = asyncio.Event()
    send = providers._send

    async def slow(request):
        if request.method == "GET":
            return await Providers.__call__(providers, request)
        send(request.url.path, request)
        reached.set()
        await asyncio.Event().wait()

    Providers = type(providers)
    policy = Policy(patience=Patience(total_s=0))
    async with Outbound(policy, transport=httpx.MockTransport(slow)) as outbound:
        sending = asyncio.create_task(deliver(replace(tools, outbound=outbound), "k"))
        await asyncio.wait_for(reached.wait(), 30)
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
    await deliver(tools, "k")
    assert len(providers.sent) == 1


async def test_a_message_that_is_refused_is_told_of(tools, providers):
    await draft(tools)
    providers.faults.append(400)
    with capture_events() as events, pytest.raises(Refused):
        await deliver(tools, "k")
    (told,) = (event for event in events if event.event == "WHATSAPP_SEND_FAILED")
    assert "answered 400" in str(told.fields["error"])


async def test_a_request_that_never_reached_the_provider_may_go_again_at_once(tools, providers):
    await draft(tools, META)
    providers.faults.extend([httpx.ConnectError("down"), 503])
    for _ in range(2):
        with pytest.raises(Unavailable):
            await deliver(tools, "k")
    await deliver(tools, "k")
    assert len(providers.sent) == 1


async def test_what_is_longer_than_its_provider_takes_is_cut_before_it_is_kept(tools, providers):
    await draft(tools, replace(TWILIO, body="A sentence. " * 400))
    await deliver(tools, "k")
    assert providers.sent[0]["body"].endswith("A sentence. …")
    assert len(providers.sent[0]["body"]) <= 1600


@pytest.mark.parametrize("provider", ["twilio", "meta"])
@pytest.mark.parametrize("body", ["x" * 9000, "word " * 3000, "a. " + "b" * 9000, "שלום! " * 2000])
def test_a_text_of_any_form_fits(provider, body):
    cut = fit(body, provider)
    assert LONGEST[provider] // 2 <= len(cut) <= LONGEST[provider]
    assert body.startswith(cut.removesuffix(" …"))


@pytest.mark.parametrize(("sentence", "kept"), [(798, "word …"), (799, "x. …")])
def test_it_is_cut_after_a_sentence_only_where_that_keeps_half_of_it(sentence, kept):
    assert fit("x" * sentence + ". " + "word " * 400, "twilio").endswith(kept)


async def test_somebody_without_a_number_is_addressed_as_such(tools, providers):
    await draft(tools, replace(META, recipient="US.13491208655302741918"))
    await deliver(tools, "k")
    assert providers.sent[0]["to"] == "US.13491208655302741918"


@pytest.mark.parametrize(("message", "code"), [(TWILIO, 20003), (META, 190)])
async def test_a_refused_credential_is_told_of_the_channel_once(message, code, tools, providers):
    await draft(tools, message)
    answer = {"error": {"code": code}} if message is META else {"code": code}
    providers.faults += [httpx.Response(401, json=answer)] * 3
    with capture_events("INFO") as events:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await deliver(tools, "k")
    told = [(event.fields["channel"], event.fields["code"]) for event in events if event.event == "WHATSAPP_IMPAIRED"]
    assert told == [(message.provider, str(code))]


@pytest.mark.parametrize(
    ("message", "paid"),
    [
        (TWILIO, [("twilio whatsapp", 456, 0.005)]),
        (
            replace(TWILIO, sender="+97235550100", recipient="+972501234567", body="ש" * 71),
            [("twilio sms", 456, 0.0166)],
        ),
        (META, []),
    ],
)
async def test_a_message_that_was_sent_is_charged_once_and_metas_is_metas(message, paid, tools, providers):
    await draft(tools, message)
    await asyncio.gather(*(deliver(tools, "k") for _ in range(5)), return_exceptions=True)
    async with tools.engine.connect() as connection:
        rows = await connection.execute(text("SELECT name, business_id, round(cost::numeric, 4)::float FROM charges"))
        assert [tuple(row) for row in rows] == paid


@pytest.mark.parametrize(("message", "seconds"), [(TWILIO, 2 * 60), (META, 15 * 60)])
async def test_what_became_of_a_message_is_asked_every_ten_seconds_for_as_long_as_its_provider_may_still_tell(
    message, seconds, tools, providers
):
    await draft(tools, message)
    providers.faults.append(httpx.ReadTimeout("never"))
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, seconds=seconds - 30)
    with pytest.raises(Later) as caught:
        await deliver(tools, "k")
    assert caught.value.wait_s == 10
    await later(tools, seconds=30.5)
    with suppress(Unknown):
        await deliver(tools, "k")
    assert (await state(tools))[0] == ("sent" if message is TWILIO else "unknown")


@pytest.mark.parametrize(("behind_s", "found"), [(30, True), (31, False)])
async def test_twilios_clock_may_be_half_a_minute_behind_ours(behind_s, found, tools, providers):
    await draft(tools)
    await deliver(tools, "k")
    taken = parsedate_to_datetime(providers.sent[0]["date_created"])
    listed = await find_sent(tools, TWILIO, taken + timedelta(seconds=behind_s))
    assert listed == ([providers.sent[0]["sid"]] if found else [])


async def test_a_list_of_twilios_that_is_none_leaves_the_message_open(tools, providers, monkeypatch):
    await draft(tools)
    providers.fault_after_sending = httpx.ReadTimeout("never")
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    await later(tools, minutes=3)
    monkeypatch.setattr(tools.outbound, "request", answering(httpx.Response(200, json={"messages": None})))
    with pytest.raises(Unavailable, match="without a list"):
        await deliver(tools, "k")
    assert (await state(tools))[0] == "sending"


def answering(response):
    async def request(method, url, **_):
        response.request = httpx.Request(method, url)
        return response

    return request


@pytest.mark.parametrize("message", [TWILIO, META])
async def test_a_channel_that_takes_a_message_again_is_heard_of(message, tools, providers):
    clock = Clock()
    tools = replace(tools, connections=Connections(clock))
    await draft(tools, message)
    providers.faults.append(429)
    with pytest.raises(Unavailable):
        await deliver(tools, "k")
    clock.now += 61
    with capture_events("INFO") as events:
        await deliver(tools, "k")
    told = [(event.fields["status"], event.fields["channel"]) for event in events if event.event == "WHATSAPP_STATUS"]
    assert told == [("working", message.provider)]


@pytest.mark.parametrize(("provider", "longest"), [("twilio", 1600), ("meta", 4096)])
def test_a_text_is_cut_only_where_its_provider_would_refuse_it_and_to_no_less_than_that(provider, longest):
    assert fit("x" * longest, provider) == "x" * longest
    assert fit("x" * (longest + 1), provider) == "x" * (longest - 2) + " …"


async def test_only_what_may_be_asked_twice_is_asked_again_within_a_request(tools, providers):
    """A message whose answer was lost may have been taken; a list may be read again."""
    broken: list[httpx.Request] = []

    async def breaking(request):
        if request.method == "GET" and not broken:
            broken.append(request)
            return httpx.Response(500)
        return await providers(request)

    policy = Policy(patience=Patience(first_s=0.01, longest_s=0.01, total_s=0.1))
    async with Outbound(policy, transport=httpx.MockTransport(breaking)) as outbound:
        patient = replace(tools, outbound=outbound)
        for number, message in enumerate((TWILIO, META), 1):
            await draft(tools, message, message.provider)
            providers.fault_after_sending = httpx.ReadTimeout("never")
            with pytest.raises(Unavailable):
                await deliver(patient, message.provider)
            assert len(providers.sent) == number
        await deliver(patient, "twilio")
    assert (len(providers.sent), len(broken)) == (2, 1)


async def test_of_a_draft_that_is_gone_nothing_is_sent(tools, providers):
    """Its customer has been forgotten, say, since the job was queued."""
    await deliver(tools, "nobody's")
    assert providers.sent == []
