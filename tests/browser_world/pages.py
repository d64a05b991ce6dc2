"""The pages that commands write, on their worst day: long words, two alphabets, every kind of trouble."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from prosaas_ops.screen import budget_page, capture_page, trace_page
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, read
from prosaas_ops.stack.records import Record
from prosaas_ops.stories.call import Story
from prosaas_ops.stories.measured import Measured
from prosaas_ops.stories.moment import Entry

CALL = "CA0123456789abcdef0123456789abcdef"
START = datetime(2024, 1, 25, 14, 0, tzinfo=UTC).timestamp()
WEIRD = "<b id=x>&quot; " + "ארוך" * 40 + "A" * 300
TURNS = [
    {"who": "ai", "text": "שלום, הגעתם למספרת דנה. במה אפשר לעזור?", "at_ms": 200, "until_ms": 2600},
    {"who": "customer", "text": "אפשר תור ל-Dana ב-14:00?", "at_ms": 3000, "until_ms": 4600},
    {"who": "ai", "text": WEIRD, "at_ms": 5200, "until_ms": 7000, "interrupted": True, "wait_ms": 1800},
]
RECORD = Record(
    CALL, "456 מספרת דנה", "דוד", "inbound", "+972501234567", "+97235550100", "completed",
    datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + 60, UTC), 60.0, "model_unreachable",
    {"turns": 3, "barge_ins": 1, "first_audio_ms": 2356, "response_p95_ms": 1800, "errors": 2}, TURNS,
    [{"t_ms": 900, "level": "INFO", "event": "GREETING", "text": "מנגן ברכה"}], "נקבע תור ליום שלישי ב-14:00",
)  # fmt: skip


def story() -> Story:
    """A call in which each kind of moment comes."""
    said: list[Any] = [
        (0.0, "api", "call", "INFO", "VOICE_WEBHOOK", f"call_sid={CALL}", "📞"),
        (0.1, "calls", "call", "INFO", "CALL_START", f"call_sid={CALL}, business_id=456, direction=inbound", "🚀"),
        (0.2, "calls", "database", "INFO", "DB", "נטען הקשר לקוח: name=דוד, phone=+972...", "✅"),
        (0.3, "calls", "model", "INFO", "REALTIME", "התחבר ל-OpenAI ב-3ms", "🔌"),
        (0.4, "calls", "speech", "INFO", "TRANSCRIPT", f'AI: "{TURNS[0]["text"]}"', "💬"),
        (3.0, "calls", "speech", "INFO", "TRANSCRIPT", f'לקוח: "{TURNS[1]["text"]}"', "💬"),
        (4.0, "calls", "tool", "INFO", "TOOL_CALL", "בדיקת זמינות: 2024-01-25 14:00", "📅"),
        (4.1, "calls", "error", "ERROR", "TOOL_FAILED", f"בדיקת זמינות נכשל: {WEIRD}", "❌"),
        (5.0, "calls", "warning", "WARNING", "REALTIME", "החיבור נותק, קוד 1011", "⚠️"),
        (5.1, "calls", "detail", "DEBUG", "AUDIO_DELTA", "response_id=r, bytes=320", ""),
        (6.0, "calls", "other", "INFO", "MARK", "שורה אחרת", ""),
        (6.5, "calls", "around", "INFO", "DRAIN_START", "השירות נעצר", "🛑"),
        (7.0, "calls", "container", "WARNING", "", "container kill, SIGTERM", ""),
        (9.0, "worker", "job", "INFO", "JOB_DONE", "call.summarise הסתיים ב-34ms", "✅"),
    ]
    names = {"api": "prosaas-api", "calls": "prosaas-calls"}
    entries = [Entry(START + at, names.get(who, who), *rest) for at, who, *rest in said]
    entries[7].stack = ["  Traceback (most recent call last):", f"  TimeoutError: {'x' * 400}"]
    entries[5].wait = 1.8
    return Story(CALL, entries, RECORD, START)


def lines() -> list[Line]:
    """A minute of three services."""
    texts = [
        f"[INFO] 🚀 [CALL_START] call_sid={CALL}, business_id=456, direction=inbound",
        f"[INFO] 🔌 [REALTIME] התחבר ל-OpenAI ב-3ms · call_sid={CALL}",
        f"[ERROR] ❌ [TOOL_FAILED] {WEIRD} · call_sid={CALL}",
        "  Traceback (most recent call last):",
        f"  TimeoutError: {'x' * 400}",
        "[DEBUG] [AUDIO_DELTA] response_id=r, bytes=320",
        f"[INFO] 🔚 [CALL_END] משך=45s, סיבה=customer_hangup · call_sid={CALL}",
    ]
    raws = [
        RawLine(f"{datetime.fromtimestamp(START + at, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z", service, text)
        for service in ("prosaas-calls", "prosaas-api", "worker")
        for at, text in enumerate(texts)
    ]
    return sorted(read(raws), key=lambda line: line.stamp)


def budget() -> str:
    before, after = Measured("DEBUG", lines() * 40, [280, 290]), Measured("INFO", lines(), [28, 27])
    return budget_page.render(before, after)


def capture() -> str:
    return capture_page.render(lines(), [Happening(START + 3, "worker", "kill", "SIGTERM")])


def trace() -> str:
    return trace_page.render(story())


def live_trace() -> str:
    """Of a call that is up now and has no record yet."""
    told = replace(story(), record=None, live=True, started=time.time() - 8)
    return trace_page.render(told)


PAGES: dict[str, Callable[[], str]] = {"trace": trace, "live": live_trace, "capture": capture, "log budget": budget}
