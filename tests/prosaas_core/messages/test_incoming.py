"""Each kind of WhatsApp message becomes what the customer said: the providers' documented payloads, and odd ones."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prosaas_core.messages.incoming import MAX_ID, MAX_TEXT, from_meta, from_twilio

SENDER = "16505551234"
CONTACTS = [{"profile": {"name": "Sheena Nelson"}, "wa_id": SENDER}]


def meta(kind: str, **parts: Any) -> dict[str, Any]:
    return {"from": SENDER, "id": "wamid.HBgL", "timestamp": "1705838400", "type": kind, kind: {}, **parts}


def twilio(**fields: str) -> dict[str, str]:
    return {
        "MessageSid": "SM1",
        "From": "whatsapp:+16505551234",
        "To": "whatsapp:+97235550100",
        "WaId": SENDER,
        "ProfileName": "Sheena Nelson",
        "Body": "",
        **fields,
    }


# What the customer said, by Meta's own examples.
SAID = [
    (meta("text", text={"body": "Does it come in another color?"}), "Does it come in another color?"),
    (meta("button", button={"payload": "NO_CALLS", "text": "Unsubscribe"}), "Unsubscribe"),
    (
        meta("interactive", interactive={"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}),
        "Yes",
    ),
    (
        meta(
            "interactive",
            interactive={
                "type": "list_reply",
                "list_reply": {"id": "ex", "title": "Priority Mail Express", "description": "Next Day to 2 Days"},
            },
        ),
        "Priority Mail Express (Next Day to 2 Days)",
    ),
    (
        meta(
            "interactive",
            interactive={"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": '{"day":"Sunday"}'}},
        ),
        'Sent {"day":"Sunday"}',
    ),
    (meta("image", image={"id": "1", "caption": "Taj Mahal", "mime_type": "image/jpeg"}), "[image] Taj Mahal"),
    (meta("video", video={"id": "1"}), "[video]"),
    (meta("document", document={"id": "1", "filename": "offer.pdf", "caption": "ours"}), "[document: offer.pdf] ours"),
    (meta("sticker", sticker={"id": "1", "animated": False}), "[sticker]"),
    (meta("audio", audio={"id": "1", "voice": True}), "[voice message]"),
    (
        meta(
            "location",
            location={"latitude": 37.4421, "longitude": -122.1615, "name": "Philz", "address": "101 Forest Ave"},
        ),
        "[location: Philz, 101 Forest Ave, 37.4421, -122.1615]",
    ),
    (meta("location", location={"latitude": 0, "longitude": 32.08}), "[location: 0, 32.08]"),
    (
        meta("contacts", contacts=[{"name": {"formatted_name": "Barbara"}, "phones": [{"phone": "+1 650 555"}]}]),
        "[contact: Barbara, +1 650 555]",
    ),
    (
        meta(
            "order",
            order={
                "text": "please today",
                "product_items": [
                    {"product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 30, "currency": "ILS"}
                ],
            },
        ),
        "[order: 2 x di9ozbzfi4 30 ILS] please today",
    ),
]
# What is kept for the owner to see, and answered by nobody.
NOTES = [
    (meta("reaction", reaction={"message_id": "wamid.1", "emoji": "👍"}), "[reaction: 👍]"),
    (meta("reaction", reaction={"message_id": "wamid.1"}), "[reaction]"),
    (meta("unsupported", errors=[{"code": 131051, "title": "Message type unknown"}]), "[unsupported]"),
    (meta("edit"), "[edit]"),
    (meta("revoke"), "[revoke]"),
    (meta("hologram"), "[hologram]"),
]


@pytest.mark.parametrize(("message", "said"), SAID, ids=[f"{m['type']}{n}" for n, (m, _) in enumerate(SAID)])
def test_a_message_of_metas_becomes_what_the_customer_said(message: dict[str, Any], said: str) -> None:
    incoming = from_meta(message, CONTACTS, to="100000000000456")
    assert incoming is not None
    assert (incoming.text, incoming.wants_answer) == (said, True)
    assert (incoming.sender, incoming.phone, incoming.name) == (SENDER, f"+{SENDER}", "Sheena Nelson")
    assert (incoming.provider, incoming.message_id, incoming.to) == ("meta", "wamid.HBgL", "100000000000456")
    assert incoming.sent_at == datetime(2024, 1, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("message", "note"), NOTES)
def test_what_nobody_expects_an_answer_to_is_kept_and_not_answered(message: dict[str, Any], note: str) -> None:
    incoming = from_meta(message, CONTACTS)
    assert incoming is not None
    assert (incoming.text, incoming.wants_answer) == (note, False)


@pytest.mark.parametrize(
    ("system", "moved_to"),
    [
        ({"type": "user_changed_number", "wa_id": "16505559999", "body": "Sheena changed"}, "16505559999"),
        ({"type": "user_changed_number", "new_wa_id": "16505559999"}, "16505559999"),
        ({"type": "user_changed_user_id", "user_id": "US.13491208655302741918"}, "US.13491208655302741918"),
        ({"type": "user_changed_number"}, None),
        ({"type": "customer_identity_changed", "wa_id": "16505559999"}, None),
    ],
)
def test_a_changed_number_says_who_the_customer_is_now(system: dict[str, str], moved_to: str | None) -> None:
    incoming = from_meta(meta("system", system=system))
    assert incoming is not None
    assert (incoming.moved_to, incoming.wants_answer) == (moved_to, False)


def test_somebody_who_hides_their_number_is_known_by_the_id_that_this_business_has_of_them() -> None:
    message = meta("text", text={"body": "hi"}, from_user_id="US.13491208655302741918")
    del message["from"]
    contacts = [{"profile": {"name": "Sheena"}, "user_id": "US.13491208655302741918"}]
    incoming = from_meta(message, contacts)
    assert incoming is not None
    assert (incoming.sender, incoming.phone, incoming.name) == ("US.13491208655302741918", None, "Sheena")


@pytest.mark.parametrize(
    "odd",
    [
        {"from": None},
        {"from": ""},
        {"from": "1" * 8000},
        {"from": "two words"},
        {"id": None},
        {"id": {"object": 1}},
        {"id": "x" * 8000},
        {"type": None},
        {"type": ["text"]},
        {"text": None},
        {"text": "a string"},
        {"text": {"body": 5}},
    ],
)
def test_what_has_no_sender_no_id_or_no_form_is_none_at_all(odd: dict[str, Any]) -> None:
    assert from_meta({**meta("text", text={"body": "hi"}), **odd}) is None


@pytest.mark.parametrize("contacts", [None, 5, "text", [None], [{}], [{"wa_id": SENDER}], [{"profile": "x"}], {}])
def test_a_broken_list_of_contacts_costs_the_name_alone(contacts: object) -> None:
    incoming = from_meta(meta("text", text={"body": "hi"}), contacts)
    assert incoming is not None
    assert (incoming.text, incoming.name) == ("hi", "")


@pytest.mark.parametrize("stamp", [None, "", "soon", "-5", "9" * 12, "9" * 400, {}, [], True, 1.5])
def test_a_time_that_no_calendar_has_is_none(stamp: object) -> None:
    incoming = from_meta(meta("text", text={"body": "hi"}, timestamp=stamp))
    assert incoming is not None
    assert incoming.sent_at is None


def test_what_postgres_cannot_hold_is_left_out_and_what_is_too_long_is_cut() -> None:
    incoming = from_meta(meta("text", text={"body": "a\0b\ud800c" + "x" * 10_000}))
    assert incoming is not None
    assert incoming.text.startswith("ab\ufffdc")
    assert len(incoming.text) <= MAX_TEXT


@pytest.mark.parametrize(("number", "said"), [(10**400, "1" + "0" * 400), (10**13, "1" + "0" * 13), (2.5, "2.5")])
def test_a_number_is_told_whatever_its_size(number: float, said: str) -> None:
    """One that no float holds was an error, which cost the whole batch."""
    odd = from_meta(meta("order", order={"product_items": [{"quantity": number, "product_retailer_id": "x"}]}))
    assert odd is not None
    assert odd.text == f"[order: {said} x x]"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from([message for message, _ in SAID + NOTES] + [meta("system")]), JSON, JSON)
def test_no_json_in_any_place_is_more_than_one_message_lost(
    message: dict[str, Any], part: object, contacts: object
) -> None:
    incoming = from_meta({**message, message["type"]: part}, contacts)
    assert incoming is None or isinstance(incoming.text, str)
    if incoming:
        incoming.text.encode()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (twilio(Body="Hello", MessageType="text"), "Hello"),
        (twilio(Body="Hello"), "Hello"),
        (twilio(MessageType="button", ButtonText="Yes", ButtonPayload="y", Body="y"), "Yes"),
        (twilio(MessageType="interactive", ListTitle="Sunday", ListId="sun"), "Sunday"),
        (
            twilio(MessageType="location", Latitude="32.08", Longitude="34.78", Label="Dana", Address="Allenby 1"),
            "[location: Dana, Allenby 1, 32.08, 34.78]",
        ),
        (twilio(Latitude="32.08", Longitude="34.78"), "[location: 32.08, 34.78]"),
        (twilio(MessageType="audio", NumMedia="1", MediaContentType0="audio/ogg"), "[voice message]"),
        (twilio(MessageType="image", NumMedia="1", MediaContentType0="image/jpeg", Body="look"), "[image] look"),
        (twilio(NumMedia="1", MediaContentType0="application/pdf"), "[document]"),
        (twilio(NumMedia="1", MediaContentType0="text/vcard"), "[contacts]"),
    ],
)
def test_a_form_of_twilios_becomes_what_the_customer_said(form: dict[str, str], said: str) -> None:
    incoming = from_twilio(form)
    assert (incoming.text, incoming.wants_answer) == (said, True)
    assert (incoming.sender, incoming.phone, incoming.name) == (SENDER, f"+{SENDER}", "Sheena Nelson")
    assert (incoming.message_id, incoming.to, incoming.sent_at) == ("SM1", "+97235550100", None)


@pytest.mark.parametrize("name", ["MessageSid", "WaId", "From", "ProfileName", "MessageType", "Body"])
def test_no_field_of_a_form_is_kept_longer_than_it_may_be(name: str) -> None:
    form = twilio(Body="Hello", **({"WaId": ""} if name == "From" else {})) | {name: "7" * 60_000}
    incoming = from_twilio(form)
    for kept in (incoming.message_id, incoming.sender, incoming.phone or "", incoming.name, incoming.kind):
        assert len(kept) <= MAX_ID
    assert len(incoming.text) <= MAX_TEXT


def test_a_reaction_through_twilio_is_kept_and_not_answered() -> None:
    incoming = from_twilio(twilio(MessageType="reaction", Body="👍"))
    assert (incoming.text, incoming.wants_answer) == ("[reaction: 👍]", False)


def test_a_sender_without_a_number_has_none() -> None:
    form = twilio(From="whatsapp:US.13491208655302741918")
    del form["WaId"]
    incoming = from_twilio(form)
    assert (incoming.sender, incoming.phone) == ("US.13491208655302741918", None)


@pytest.mark.parametrize("name", ["She\r\n[ERROR] ena", "\x1b]0;x\x07Sheena", "Sheena\u202e", "a\x9b" * 5000])
def test_a_customers_name_is_one_line_that_shows_as_it_reads(name: str) -> None:
    contacts = [{"profile": {"name": name}, "wa_id": SENDER}]
    for incoming in (
        from_meta(meta("text", text={"body": "hi"}), contacts),
        from_twilio(twilio(Body="hi", ProfileName=name)),
    ):
        assert incoming is not None
        assert incoming.name.isprintable()
        assert 0 < len(incoming.name) <= 200
