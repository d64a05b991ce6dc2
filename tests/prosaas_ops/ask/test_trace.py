"""The story as text and as a page."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from prosaas_core.facts.call import CallFacts
from prosaas_ops.ask import trace
from prosaas_ops.options import FINE, NOTHING, Problem, Usage
from prosaas_ops.screen import trace_page
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.found import Calls, Row
from prosaas_ops.stack.messages import Message, Talk
from prosaas_ops.stack.records import Appointment, Away, Job, Record
from prosaas_ops.stories.call import Story
from prosaas_ops.stories.lasted import lasted
from prosaas_ops.stories.moment import Entry, place_speech

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
        [], "נקבע תור", [Job("call.summarise", "queued", 2, None)], version="1a2b3c4-dirty",
    )  # fmt: skip
    entries = [
        Entry(100.0, "prosaas-calls", "call", "INFO", "CALL_START", f"call_sid={CALL}, direction=inbound", "🚀"),
        Entry(
            103.0, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", f'AI: "יש לי <זמינות>" · call_sid={CALL}', "💬",
            interrupted=True, wait=2.34,
        ),
        Entry(104.0, "prosaas-calls", "error", "ERROR", "TOOL_FAILED", "x", "❌", ["  Traceback", "  <TimeoutError>"]),
        Entry(105.0, "worker", "container", "WARNING", "", "container die, exit code 137", origin="engine"),
        Entry(106.0, "prosaas-calls", "model", "INFO", "RESPONSE_DONE", "resp_1", "🏁", origin="record"),
    ]  # fmt: skip
    return Story(CALL, entries, changes.get("record", record), 100.0, changes.get("without_record", ""))


def test_the_text_tells_who_how_long_when_and_why(screen: Screen) -> None:
    text = "\n".join(trace.describe(story(), screen))
    for expected in (
        "inbound +972501234567 → +97235550100 · business 456 מספרת דנה · customer דוד",
        "✗ errors during the call: 1 (customer_hangup)",
        "UTC  45s · version 1a2b3c4-dirty",
        "  turns 1 · first sound 412 ms",
        "    +0.000  calls   🚀 [CALL_START] direction=inbound",
        "    +4.000  calls   ERROR ❌ [TOOL_FAILED] x",
        "                      <TimeoutError>",
        "    +5.000  worker  container die, exit code 137",
        "    +6.000  calls   🏁 [RESPONSE_DONE] resp_1  (record)",
        "2340 ms from the caller's last word to its first sound",
        '    +3.000  calls   💬 [TRANSCRIPT] AI: "יש לי <זמינות>"  (interrupted)',
        "נקבע תור",
        "call.summarise  queued, attempt 2",
        f"next: make trace CALL={CALL} OUT=html",
    ):
        assert expected in text
    assert "\x1b" not in text
    assert text.index("✗") < text.index("turns 1") < text.index("CALL_START")


def test_events_that_the_engine_has_forgotten_are_not_told_as_none(screen: Screen) -> None:
    told = story()
    told.events_from = datetime(2024, 1, 25, 14, 0, tzinfo=UTC).timestamp()
    assert (
        "container events 1 (the engine keeps only its last 256 events; these begin at 01-25 14:00 UTC)"
        in "\n".join(trace.describe(told, screen))
    )
    assert "256" not in "\n".join(trace.describe(story(), screen))


def test_a_terminal_of_80_columns_loses_nothing_of_the_heading_or_of_a_warning(
    paper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    told, terminal = story(), Screen(paper, terminal=True)
    assert told.record is not None
    told.record = replace(told.record, local_start=datetime(2026, 1, 1, 19, 3), timezone="Asia/Jerusalem")
    text = "no connection to OpenAI, attempt=1, and a good deal of what else there is to say, error=closed with 1011"
    told.entries.append(Entry(103.5, "prosaas-calls", "warning", "WARNING", "REALTIME", text, "🔁"))
    terminal.say(*trace.describe(told, terminal))
    whole = " ".join(paper.text.replace("\u2068", "").replace("\u2069", "").split())
    assert "(19:03 Asia/Jerusalem) 45s · version 1a2b3c4-dirty" in whole
    assert "error=closed with 1011" in whole
    assert "…" not in whole


def test_what_was_said_stands_once(screen: Screen) -> None:
    assert "\n".join(trace.describe(story(), screen)).count("<זמינות>") == 1


def test_the_recorder_is_offered_only_where_it_has_an_answer(screen: Screen) -> None:
    told = story()
    assert "make blackbox" not in trace.describe(told, screen)[-1]
    told.entries.append(Entry(107.0, "prosaas-calls", "warning", "WARNING", "BLACKBOX_WRITTEN", "9 records"))
    assert f"make blackbox CALL={CALL}" in trace.describe(told, screen)[-1]


def test_a_call_that_ended_as_it_should_says_so_first(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(told.record, transcript=[])
    told.entries = [entry for entry in told.entries if entry.kind == "call"]
    assert "✓ the caller hung up (customer_hangup)" in trace.describe(told, screen)


def test_a_live_call_is_live_whatever_the_webhook_wrote_of_it(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(told.record, end_reason="", status="ringing", metrics={})
    told.live = True
    text = "\n".join(trace.describe(told, screen))
    assert "● the call is live since 00:01:40 UTC, sentences so far: 1" in text
    assert "ringing" not in text
    assert f"make logs CALL={CALL}" in text


def test_a_live_call_and_its_version_are_told_in_the_operators_language(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_LANG", "he")
    told = story()
    assert told.record is not None
    told.record = replace(told.record, end_reason="", status="ringing", metrics={})
    told.live = True
    first, _, verdict, *_ = trace.describe(told, screen)
    assert first.endswith(" · גרסה 1a2b3c4-dirty")
    assert verdict.endswith("מאז 00:01:40 UTC, משפטים עד כה: 1")
    told.live = None
    assert trace.describe(told, screen)[2].endswith("משפטים עד כה: 1, ככל הידוע: prosaas-calls אינו מדווח")


def test_a_call_that_never_reached_us_says_why_it_may_be(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(told.record, end_reason="", metrics={}, transcript=[], events=[])
    told.entries = [Entry(100.0, "prosaas-api", "call", "INFO", "VOICE_WEBHOOK", f"call_sid={CALL}", "📞")]
    text = "\n".join(trace.describe(told, screen))
    assert "✗ no audio stream ever came" in text
    assert "CALLS_PUBLIC_URL" in text
    assert "next: make logs S=calls GREP=" in text


def test_who_was_turned_away_reads_why_after_the_call_was_found_missed_too(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    text = "prosaas-calls is draining, attempt 3"
    told.entries = [Entry(100.0, "prosaas-api", "warning", "WARNING", "VOICE_REFUSED", text, "⛔")]
    for ended in ("", "missed"):
        told.record = replace(told.record, end_reason=ended, metrics={}, transcript=[], events=[])
        assert any(
            row.startswith(f"✗ the call was turned away before it began: {text}")
            for row in trace.describe(told, screen)
        )
    told.record = replace(told.record, end_reason="transferred")
    rows = trace.describe(told, screen)
    assert any(row.startswith("✗ it never reached the agent: no prosaas-calls took new calls") for row in rows)
    assert not any("turned away" in row for row in rows)
    told.record = replace(told.record, metrics={"turns": 3}, events=[])
    told.entries = []
    assert "✓ the call was transferred to a person (transferred)" in trace.describe(told, screen)


def test_a_call_to_a_number_of_no_business_says_which_and_what_gives_it_one(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(told.record, business="", end_reason="", metrics={}, transcript=[], events=[])
    told.entries = [
        Entry(
            100.0, "prosaas-api", "warning", "WARNING", "UNKNOWN_BUSINESS",
            "no business has the number, to_number=+972... · request_id=r1", "❓",
        )
    ]  # fmt: skip
    rows = trace.describe(told, screen)
    assert "✗ no business has the number +97235550100 (status completed)" in rows
    assert rows[-1].startswith("next: make go-live PHONE=+97235550100 · ")
    told.record = None
    assert "✗ no business has the number +972..." in trace.describe(told, screen)


def test_a_pause_and_a_slow_greeting_have_rows_of_their_own(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(
        told.record,
        metrics={"first_audio_ms": 2356},
        transcript=[
            {"who": "ai", "text": "שלום", "at_ms": 2356, "until_ms": 4000},
            {"who": "customer", "text": "שלום", "at_ms": 52800, "until_ms": 53000},
        ],
    )
    told.entries[1] = Entry(102.4, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", 'AI: "שלום"', "💬")
    told.entries.insert(0, Entry(99.5, "prosaas-api", "call", "INFO", "VOICE_WEBHOOK", f"call_sid={CALL}", "📞"))
    text = "\n".join(trace.describe(told, screen))
    assert "┄┄ 48.8 s nothing said, nothing heard ┄┄" in text
    assert "└ 2856 ms from the first webhook to the greeting's first sound" in text
    assert "  the greeting came after 2856 ms" in text


def test_what_the_agent_claimed_after_a_refusal_is_the_verdict(screen: Screen) -> None:
    told = story()
    told.entries = [
        Entry(101.0, "prosaas-calls", "tool", "INFO", "TOOL_REFUSED", "העסק סגור בשעה הזאת", "↩️"),
        Entry(102.0, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", 'AI: "קבעתי לך תור ליום שלישי."', "💬"),
    ]
    text = "\n".join(trace.describe(told, screen))
    assert "✗ the agent said it was done, and no tool had done it: “קבעתי לך תור ליום שלישי”" in text
    assert "✅" not in text
    told.entries.insert(1, Entry(101.5, "prosaas-calls", "tool", "INFO", "TOOL_RESULT", "נקבע 08.12 14:00", "✅"))
    assert "the agent said it was done" not in "\n".join(trace.describe(told, screen))


def test_why_the_model_was_lost_is_in_the_verdict(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(told.record, end_reason="model_failed", transcript=[])
    text = f"no connection to OpenAI, attempt=1, error=closed with 1011 · call_sid={CALL}"
    told.entries = [Entry(103.0, "prosaas-calls", "warning", "WARNING", "REALTIME", text, "🔁")]
    assert any(
        row.startswith("✗ the model failed in the middle of the call: closed with 1011")
        for row in trace.describe(told, screen)
    )


def test_dead_air_at_the_end_and_a_transfer_that_nobody_took_are_troubles(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.entries = [entry for entry in told.entries if entry.kind == "call"]
    told.record = replace(
        told.record, transcript=[{"who": "customer", "text": "יש תור?", "at_ms": 27000, "until_ms": 29000}]
    )
    assert "✗ the caller's last words got no answer for 16000 ms, to the end of the call" in "\n".join(
        trace.describe(told, screen)
    )
    told.record = replace(told.record, transcript=[])
    told.entries.append(
        Entry(104.0, "prosaas-api", "call", "INFO", "TRANSFER_RESULT", "תוצאת ההעברה לנציג, status=no-answer", "📲")
    )
    assert "✗ the caller asked for a person, and none took the call: no-answer" in "\n".join(
        trace.describe(told, screen)
    )


def test_an_answer_that_was_slow_is_the_verdict_however_slow_the_business_usually_is(screen: Screen) -> None:
    told = story()
    told.entries = [entry for entry in told.entries if entry.kind in ("call", "speech")]
    verdict = "✗ the slowest answer came after 2340 ms: no tool ran in it, it was the model's time (customer_hangup)"
    assert verdict in trace.describe(told, screen)


def test_the_calendar_of_now_stands_beside_what_was_promised(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    booked = Appointment(datetime(2026, 12, 8, 14), "cancelled", "תספורת", CALL)
    told.record = replace(told.record, appointments=[booked])
    text = "\n".join(trace.describe(told, screen))
    assert "calendar now: 2026-12-08 14:00 cancelled, by this call · תספורת" in text


def test_a_summary_is_the_models_word_and_the_record_is_named_where_it_says_otherwise(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    rows = trace.describe(told, screen)
    assert "Summary, in the model's own words" in rows
    disputed = "  by the record no tool of this call booked, moved or cancelled anything or took a message"
    assert any(row.startswith(disputed) for row in rows)
    assert "לפי הרשומה אף כלי לא קבע" in trace_page.render(told, "he")
    booked = Appointment(datetime(2026, 12, 8, 14), "booked", "", CALL)
    agreeing: list[dict[str, Any]] = [
        {"metrics": {"deeds": [{"tool": "cancel_appointment", "id": 3}]}},
        {"appointments": [booked]},
        {"summary": "הלקוח שאל על מחיר; לא נקבע תור."},
    ]
    for changes in agreeing:
        agreed = replace(told, record=replace(told.record, **changes))
        assert not any(row.startswith(disputed) for row in trace.describe(agreed, screen))
        assert "לפי הרשומה" not in trace_page.render(agreed, "he")


def test_whose_call_booked_what_the_calendar_says_is_told(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    at = datetime(2026, 12, 8, 14)
    told.record = replace(
        told.record, appointments=[Appointment(at, "booked", "", "CAother"), Appointment(at, "booked", "צבע", "")]
    )
    text = "\n".join(trace.describe(told, screen))
    assert "calendar now: 2026-12-08 14:00 booked, not by this call: make trace CALL=CAother" in text
    assert "calendar now: 2026-12-08 14:00 booked, not by a call · צבע" in text


def test_a_caller_who_was_not_understood_at_all_is_the_verdict(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    lost = {"who": "customer", "text": "", "at_ms": 1000, "until_ms": 2500, "transcribed": False}
    told.record = replace(told.record, transcript=[lost, {"who": "ai", "text": "x", "at_ms": 3000, "until_ms": 4000}])
    told.entries = [entry for entry in told.entries if entry.kind == "call"]
    assert "✗ what the caller said was not written down, times: 1 (customer_hangup)" in trace.describe(told, screen)


def test_of_a_caller_who_was_forgotten_no_fault_is_told_and_no_tick(screen: Screen) -> None:
    """As `make forget` leaves the record; the lines may be there for a while."""
    told = story()
    assert told.record is not None
    erased: dict[str, Any] = {"from_number": "", "to_number": "", "customer": "", "transcript": [], "summary": ""}
    told.entries = [entry for entry in told.entries if entry.kind == "call"]
    told.record = replace(told.record, **erased)
    assert "· the caller hung up; who called was forgotten (customer_hangup)" in trace.describe(told, screen)
    # One that never reached us.
    told.record, told.entries = replace(told.record, end_reason="", metrics={}), []
    assert "· who called was forgotten (status completed)" in trace.describe(told, screen)
    assert "זרם השמע" not in trace_page.render(told, "he")


def test_of_a_live_calls_lines_no_pause_is_told(screen: Screen) -> None:
    """They are written when the words are known, which is not when they were spoken."""
    told = story(record=None)
    told.live = True
    told.entries.append(
        Entry(140.0, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", f'לקוח: "כן" · call_sid={CALL}', "💬")
    )
    assert "nothing heard" not in "\n".join(trace.describe(told, screen))


def test_a_summary_of_a_caller_who_said_nothing_is_not_told(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(told.record, transcript=[{"who": "ai", "text": "שלום", "at_ms": 0}])
    text = "\n".join(trace.describe(told, screen))
    assert "נקבע תור" not in text
    assert "no summary" in text


def test_frame_by_frame_is_counted_and_shown_when_asked_for(screen: Screen) -> None:
    told = story()
    told.entries += [Entry(107.0 + at, "prosaas-calls", "detail", "DEBUG", "RMS", "rms=3") for at in range(50)]
    text = "\n".join(trace.describe(told, screen))
    assert "[RMS]" not in text
    assert "… 50 more below this level: LEVEL=DEBUG shows them" in text
    assert "\n".join(trace.describe(told, screen, "DEBUG")).count("[RMS]") == 50
    page = trace_page.render(told)
    assert 'id="k-detail">' in page
    assert page.count("moment k-") == 4


def test_without_a_record_the_text_says_why(screen: Screen) -> None:
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


def test_a_turn_of_nobody_known_is_drawn_as_the_callers_as_it_is_told() -> None:
    told = story()
    assert told.record is not None
    told.record.transcript.append({"who": "operator", "text": "x", "at_ms": 5000, "until_ms": 6000})
    assert [span.start for span in trace_page.activity(told)["customer"]] == [1.0, 5.0]
    assert trace_page.render(told)


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


def found(*calls: tuple[str, int, str]) -> Calls:
    """Calls of a number: id, hours since midnight, reason."""
    rows = [
        Row(CallFacts(call_sid, reason), datetime(2026, 11, 25, hour, tzinfo=UTC), 75.0, "+972501234567")
        for call_sid, hour, reason in calls
    ]
    return Calls(rows, len(rows), 0, 0)


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = found(("CAnew", 14, ""), ("CAmid", 12, "model_unreachable"), ("CAold", 9, "customer_hangup"))
    monkeypatch.setattr(trace, "calls_of", lambda *_: calls)


@pytest.fixture(autouse=True)
def nobody_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "live_ids", lambda engine: ())
    monkeypatch.setattr(trace, "talk_of", lambda phone: None)


@pytest.mark.parametrize("calls", [1, 2])
def test_who_called_and_wrote_is_listed_with_both_and_a_way_to_each(
    told: list[str], options: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """The complaint may be about either."""
    asked_at = datetime(2026, 11, 25, 13, tzinfo=UTC)
    message = Message("wamid.1", "in", "שלום", "received", "", asked_at, waits=True)
    talk = Talk(3, "meta", "open", "456 x", "דוד", "972501234567", "Asia/Jerusalem", [message], [], [])
    monkeypatch.setattr(trace, "talk_of", lambda phone: talk)
    monkeypatch.setattr(trace, "calls_of", lambda *_: found(*(("CAa", 9, ""), ("CAb", 8, ""))[:calls]))
    assert trace.run(options(PHONE="050-1234567")) == FINE
    assert told == []
    said = capsys.readouterr().out
    assert re.search(r"^WhatsApp  11-25 15:00:00  messages waiting for an answer: 1", said, re.MULTILINE)
    assert "next: make trace PHONE=+972501234567 N=1 · make trace MESSAGE=wamid.1" in said


@pytest.mark.usefixtures("three")
def test_a_number_with_several_calls_lists_them_and_tells_none_of_them(
    told: list[str], options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace.run(options(PHONE="050-1234567")) == FINE
    assert told == []
    said = capsys.readouterr().out
    assert re.search(r"^  2  11-25 14:00:00  CAmid +\S+ ago +1m15s  the model could not be", said, re.M)
    assert re.search(r"^  3  11-25 11:00:00  CAold +\S+ ago +1m15s  the caller hung up$", said, re.MULTILINE)
    assert "next: make trace PHONE=+972501234567 N=1" in said


def ending_alike(*numbers: str) -> Calls:
    at = datetime(2026, 11, 25, 9, tzinfo=UTC)
    rows = [Row(CallFacts(f"CA{place}", ""), at, 75.0, number, "+97235550100") for place, number in enumerate(numbers)]
    return Calls(rows, len(rows), 0, 0)


@pytest.mark.parametrize("typed", ["4567", "…4567"])
def test_of_several_numbers_with_one_end_each_is_listed_with_a_command_of_its_own(
    told: list[str], options: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr(trace, "calls_of", lambda *_: ending_alike("+972501234567", "+972529994567"))
    assert trace.run(options(PHONE=typed)) == FINE
    assert told == []
    said = capsys.readouterr().out
    assert "calls from or to …4567, newest first" in said
    assert re.search(r"^  2  .* 1m15s  \+972529994567  ", said, re.MULTILINE)
    commands = "make trace PHONE=…4567 N=1 · make trace PHONE=+972501234567 · make trace PHONE=+972529994567"
    assert f"next: {commands}" in said


def test_the_end_of_one_number_alone_is_that_number(
    told: list[str], options: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "calls_of", lambda *_: ending_alike("+972501234567", "+972501234567"))
    assert trace.run(options(PHONE="4567")) == FINE
    assert "next: make trace PHONE=+972501234567 N=1\n" in capsys.readouterr().out
    monkeypatch.setattr(trace, "calls_of", lambda *_: ending_alike("+972501234567"))
    assert trace.run(options(PHONE="4567")) == FINE
    assert told == ["CA0"]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("words", "call_sid"), [({"N": "2"}, "CAmid"), ({"AT": "2026-11-25T11:40"}, "CAold"), ({"N": "1"}, "CAnew")]
)
def test_one_of_them_is_told_by_its_number_or_its_time(
    told: list[str], options: Any, words: dict[str, str], call_sid: str
) -> None:
    assert trace.run(options(PHONE="050-1234567", **words)) == FINE
    assert told == [call_sid]


@pytest.mark.usefixtures("three")
def test_a_call_that_is_far_from_the_moment_asked_for_says_how_far(
    told: list[str], options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace.run(options(PHONE="050-1234567", AT="2026-11-25T14:40Z")) == FINE
    assert told == ["CAnew"]
    assert "the call nearest to 11-25 16:40 is of 11-25 16:00 (Asia/Jerusalem), 40m apart" in capsys.readouterr().err
    # Hours away it is another call: all are listed.
    assert trace.run(options(PHONE="050-1234567", AT="2026-11-25T21:00Z")) == FINE
    assert told == ["CAnew"]
    said = capsys.readouterr()
    assert "7h apart" in said.err
    # By the clock by which AT= is read.
    assert "newest first; times are those of Asia/Jerusalem" in said.out
    assert "  1  11-25 16:00:00" in said.out
    trace.run(options(PHONE="050-1234567", AT="2026-11-25T14:10Z"))
    assert capsys.readouterr().err == ""


def test_a_call_of_long_ago_is_found_by_its_time_among_very_many(
    told: list[str], options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a business has hundreds of calls since."""
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    every = found(*((f"CA{hour}", hour, "") for hour in range(23, 0, -1))).rows

    def calls_of(phone: str, since: datetime | None, live: Any, until: datetime | None = None) -> Calls:
        rows = [row for row in every if (since or first) <= row.started_at < (until or last)]
        return Calls(rows if until else rows[:2], len(rows), 0, 0)

    monkeypatch.setattr(trace, "calls_of", calls_of)
    assert trace.run(options(PHONE="050-1234567", AT="2026-11-25T09:10Z")) == FINE
    assert trace.run(options(PHONE="050-1234567", AT="2026-11-25T09:20Z", SINCE="2026-11-25T09:30")) == FINE
    assert told == ["CA9", "CA10"]


def test_nine_digits_are_searched_as_the_ending_of_any_countrys_number(
    options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(trace, "calls_of", lambda phone, *_: asked.append(phone) or found())
    monkeypatch.setattr(trace, "tell_message", lambda engine, phone: asked.append(phone))
    assert trace.run(options(PHONE="911123456")) == NOTHING
    assert asked == ["911123456", "911123456"]


def test_a_number_that_lacks_a_digit_says_so(
    options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trace, "calls_of", lambda *_: found())
    monkeypatch.setattr(trace, "tell_message", lambda engine, phone: None)
    for phone, missing in (("050123456", True), ("+97250123456", True), ("0501234567", False), ("031234567", False)):
        assert trace.run(options(PHONE=phone)) == NOTHING
        assert (f"{phone} is no whole number, digits missing: 1" in capsys.readouterr().err) is missing


@pytest.mark.usefixtures("three")
def test_a_number_that_the_list_does_not_have_is_wrong_usage(told: list[str], options: Any) -> None:
    with pytest.raises(Usage, match="N=4, and the list has 3"):
        trace.run(options(PHONE="050-1234567", N="4"))


def test_a_number_with_one_call_leads_to_it(told: list[str], options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "calls_of", lambda *_: found(("CAonly", 9, "")))
    assert trace.run(options(PHONE="050-1234567")) == FINE
    assert told == ["CAonly"]


def test_a_number_without_calls_matches_nothing_and_says_where_else_to_look(
    options: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trace, "calls_of", lambda *_: found())
    monkeypatch.setattr(trace, "tell_message", lambda engine, phone: None)
    assert trace.run(options(PHONE="050-1234567")) == NOTHING
    assert "make logs S=api,gateway LEVEL=WARNING SINCE=2h" in capsys.readouterr().err


def test_a_database_that_is_away_leaves_what_the_lines_can_tell(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> Calls:
        raise Away("the database does not answer")

    monkeypatch.setattr(trace, "calls_of", away)
    with pytest.raises(Problem, match=r"does not answer\. What the lines .*: make errors, make logs, make trace CALL="):
        trace.run(options(PHONE="050-1234567"))


def test_neither_call_nor_number_is_wrong_usage(options: Any) -> None:
    with pytest.raises(Usage, match=r"CALL=CA… or PHONE="):
        trace.run(options())


def test_the_page_is_written_where_the_operator_finds_it(told: list[str], options: Any, tmp_path: Path) -> None:
    assert trace.run(options(CALL=CALL, OUT="html")) == FINE
    assert (tmp_path / "logs" / f"trace-{CALL}.html").read_text().startswith("<!doctype html>")


def test_a_page_that_the_disk_does_not_hold_is_none(
    told: list[str], options: Any, tmp_path: Path, full_disk: None
) -> None:
    with pytest.raises(OSError, match="File too large"):
        trace.run(options(CALL=CALL, OUT="html"))
    assert list((tmp_path / "logs").iterdir()) == []


def test_the_time_line_ends_a_little_after_the_call_whatever_the_log_says_later_of_it() -> None:
    """Thirty seconds after the call its repeated lines are counted."""
    told = story()
    told.entries[-1:] = [
        Entry(106.0, "prosaas-calls", "call", "INFO", "CALL_END", "סיבה=customer_hangup", "🔚"),
        Entry(136.0, "prosaas-calls", "warning", "WARNING", "REPEATED", "count=2", "🔁"),
    ]
    ticks = [int(found) for found in re.findall(r'text-anchor="middle">(\d+)s<', trace_page.render(told))]
    assert ticks[-1] in range(6, 12)


def test_a_page_says_the_ending_in_its_own_language_and_what_it_cost_to_a_tenth_of_a_cent() -> None:
    told = story()
    assert told.record
    told.record.metrics.update(cost=0.014213, currency="USD")
    assert "הלקוח ניתק" in trace_page.render(told, "he")
    assert "0.014 USD" in trace_page.render(told, "he").replace('<bdi dir="ltr">', "").replace("</bdi>", "")


def test_a_turn_that_was_never_transcribed_has_its_row_and_its_times(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    lost = {"who": "customer", "text": "", "at_ms": 4500, "until_ms": 5200, "transcribed": False}
    told.record = replace(told.record, transcript=[*told.record.transcript, lost])
    place_speech(told.record, told.entries, told.started)
    rows = trace.describe(told, screen)
    assert "    +4.500  calls   💬 [TRANSCRIPT] customer: (not transcribed)  (record)" in rows
    assert "(not transcribed)" in trace_page.render(told)


@pytest.mark.parametrize(("lines", "verdicts"), [("26", 1), ("15", 2)])
def test_the_verdict_stands_at_the_end_too_where_its_first_row_has_left_the_screen(
    lines: str, verdicts: int, monkeypatch: pytest.MonkeyPatch, options: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trace, "opened", lambda: None)
    monkeypatch.setattr(trace, "one_call", lambda *_: CALL)
    monkeypatch.setattr(trace, "tell", lambda *_: story())
    for name, value in {"OPS_TERMINAL": "1", "NO_COLOR": "1", "COLUMNS": "200", "LINES": lines}.items():
        monkeypatch.setenv(name, value)
    assert trace.run(options("trace", CALL=CALL)) == FINE
    said = capsys.readouterr().out
    assert said.count("✗") == verdicts
    assert ("✗" in said.splitlines()[-1]) is (verdicts == 2)


@pytest.mark.parametrize("length", range(40, 70))
def test_that_a_turn_was_interrupted_is_never_cut(length: int, paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "80", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    said = Entry(101.0, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", "x" * length, "💬", interrupted=True)
    told, terminal = story(), Screen(paper, terminal=True)
    said.origin = "record"
    told.entries = [said]
    terminal.say(*trace.describe(told, terminal))
    assert "(interrupted)  (record)\n" in paper.text


def test_the_time_after_a_killed_calls_last_sign_of_life_is_no_silence_of_its(screen: Screen) -> None:
    told = story()
    assert told.record is not None
    told.record = replace(told.record, end_reason="crashed", duration_s=6.0)
    found = Entry(160.0, "worker", "call", "INFO", "CALL_END", "duration=6s, reason=crashed", "🔚")
    told.entries.append(found)
    assert "nothing heard" not in "\n".join(trace.describe(told, screen))
    told.record = replace(told.record, duration_s=16.0)
    assert "┄┄ 12.0 s nothing said, nothing heard ┄┄" in "\n".join(trace.describe(told, screen))


@pytest.mark.parametrize(("end", "said"), [("crashed", "≥6s"), ("customer_hangup", "6s")])
def test_how_long_a_killed_call_was_is_known_as_the_least_alone(screen: Screen, end: str, said: str) -> None:
    """Its record ends with the last sign of life; the caller may have gone on."""
    told = story()
    assert told.record is not None
    told.record = replace(told.record, end_reason=end, duration_s=6.0)
    first = trace.describe(told, screen)[0]
    assert said in first.split()
    assert lasted(None, end) == ""
    page = trace_page.render(told, "en")
    assert f"<b><bdi>{said}</bdi></b>" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"CALL": CALL, "PHONE": "+972501234567"}, "give only one of CALL=, PHONE=, MESSAGE="),
        ({"MESSAGE": "wamid.1", "OUT": "html"}, "OUT=html makes the page of a call"),
        ({"CALL": CALL, "N": "2"}, "N= goes with PHONE= alone"),
        ({"PHONE": "+972501234567", "N": "2", "AT": "14:00"}, "give only one of N=, AT="),
    ],
)
def test_of_two_words_that_name_a_call_none_is_passed_over(words: dict[str, str], said: str, options: Any) -> None:
    with pytest.raises(Usage, match=said):
        trace.run(options("trace", **words))


@pytest.mark.parametrize(
    ("at", "whose"), [(101.0, ": a tool ran in it"), (99.0, ": no tool ran in it, it was the model's time")]
)
def test_a_slow_answer_says_whose_time_it_was(at: float, whose: str, screen: Screen) -> None:
    """The caller spoke until 2.5 s, and waited from 0.66 s on by the record's own count."""
    told = story()
    told.entries = [told.entries[0], Entry(at, "prosaas-calls", "tool", "INFO", "TOOL_CALL", "x", "🔧")]
    assert f"✗ the slowest answer came after 2340 ms{whose} (customer_hangup)" in trace.describe(told, screen)
