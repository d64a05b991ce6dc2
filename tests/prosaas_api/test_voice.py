"""Twilio's voice webhooks: a signed call is led to prosaas-calls whatever happens around us."""

import asyncio
import re
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from twilio.request_validator import RequestValidator

from api_world import AUTH_TOKEN, PUBLIC_URL, CallsService, Client
from prosaas_api import bodies, intake, seats, twiml, voice
from prosaas_api.app import create_app
from prosaas_api.seats import Seats
from prosaas_api.voice import LOOKUP_S
from prosaas_core import queries
from prosaas_core.facts.simulated import is_simulated, new_call_sid
from prosaas_core.outward.twilio_calls import TwilioCalls
from prosaas_core.settings import Settings
from prosaas_core.stream_token import verify
from prosaas_core.tables import Business
from prosaas_core.tables import Call as TheCall
from prosaas_logging import capture_events

pytestmark = pytest.mark.postgres

PREVIEW = "PAYLOAD_PREVIEW"
CALL_SID = "CA" + "1" * 32
CALL = {"CallSid": CALL_SID, "From": "+972501234567", "To": "+97235550100", "CallStatus": "ringing"}


def document(response: httpx.Response) -> ElementTree.Element:
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    return ElementTree.fromstring(response.text)


async def test_a_call_is_led_to_a_media_stream_with_a_token_and_a_spoken_fallback(
    client: Client, settings: Settings
) -> None:
    with capture_events("INFO") as events:
        twiml = document(await client.twilio("/twilio/voice", CALL))
    assert [verb.tag for verb in twiml] == ["Connect", "Say"]
    stream = twiml.find("Connect/Stream")
    assert stream is not None
    assert stream.attrib == {
        "url": "wss://calls.example/media-stream",
        "statusCallback": f"{PUBLIC_URL}/twilio/stream",
        "statusCallbackMethod": "POST",
    }
    (parameter,) = stream
    assert parameter.get("name") == "token"
    claims = verify(settings.call_token_secret, str(parameter.get("value")))
    assert (claims.call_sid, claims.business_id) == (CALL_SID, 456)
    assert (claims.from_number, claims.to_number) == (CALL["From"], CALL["To"])
    assert twiml[1].get("language") == "he-IL"
    (event,) = events
    assert event.event == "VOICE_WEBHOOK"
    assert (event.fields["call_sid"], event.fields["business_id"]) == (CALL_SID, "456")


@pytest.mark.parametrize(("said", "waited"), [("8104.25", 8104), ("999.9", None), ("-7", None), ("1e9", None)])
async def test_a_webhook_for_which_the_front_door_had_to_ask_again_says_how_long_its_caller_has_waited(
    client: Client, said: str, waited: int | None
) -> None:
    with capture_events("INFO") as events:
        await client.twilio("/twilio/voice", CALL, headers={"X-Waited-Ms": said})
    assert [(event.event, event.fields.get("waited_ms")) for event in events] == [("VOICE_WEBHOOK", waited)]


@pytest.mark.parametrize("known", [True, False])
async def test_a_webhook_that_comes_again_leads_to_the_same_seat_while_that_is_there(
    settings: Settings, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """That seat alone can know whether the call has its stream already."""
    given = iter(["0a" * 6, "0b" * 6])
    monkeypatch.setattr(Seats, "take", lambda *_: next(given))
    monkeypatch.setattr(Seats, "knows", lambda _, name: known and bool(name))
    app, seats = create_app(settings), []
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        client = Client(http)
        for _ in range(2):
            stream = document(await client.twilio("/twilio/voice", CALL)).find("Connect/Stream")
            assert stream is not None
            seat = stream.attrib["url"].rpartition("/")[2]
            assert verify(settings.call_token_secret, str(stream[0].get("value"))).seat == seat
            seats.append(seat)
    assert seats == ["0a" * 6, "0a" * 6 if known else "0b" * 6]
    # A third finds it there, should that one go as well.
    async with engine.connect() as connection:
        assert await connection.scalar(select(TheCall.seat)) == seats[-1]


async def test_a_call_that_has_its_stream_is_led_to_no_other_seat(
    client: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own may be without a name and hold it still."""
    given = iter(["0a" * 6, "0b" * 6])
    monkeypatch.setattr(Seats, "take", lambda *_: next(given))
    monkeypatch.setattr(Seats, "knows", lambda *_: False)
    await client.twilio("/twilio/voice", CALL)
    await client.twilio("/twilio/stream", {"CallSid": CALL_SID, "StreamEvent": "stream-started", "StreamSid": "MZ1"})
    stream = document(await client.twilio("/twilio/voice", CALL)).find("Connect/Stream")
    assert stream is not None
    assert stream.attrib["url"].endswith("0a" * 6)


async def test_the_signature_is_that_of_the_public_address_whatever_the_proxy_calls_us(client: Client) -> None:
    behind = {"Host": "internal:8000", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "elsewhere"}
    document(await client.twilio("/twilio/voice", CALL, headers=behind))


@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": "bm90IGl0"}, {"X-Twilio-Signature": "é"}])
async def test_a_call_that_twilio_did_not_sign_is_refused_with_a_warning_without_content(
    client: Client, headers: dict[str, str], rows: Any
) -> None:
    encoded = {name.encode(): value.encode() for name, value in headers.items()}
    with capture_events("INFO") as events:
        response = await client.http.post("/twilio/voice", data=CALL, headers=encoded)
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert [(event.level, event.event) for event in events] == [("WARNING", "SIGNATURE_REJECTED")]
    assert "972501234567" not in str(events)
    assert await rows("SELECT count(*) FROM calls") == [(0,)]


async def test_a_signature_for_other_fields_or_by_another_token_is_refused(client: Client) -> None:
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{PUBLIC_URL}/twilio/voice", CALL)
    changed = await client.http.post(
        "/twilio/voice", data={**CALL, "To": "+97239999999"}, headers={"X-Twilio-Signature": signature}
    )
    assert changed.status_code == 403
    assert (await client.twilio("/twilio/voice", CALL, token="another")).status_code == 403


async def test_nobody_but_who_signs_for_twilio_names_a_call_simulated(client: Client, rows: Any) -> None:
    """A call's id is signed with the rest: it is exchanged for no other, and no other field says anything of it."""
    simulated = {**CALL, "CallSid": new_call_sid()}
    assert (await client.http.post("/twilio/voice", data=simulated)).status_code == 403
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{PUBLIC_URL}/twilio/voice", CALL)
    exchanged = await client.http.post("/twilio/voice", data=simulated, headers={"X-Twilio-Signature": signature})
    assert exchanged.status_code == 403
    assert await rows("SELECT count(*) FROM calls") == [(0,)]
    marked = {"Simulated": "1", "AccountSid": "AC" + "0" * 32, "SipHeader_X-CallSid": simulated["CallSid"]}
    document(await client.twilio("/twilio/voice", {**CALL, **marked, "From": f"sip:{simulated['CallSid']}@there"}))
    assert [is_simulated(call_sid) for (call_sid,) in await rows("SELECT call_sid FROM calls")] == [False]


async def test_a_number_of_no_business_hears_so(client: Client) -> None:
    with capture_events("INFO") as events:
        twiml = document(await client.twilio("/twilio/voice", {**CALL, "To": "+97239999999"}))
    assert [verb.tag for verb in twiml] == ["Say", "Hangup"]
    assert [event.event for event in events] == ["UNKNOWN_BUSINESS"]


async def test_a_replayed_webhook_is_the_same_one_call_and_gets_the_same_one_token(client: Client, rows: Any) -> None:
    answers = {(await client.twilio("/twilio/voice", CALL)).text for _ in range(3)}
    assert len(answers) == 1
    assert await rows("SELECT call_sid, status, from_number FROM calls") == [(CALL_SID, "ringing", "+972501234567")]


@pytest.mark.parametrize("status", ["completed", "no-answer", "failed"])
async def test_a_call_that_has_ended_is_hung_up_however_often_its_webhook_is_replayed(
    client: Client, status: str
) -> None:
    document(await client.twilio("/twilio/voice", CALL))
    await client.twilio("/twilio/status", {**CALL, "CallStatus": status})
    for _ in range(2):
        assert [verb.tag for verb in document(await client.twilio("/twilio/voice", CALL))] == ["Hangup"]


@pytest.mark.parametrize(("age_s", "told"), [(170, "Connect"), (181, "Hangup")])
async def test_a_webhook_replayed_three_minutes_after_its_call_began_is_hung_up(
    client: Client, engine: AsyncEngine, age_s: int, told: str
) -> None:
    document(await client.twilio("/twilio/voice", CALL))
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE calls SET started_at = now() - interval '{age_s} s'"))
    assert document(await client.twilio("/twilio/voice", CALL))[0].tag == told


@pytest.mark.parametrize(
    "moved",
    [
        {"CallSid": "CA123"},
        {"CallSid": CALL_SID + "From+972501234567"},
        {"CallSid": CALL_SID.replace("1", "g")},
        {"CallSid": "CA" + "1" * 31 + "\n"},
        {"From": ""} | {"To": "+97235550100From"},
        {"From": "+972501234567To+97235550100"},
        {"To": "+972" + "1" * 300},
        {"CallStatus": "ringingDirectioninbound"},
        {"From": "anonymous; DROP"},
        {"From": "*2700To+97235550100"},
    ],
)
async def test_a_signed_form_whose_fields_run_into_each_other_is_refused(
    client: Client, moved: dict[str, str], rows: Any
) -> None:
    assert (await client.twilio("/twilio/voice", {**CALL, **moved})).status_code == 422
    assert await rows("SELECT count(*) FROM calls") == [(0,)]


@pytest.mark.parametrize("second", [CALL["From"], "+972509999999"])
async def test_a_signed_form_that_says_a_field_twice_is_refused(client: Client, second: str, rows: Any) -> None:
    body = urlencode([*CALL.items(), ("From", second)]).encode()
    form = bodies.form(body, "twilio")
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{PUBLIC_URL}/twilio/voice", form)
    answer = await client.http.post("/twilio/voice", content=body, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 422
    assert await rows("SELECT count(*) FROM calls") == [(0,)]


@pytest.mark.parametrize("hidden", ["anonymous", "Restricted", "+266696687", "sip:anonymous@anonymous.invalid", ""])
async def test_a_caller_who_hides_their_number_is_led_on_and_is_no_customer(
    client: Client, hidden: str, rows: Any
) -> None:
    assert document(await client.twilio("/twilio/voice", {**CALL, "From": hidden}))[0].tag == "Connect"
    assert await rows("SELECT customer_id, from_number FROM calls") == [(None, hidden)]


@pytest.mark.parametrize("shown", ["*2700", "+*2700", "#31#0501234567", "1", "No Caller ID", "anonymous.invalid"])
async def test_a_caller_of_whom_something_else_than_a_number_is_shown_is_led_on_and_is_no_customer(
    client: Client, shown: str, rows: Any
) -> None:
    assert document(await client.twilio("/twilio/voice", {**CALL, "From": shown}))[0].tag == "Connect"
    assert (await client.twilio("/twilio/status", {**CALL, "From": shown, "CallStatus": "completed"})).is_success
    assert await rows("SELECT customer_id, from_number FROM calls") == [(None, shown)]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        # One of two that was killed is not heard of.
        ("draining", "no prosaas-calls takes new calls: all that answer are draining"),
        ("full", "prosaas-calls is full"),
    ],
)
async def test_while_prosaas_calls_takes_nobody_the_caller_waits_and_is_asked_back(
    client: Client, calls: CallsService, engine: AsyncEngine, state: str, why: str
) -> None:
    calls.status, calls.body = 503, {"status": state}
    async with engine.begin() as connection:
        await connection.execute(update(Business).values(transfer_number=None))
    path = "/twilio/voice"
    for attempt in (1, 2, 3):
        with capture_events("INFO") as events:
            twiml = document(await client.twilio(path, CALL))
        assert [verb.tag for verb in twiml] == ["Say", "Pause", "Redirect"]
        assert twiml[2].text == f"{PUBLIC_URL}/twilio/voice?attempt={attempt}"
        assert [(event.level, event.event) for event in events] == [("WARNING", "VOICE_REFUSED")]
        assert f"{why}, attempt={attempt}" in events[0].line
        path = f"/twilio/voice?attempt={attempt}"
    assert [verb.tag for verb in document(await client.twilio(path, CALL))] == ["Say", "Hangup"]


async def test_a_caller_who_waited_gets_through_once_there_is_room(client: Client) -> None:
    twiml = document(await client.twilio("/twilio/voice?attempt=2", CALL))
    assert twiml[0].tag == "Connect"


async def test_prosaas_calls_is_asked_once_for_calls_that_come_together(client: Client, calls: CallsService) -> None:
    callers = ({**CALL, "CallSid": f"CA{number:032x}"} for number in range(5))
    answers = await asyncio.gather(*(client.twilio("/twilio/voice", caller) for caller in callers))
    assert {document(answer)[0].tag for answer in answers} == {"Connect"}
    assert calls.asked == 1


async def test_without_the_database_a_call_still_gets_a_token_for_the_generic_greeting(
    settings: Settings, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = settings.model_copy(update={"database_url": f"postgresql://x:y@127.0.0.1:{unused_tcp_port}/none"})
    app = create_app(away)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        with capture_events("INFO") as events:
            twiml = document(await Client(http).twilio("/twilio/voice", CALL))
        monkeypatch.setattr(intake, "TOLD_ONCE_S", 0.1)
        assert (await Client(http).twilio("/twilio/status", CALL)).status_code == 503
    parameter = twiml.find("Connect/Stream/Parameter")
    assert parameter is not None
    assert verify(away.call_token_secret, str(parameter.get("value"))).business_id is None
    assert [(event.level, event.event) for event in events] == [
        ("WARNING", "DB_UNAVAILABLE"),
        ("INFO", "VOICE_WEBHOOK"),
    ]


async def test_a_database_that_hangs_keeps_a_caller_waiting_for_moments_only(
    client: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "LOOKUP_S", 0.2)
    async with engine.begin() as connection:
        await connection.execute(text("LOCK TABLE businesses IN ACCESS EXCLUSIVE MODE"))
        with capture_events("INFO") as events:
            assert document(await client.twilio("/twilio/voice", CALL))[0].tag == "Connect"
    assert [event.event for event in events] == ["DB_UNAVAILABLE", "VOICE_WEBHOOK"]
    assert events[0].fields["error"] == "no answer in time"


async def test_a_prosaas_calls_that_does_not_answer_keeps_a_caller_waiting_for_moments_only(
    client: Client, calls: CallsService
) -> None:
    calls.hold = True
    async with asyncio.timeout(LOOKUP_S):
        assert document(await client.twilio("/twilio/voice", CALL))[0].tag == "Connect"


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose way out is a proxy, which cannot lead inwards."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")


@pytest.mark.usefixtures("proxied")
async def test_prosaas_calls_is_asked_past_the_machines_own_proxy(client: Client, calls: CallsService) -> None:
    await client.twilio("/twilio/voice", CALL)
    assert calls.asked == 1


@pytest.mark.parametrize(("language", "spoken"), [("he", "he-IL"), ("en", "en-US")])
def test_what_is_said_without_the_agent_is_said_in_a_voice_of_its_language(language: str, spoken: str) -> None:
    (say,) = (node for node in ElementTree.fromstring(twiml.goodbye("give_up", language)) if node.tag == "Say")
    assert say.attrib["language"] == spoken


async def test_a_call_status_is_noted_once_however_often_it_is_told(client: Client, rows: Any) -> None:
    ended = {**CALL, "CallStatus": "completed", "CallDuration": "45", "Direction": "inbound"}
    with capture_events("INFO") as events:
        for _ in range(3):
            assert (await client.twilio("/twilio/status", ended)).status_code == 204
    assert [(event.event, event.fields["status"], event.fields["duration_s"]) for event in events] == [
        ("CALL_STATUS", "completed", 45.0)
    ]
    assert await rows("SELECT call_sid, business_id, status, duration_s FROM calls") == [
        (CALL_SID, 456, "completed", 45.0)
    ]


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/status", "/whatsapp/twilio"])
async def test_a_signed_form_without_its_fields_is_refused(client: Client, path: str) -> None:
    with capture_events("INFO") as events:
        response = await client.twilio(path, {"Nothing": "useful"})
    assert response.status_code == 422
    assert [event.event for event in events] == ["BODY_REJECTED"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (64 * 1024 + 1), 413),
        (b"\xff\xfe", 400),
        (b"no pairs", 400),
        (b"CallSid=%00", 400),
        (b"Call%00Sid=CA", 400),
        (b"&".join(b"a%d=1" % number for number in range(300)), 400),
        (b"CallSid=%ff", 400),
    ],
)
async def test_a_body_that_is_no_form_is_refused_with_a_warning_without_content(
    client: Client, body: bytes, status: int
) -> None:
    with capture_events("INFO") as events:
        response = await client.http.post("/twilio/voice", content=body, headers={"X-Twilio-Signature": "x"})
    assert response.status_code == status
    assert response.json()["status"] == status
    assert [(event.level, event.event) for event in events] == [("WARNING", "BODY_REJECTED")]
    assert "xxx" not in str(events)


async def test_a_body_that_lies_about_its_length_is_cut_off(client: Client) -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 8192

    response = await client.http.post("/twilio/voice", content=endless(), headers={"X-Twilio-Signature": "x"})
    assert response.status_code == 413


@pytest.mark.parametrize("outcome", ["busy", "no-answer", "failed", "canceled"])
async def test_a_caller_whose_transfer_nobody_took_goes_back_to_the_agent_who_knows_why(
    client: Client, settings: Settings, outcome: str
) -> None:
    with capture_events("INFO") as events:
        twiml = document(await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": outcome}))
    parameter = twiml.find("Connect/Stream/Parameter")
    assert parameter is not None
    claims = verify(settings.call_token_secret, str(parameter.get("value")))
    assert (claims.call_sid, claims.business_id, claims.returned) == (CALL_SID, 456, outcome)
    assert [(event.event, event.fields["status"]) for event in events] == [("TRANSFER_RESULT", outcome)]


async def test_a_caller_who_goes_back_to_the_agent_is_led_to_a_seat_that_is_noted(
    client: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another may take them over, should it go, though the part of the call before has its record."""
    await client.twilio("/twilio/voice", CALL)
    async with engine.begin() as connection:
        await connection.execute(update(TheCall).values(recorded_at=func.now(), seat="0a" * 6))
    monkeypatch.setattr(Seats, "take", lambda *_: "0b" * 6)
    document(await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": "busy"}))
    async with engine.connect() as connection:
        assert await connection.scalar(select(TheCall.seat)) == "0b" * 6


async def test_a_transfers_news_replayed_when_the_call_has_ended_opens_no_stream(client: Client) -> None:
    """Each stream is a session with the model, and is paid for."""
    document(await client.twilio("/twilio/voice", CALL))
    news = {**CALL, "DialCallStatus": "busy"}
    assert document(await client.twilio("/twilio/transferred", news))[0].tag == "Connect"
    await client.twilio("/twilio/status", {**CALL, "CallStatus": "completed"})
    assert [verb.tag for verb in document(await client.twilio("/twilio/transferred", news))] == ["Hangup"]


async def test_a_call_that_a_person_took_ends_with_them(client: Client) -> None:
    twiml = document(await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": "completed"}))
    assert not list(twiml)


async def test_a_caller_taken_back_from_a_machine_is_one_whom_nobody_answered(
    client: Client, settings: Settings
) -> None:
    twiml = document(await client.twilio("/twilio/transferred?outcome=machine", CALL))
    parameter = twiml.find("Connect/Stream/Parameter")
    assert parameter is not None
    assert verify(settings.call_token_secret, str(parameter.get("value"))).returned == "machine"


@pytest.mark.parametrize(
    ("who", "taken_back"), [("human", 0), ("unknown", 0), ("machine_start", 1), ("machine_end_beep", 1), ("fax", 1)]
)
async def test_a_caller_is_taken_back_from_a_machine_and_left_to_a_person(
    client: Client, app: FastAPI, monkeypatch: pytest.MonkeyPatch, who: str, taken_back: int
) -> None:
    taken: list[tuple[str, str]] = []

    async def take_back(self: TwilioCalls, call_sid: str, dialled: str) -> bool:
        taken.append((call_sid, dialled))
        return True

    monkeypatch.setattr(TwilioCalls, "take_back", take_back)
    child = {"CallSid": "CA" + "2" * 32, "AnsweredBy": who}
    response = await client.twilio(f"/twilio/answered-by?call={CALL_SID}", child)
    assert response.status_code == 204
    assert taken == [(CALL_SID, child["CallSid"])] * taken_back


@pytest.mark.parametrize("call", ["", "CA1", "../Messages", "CA" + "g" * 32])
async def test_only_the_id_of_a_call_is_taken_back(client: Client, call: str) -> None:
    child = {"CallSid": "CA" + "2" * 32, "AnsweredBy": "machine_start"}
    assert (await client.twilio(f"/twilio/answered-by?call={call}", child)).status_code == 422


@pytest.mark.parametrize("path", ["/twilio/transferred", f"/twilio/answered-by?call={CALL_SID}"])
async def test_only_twilio_tells_what_became_of_a_transfer(client: Client, path: str) -> None:
    assert (await client.http.post(path, data=CALL)).status_code == 403


@pytest.mark.parametrize("forwarder", ["+97235550199", "97235550199", "035550199"])
async def test_a_transfer_that_is_forwarded_back_to_us_is_not_taken(client: Client, forwarder: str) -> None:
    """The business forwards its own line to us: its phone rings for our transfer, and the caller would come round."""
    document(await client.twilio("/twilio/voice", CALL))
    again = {**CALL, "CallSid": "CA" + "2" * 32}
    forwarded = {**again, "ForwardedFrom": forwarder}
    assert [verb.tag for verb in document(await client.twilio("/twilio/voice", forwarded))] == ["Reject"]
    assert [verb.tag for verb in document(await client.twilio("/twilio/voice", again))] == ["Connect", "Say"]

    await client.twilio("/twilio/status", {**CALL, "CallStatus": "completed"})
    await client.twilio("/twilio/status", {**again, "CallStatus": "completed"})
    later = {**forwarded, "CallSid": "CA" + "3" * 32}
    assert [verb.tag for verb in document(await client.twilio("/twilio/voice", later))] == ["Connect", "Say"]


@pytest.mark.parametrize("hidden", ["anonymous", "+266696687", ""])
async def test_callers_who_hide_their_number_are_not_one_caller(client: Client, hidden: str) -> None:
    """One of them talks with us, while another rings the person, whose phone forwards to us."""
    document(await client.twilio("/twilio/voice", {**CALL, "From": hidden}))
    other = {**CALL, "From": hidden, "CallSid": "CA" + "2" * 32, "ForwardedFrom": "+97235550199"}
    assert [verb.tag for verb in document(await client.twilio("/twilio/voice", other))] == ["Connect", "Say"]


@pytest.mark.parametrize(
    ("reason", "verb"), [("customer_hangup", "Connect"), ("transferred", "Reject"), ("model_failed", "Reject")]
)
async def test_a_call_that_is_over_is_no_transfer_under_way(
    client: Client, engine: AsyncEngine, reason: str, verb: str
) -> None:
    """Our record says so, also where Twilio's word of it was lost; a person may still talk where one was rung."""
    document(await client.twilio("/twilio/voice", CALL))
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE calls SET recorded_at = now(), end_reason = '{reason}'"))
    again = {**CALL, "CallSid": "CA" + "2" * 32, "ForwardedFrom": "+97235550199"}
    assert document(await client.twilio("/twilio/voice", again))[0].tag == verb


async def test_a_transfer_that_is_forwarded_back_is_no_missed_call_and_no_call_under_way(
    client: Client, rows: Any
) -> None:
    document(await client.twilio("/twilio/voice", CALL))
    leg = {**CALL, "CallSid": "CA" + "2" * 32, "ForwardedFrom": "+97235550199"}
    document(await client.twilio("/twilio/voice", leg))
    assert await rows("SELECT end_reason FROM calls ORDER BY call_sid") == [(None,), ("forwarded_back",)]

    await client.twilio("/twilio/status", {**CALL, "CallStatus": "completed"})
    later = {**leg, "CallSid": "CA" + "3" * 32}
    assert document(await client.twilio("/twilio/voice", later))[0].tag == "Connect"


async def test_a_caller_who_was_put_through_is_not_missed_until_they_come_back_and_find_no_room(
    client: Client, calls: CallsService, rows: Any
) -> None:
    """The business is told of them then, once; who comes back to the agent has a call under way."""
    calls.status, calls.body = 503, {"status": "full"}
    assert document(await client.twilio("/twilio/voice?attempt=3", CALL))[0].tag == "Dial"
    assert await rows("SELECT end_reason FROM calls") == [("transferred",)]
    assert await rows("SELECT count(*) FROM pgqueuer") == [(0,)]
    for _ in range(2):
        answer = document(await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": "busy"}))
        assert [verb.tag for verb in answer] == ["Say", "Hangup"]
    assert await rows("SELECT end_reason FROM calls") == [("over_capacity",)]
    assert await rows("SELECT dedupe_key FROM pgqueuer") == [(f"business.tell:{CALL_SID}",)]


async def test_who_is_back_and_finds_no_room_waits_for_the_database_as_long_as_anybody_else(
    client: Client, calls: CallsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They listen to silence through both questions that are asked about them."""
    given, within = [], voice.answer_within

    async def noting(asked: Any, seconds: float) -> Any:
        given.append(seconds)
        return await within(asked, seconds)

    monkeypatch.setattr(voice, "answer_within", noting)
    calls.status, calls.body = 503, {"status": "full"}
    await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": "busy"})
    first, second = given
    assert second < first == LOOKUP_S


async def test_a_caller_who_was_put_through_and_is_back_with_the_agent_has_a_call_under_way(
    client: Client, engine: AsyncEngine, rows: Any
) -> None:
    """What our record says of a call that the agent handed over stays."""
    await client.twilio("/twilio/voice", CALL)
    for recorded, reason in (("NULL", None), ("now()", "transferred")):
        async with engine.begin() as connection:
            await connection.execute(text(f"UPDATE calls SET end_reason = 'transferred', recorded_at = {recorded}"))
        answer = document(await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": "busy"}))
        assert answer[0].tag == "Connect"
        assert await rows("SELECT end_reason FROM calls") == [(reason,)]


async def test_who_is_back_from_a_transfer_does_not_wait_for_their_record_to_be_stored(
    client: Client, settings: Settings, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.twilio("/twilio/voice", CALL)
    monkeypatch.setattr(voice, "LOOKUP_S", 20)
    async with engine.begin() as connection:
        await connection.execute(text("SELECT FROM calls FOR UPDATE"))
        async with asyncio.timeout(10):
            answer = document(await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": "busy"}))
    parameter = answer.find("Connect/Stream/Parameter")
    assert parameter is not None
    assert verify(settings.call_token_secret, str(parameter.get("value"))).business_id == 456


async def test_whom_we_put_through_is_noted_though_other_news_of_the_call_comes_at_the_same_moment(
    client: Client, calls: CallsService, engine: AsyncEngine, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passed over, they would be one who was missed, of whom the business is told."""
    monkeypatch.setattr(queries, "_LOCK_TIMEOUT_MS", 10_000)
    monkeypatch.setattr(seats, "FRESH_S", 0.0)
    await client.twilio("/twilio/voice", CALL)
    calls.status, calls.body = 503, {"status": "full"}
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE calls SET carrier_status = 'in-progress'"))
        putting_through = asyncio.create_task(client.twilio("/twilio/voice?attempt=3", CALL))
        await _waits_for_a_lock(rows)
    assert document(await putting_through)[0].tag == "Dial"
    assert await rows("SELECT end_reason, carrier_status FROM calls") == [("transferred", "in-progress")]


async def _waits_for_a_lock(rows: Any) -> None:
    async with asyncio.timeout(10):
        while not await rows(  # noqa: ASYNC110
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)


async def test_a_database_that_refuses_to_say_who_is_back_leaves_them_with_the_agent(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise ProgrammingError("UPDATE calls", {}, Exception("permission denied for table calls"))

    monkeypatch.setattr(queries, "note_ending", refused)
    with capture_events("INFO") as events:
        answer = document(await client.twilio("/twilio/transferred", {**CALL, "DialCallStatus": "busy"}))
    assert answer[0].tag == "Connect"
    assert [event.level for event in events] == ["INFO", "ERROR"]


async def test_a_caller_for_whom_there_is_no_room_is_put_through_to_a_person(
    client: Client, calls: CallsService, engine: AsyncEngine
) -> None:
    """After the last wait; a number that only leads back to us is not rung."""
    calls.status, calls.body = 503, {"status": "full"}
    for number, verb in (("+97235550199", "Dial"), (CALL["To"], "Say")):
        async with engine.begin() as connection:
            await connection.execute(update(Business).values(transfer_number=number))
        twiml = document(await client.twilio("/twilio/voice?attempt=3", CALL))
        assert twiml[0].tag == verb


@pytest.mark.parametrize("news", [{}, {"StreamEvent": ""}, {"StreamEvent": "x" * 500}])
async def test_news_of_a_stream_that_does_not_say_what_happened_is_refused(
    client: Client, news: dict[str, str]
) -> None:
    response = await client.twilio("/twilio/stream", {"CallSid": CALL["CallSid"], **news})
    assert response.status_code == 422


async def test_a_stream_that_could_not_be_opened_is_told(client: Client) -> None:
    """With the reason that Twilio gives; one that opened is no news."""
    with capture_events() as events:
        for news in ({"StreamEvent": "stream-started"}, {"StreamEvent": "stream-error", "StreamError": "31920"}):
            response = await client.twilio("/twilio/stream", {"CallSid": CALL["CallSid"], **news})
            assert response.status_code == 204
    assert [event.fields["error"] for event in events if event.event == "STREAM_FAILED"] == ["31920"]


async def test_a_stream_that_opened_is_noted_until_there_is_a_record(client: Client, engine: AsyncEngine) -> None:
    """So that a call whose machine went down with it is known from one that never came."""
    await client.twilio("/twilio/voice", CALL)

    async def told() -> Any:
        started = {"CallSid": CALL["CallSid"], "StreamEvent": "stream-started", "StreamSid": "MZ1"}
        await client.twilio("/twilio/stream", started)
        async with engine.begin() as connection:
            return await connection.scalar(select(TheCall.metrics))

    assert await told() == {"streamed": "MZ1"}
    async with engine.begin() as connection:
        await connection.execute(update(TheCall).values(recorded_at=func.now(), metrics={}))
    assert await told() == {}


async def test_what_twilio_asks_and_what_it_is_told_is_kept_in_outline(client: Client) -> None:
    """For DEBUG and the black box: the names of the fields and the verbs, no number, no token, no sentence."""
    with capture_events() as events:
        told = (await client.twilio("/twilio/voice", CALL)).text
    shown = {str(event.fields["type"]): str(event.fields["preview"]) for event in events if event.event == PREVIEW}
    assert '"CallSid": "<34>"' in shown["twilio"]
    assert "<Connect><Stream statusCallback=(" in shown["TwiML"]
    said = " ".join(shown.values())
    assert not [secret for secret in (*CALL.values(), "calls.example") if secret in said]
    assert max(re.findall(r'value="([^"]+)"', told), key=len) not in said
