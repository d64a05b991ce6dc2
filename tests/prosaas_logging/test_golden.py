"""The guide's own example lines, to the character."""

import pytest

from prosaas_logging import catalogue
from prosaas_logging.events import AnyEvent, Event
from prosaas_logging.levels import DEBUG
from prosaas_logging.logger import get_logger
from prosaas_logging.record import Context
from prosaas_logging.render import TextRenderer
from prosaas_logging.settings import LogSettings

CALL = Context({"call_sid": "CA123", "business_id": "456"}, ("call_sid=CA123",))

GOLDEN = [
    (
        catalogue.CALL_START,
        {"direction": "inbound", "mode": "ai"},
        "[INFO] 🚀 [CALL_START] call_sid=CA123, business_id=456, direction=inbound",
    ),
    (
        catalogue.DB_CONTEXT,
        {"name": "דוד", "phone": "+972501234567"},
        "[INFO] ✅ [DB] נטען הקשר לקוח: name=דוד, phone=+972...",
    ),
    (catalogue.REALTIME_CONNECTED, {"ms": 234}, "[INFO] 🔌 [REALTIME] התחבר ל-OpenAI ב-234ms"),
    (catalogue.GREETING, {}, "[INFO] 🎤 [GREETING] מנגן ברכה"),
    (
        catalogue.TRANSCRIPT_CUSTOMER,
        {"text": "שלום, אני רוצה לתאם פגישה"},
        '[INFO] 💬 [TRANSCRIPT] לקוח: "שלום, אני רוצה לתאם פגישה"',
    ),
    (catalogue.RESPONSE_CREATED, {"response_id": "resp_123"}, "[INFO] 🤖 [RESPONSE_CREATED] response_id=resp_123"),
    (
        catalogue.TOOL_CALL,
        {"tool": "check_availability", "summary": "2024-01-25 14:00"},
        "[INFO] 📅 [TOOL_CALL] בדיקת זמינות: 2024-01-25 14:00",
    ),
    (
        catalogue.TOOL_RESULT,
        {"tool": "check_availability", "summary": "3 זמנים פנויים"},
        "[INFO] ✅ [TOOL_RESULT] 3 זמנים פנויים",
    ),
    (catalogue.TRANSCRIPT_AI, {"text": "יש לי זמינות ב..."}, '[INFO] 💬 [TRANSCRIPT] AI: "יש לי זמינות ב..."'),
    (
        catalogue.CALL_END,
        {"duration_s": 45, "reason": "customer_hangup", "turns": 3},
        "[INFO] 🔚 [CALL_END] משך=45s, סיבה=customer_hangup",
    ),
]
DEVELOPMENT = [
    (catalogue.TX_RESPONSE_START, {"response_id": "resp_12345"}, "[DEBUG] [TX_RESPONSE] start response_id=resp_12345"),
    (catalogue.TX_RESPONSE_END, {"response_id": "resp_12345"}, "[DEBUG] [TX_RESPONSE] end response_id=resp_12345"),
    (
        catalogue.AUDIO_DELTA,
        {"response_id": "resp_12345", "bytes": 320},
        "[DEBUG] [AUDIO_DELTA] response_id=resp_12345, bytes=320",
    ),
    (catalogue.WHATSAPP_SESSION, {"check": 45}, "[DEBUG] [WHATSAPP_SESSION] Check #45: Found 0 stale sessions"),
]


def line(event: Event[...], fields: dict[str, object], lang: str = "he") -> str:
    renderer = TextRenderer(LogSettings("prosaas-calls", lang=lang))
    record = (0.0, event.level, get_logger("test"), event, fields, None)
    return renderer.line(record, CALL).decode().rstrip("\n")


@pytest.mark.parametrize(("event", "fields", "expected"), [*GOLDEN, *DEVELOPMENT], ids=lambda value: str(value)[:20])
def test_a_line_begins_as_the_guide_shows_it(event: Event[...], fields: dict[str, object], expected: str) -> None:
    assert line(event, fields).startswith(expected)


def test_a_call_s_lines_end_with_its_id_unless_they_say_it_already() -> None:
    assert line(catalogue.GREETING, {}) == "[INFO] 🎤 [GREETING] מנגן ברכה · call_sid=CA123"
    assert line(catalogue.CALL_START, {"direction": "inbound", "mode": "ai"}).endswith(", mode=ai")


def test_english_says_the_same_in_english() -> None:
    assert line(catalogue.GREETING, {}, "en") == "[INFO] 🎤 [GREETING] playing the greeting · call_sid=CA123"
    assert line(catalogue.CALL_END, {"duration_s": 45, "reason": "customer_hangup"}, "en").startswith(
        "[INFO] 🔚 [CALL_END] duration=45s, reason=customer_hangup"
    )


def test_the_end_of_a_call_goes_on_with_its_metrics() -> None:
    fields: dict[str, object] = {"duration_s": 45.25, "reason": "customer_hangup", "turns": 3, "folded": None}
    assert line(catalogue.CALL_END, fields) == (
        "[INFO] 🔚 [CALL_END] משך=45.25s, סיבה=customer_hangup, turns=3 · call_sid=CA123"
    )


EVENTS = [value for value in vars(catalogue).values() if isinstance(value, Event)]


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_every_template_names_only_fields_that_the_event_declares(event: Event[...]) -> None:
    assert {*event.he[1::2], *event.en[1::2], *event.hidden, *event.speech, *event.labels} <= set(event.fields)
    assert event.doc.endswith(".")


def test_the_guide_s_silent_kinds_are_all_debug() -> None:
    silent: set[AnyEvent] = {
        catalogue.AUDIO_DELTA, catalogue.MEDIA_IN, catalogue.TX_RESPONSE_START, catalogue.TX_RESPONSE_END,
        catalogue.WATCHDOG, catalogue.WHATSAPP_SESSION, catalogue.RMS, catalogue.PAYLOAD_PREVIEW,
        catalogue.QUEUE_SIZE, catalogue.HEALTH_PING,
    }  # fmt: skip
    assert {event.level for event in silent} == {DEBUG}
