"""The story as text and as a page."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.ask import trace
from prosaas_ops.options import FINE, NOTHING, Usage
from prosaas_ops.screen import trace_page
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.records import Found, Job, Record
from prosaas_ops.stories.call import Entry, Story

CALL = "CA0123456789abcdef0123456789abcdef"


def story(**changes: Any) -> Story:
    record = Record(
        CALL, "456 מספרת דנה", "דוד", "inbound", "+972501234567", "+97235550100", "completed", None, None, 45.0,
        "customer_hangup", {"turns": 1, "first_audio_ms": 412, "spans": [[0, 1]]},
        [
            {"who": "customer", "text": "שלום", "at_ms": 1000, "until_ms": 2500},
            {"who": "ai", "text": "יש לי <זמינות>", "at_ms": 3000, "until_ms": 4000, "wait_ms": 2340,
             "interrupted": True},
        ],
        [], "נקבע תור", [Job("call.summarise", "queued", 2, None)],
    )  # fmt: skip
    entries = [
        Entry(100.0, "prosaas-calls", "call", "INFO", "CALL_START", f"call_sid={CALL}, direction=inbound", "🚀"),
        Entry(103.0, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", f'AI: "יש לי <זמינות>" · call_sid={CALL}', "💬"),
        Entry(104.0, "prosaas-calls", "error", "ERROR", "TOOL_FAILED", "x", "❌", ["  Traceback", "  <TimeoutError>"]),
        Entry(105.0, "worker", "container", "WARNING", "", "container die, exit code 137", origin="engine"),
        Entry(106.0, "prosaas-calls", "model", "INFO", "RESPONSE_DONE", "resp_1", "🏁", origin="record"),
    ]
    return Story(CALL, entries, changes.get("record", record), 100.0, changes.get("without_record", ""))


def test_the_text_tells_who_how_long_when_and_why(screen: Screen) -> None:
    text = "\n".join(trace.describe(story(), screen))
    for expected in (
        "inbound +972501234567 → +97235550100 · business 456 מספרת דנה · customer דוד",
        "ended customer_hangup after 45s · turns 1 · first audio 412 ms",
        "    +0.000  calls   🚀 [CALL_START] direction=inbound",
        "    +4.000  calls   ERROR ❌ [TOOL_FAILED] x",
        "                      <TimeoutError>",
        "    +5.000  worker  container die, exit code 137",
        "    +6.000  calls   🏁 [RESPONSE_DONE] resp_1  (record)",
        "2340 ms from the caller's last word to its first sound",
        "    +3.000  AI       יש לי <זמינות>  (interrupted)",
        "נקבע תור",
        "call.summarise  queued, attempt 2",
        f"next: make blackbox CALL={CALL}",
    ):
        assert expected in text
    assert "\x1b" not in text


def test_frame_by_frame_is_counted_and_shown_when_asked_for(screen: Screen) -> None:
    told = story()
    told.entries += [Entry(107.0 + at, "prosaas-calls", "detail", "DEBUG", "RMS", "rms=3") for at in range(50)]
    text = "\n".join(trace.describe(told, screen))
    assert "[RMS]" not in text
    assert "… 50 more below this level: LEVEL=DEBUG shows them" in text
    assert "\n".join(trace.describe(told, screen, "DEBUG")).count("[RMS]") == 50
    page = trace_page.render(told)
    assert 'id="k-detail">' in page
    assert page.count("<circle") == 4


def test_without_a_record_the_text_says_why(screen: Screen) -> None:
    live = "\n".join(trace.describe(story(record=None), screen))
    assert "no record yet" in live
    away = "\n".join(trace.describe(story(record=None, without_record="the database does not answer"), screen))
    assert "without the record: the database does not answer" in away


class Page(HTMLParser):
    """Collects what a page would fetch, and checks that every tag is closed."""

    VOID = ("meta", "input", "line", "rect", "circle", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_holds_everything_and_fetches_nothing() -> None:
    text = trace_page.render(story())
    page = Page()
    page.feed(text)
    assert (page.open, page.fetched) == ([], [])
    assert not re.search(r"<script|url\(|@import|http-equiv=\"refresh", text)
    assert "default-src 'none'" in text
    assert "&lt;TimeoutError&gt;" in text
    assert "<TimeoutError>" not in text


def test_the_page_draws_each_side_from_its_first_to_its_last_sound() -> None:
    spans = trace_page.activity(story())
    assert [(span.start, span.end) for span in spans["customer"]] == [(1.0, 2.5)]
    assert [(span.start, span.end, span.interrupted) for span in spans["ai"]] == [(3.0, 4.0, True)]


def test_a_call_without_a_record_still_makes_a_page() -> None:
    assert "no record yet" in trace_page.render(story(record=None))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The calls that were asked for; each has a story."""
    asked: list[str] = []

    def tell(engine: object, call_sid: str) -> Story:
        asked.append(call_sid)
        return story()

    monkeypatch.setattr(trace, "tell", tell)
    monkeypatch.chdir(tmp_path)
    return asked


def test_a_number_leads_to_its_newest_call_and_names_the_others(
    told: list[str], options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Found("CAnew", None, None, ""), Found("CAold", None, 75.0, "customer_hangup")]
    monkeypatch.setattr(trace, "calls_of", lambda phone: found)
    assert trace.run(options(PHONE="050-1234567")) == FINE
    assert told == ["CAnew"]
    assert re.search(r"1m15s +customer_hangup +make trace CALL=CAold", capsys.readouterr().out)


def test_a_number_without_calls_matches_nothing(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "calls_of", lambda phone: [])
    assert trace.run(options(PHONE="050-1234567")) == NOTHING


def test_neither_call_nor_number_is_wrong_usage(options: Any) -> None:
    with pytest.raises(Usage, match=r"CALL=CA… or PHONE="):
        trace.run(options())


def test_the_page_is_written_where_the_operator_finds_it(told: list[str], options: Any, tmp_path: Path) -> None:
    assert trace.run(options(CALL="CA1", OUT="html")) == FINE
    assert (tmp_path / "logs" / "trace-CA1.html").read_text().startswith("<!doctype html>")
