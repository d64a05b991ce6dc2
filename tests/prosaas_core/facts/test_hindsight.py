"""What a finished call's own events and words tell of how it went."""

from typing import Any

import pytest

from prosaas_core.facts.hindsight import claimed, counted, hindsight, unwritten, waited

BOOK, LOOK = "קביעת תור", "בדיקת זמינות"


def tool(name: str, outcome: str) -> list[dict[str, str]]:
    return [{"event": "TOOL_CALL", "text": f"{name}: 08.12 14:00"}, {"event": outcome, "text": "08.12 14:00"}]


def turn(who: str, at_ms: int, until_ms: int | None, **more: Any) -> dict[str, Any]:
    return {"who": who, "text": "מילים", "at_ms": at_ms, "until_ms": until_ms, **more}


def test_a_calls_own_events_are_counted_for_its_record() -> None:
    events = [
        {"event": "TOOL_REFUSED", "level": "INFO"},
        {"event": "TOOL_FAILED", "level": "ERROR"},
        {"event": "REALTIME_RETRY", "level": "WARNING"},
        {"event": "LINE_NOISY", "level": "INFO"},
        {"event": "DB_UNAVAILABLE", "level": "WARNING"},
        {"event": "DB", "level": "WARNING"},
        {"event": "DB", "level": "INFO"},
        {"event": "", "level": "INFO"},
    ]
    assert counted(events) == {
        "refused": 1,
        "errors": 1,
        "reconnects": 1,
        "noisy": 1,
        "database_away": 2,
        "unmended": 1,
    }


@pytest.mark.parametrize(
    ("later", "unmended"),
    [([], 1), (tool(LOOK, "TOOL_RESULT"), 1), (tool(BOOK, "TOOL_RESULT"), 0), (tool(BOOK, "TOOL_REFUSED"), 2)],
)
def test_a_refusal_is_made_good_by_the_same_tool_alone(later: list[dict[str, str]], unmended: int) -> None:
    told = counted([*tool(BOOK, "TOOL_REFUSED"), *later])
    assert told["unmended"] == unmended


def test_the_longest_wait_is_that_of_any_answer() -> None:
    said = [turn("ai", 0, 900), turn("ai", 4000, 5000, wait_ms=3010), turn("ai", 7000, 8000, wait_ms=600)]
    assert waited(said, 8000)["slowest_ms"] == 3010
    assert "slowest_ms" not in waited(said[:1], 8000)


@pytest.mark.parametrize(
    ("said", "unanswered"),
    [
        ([turn("ai", 0, 1000), turn("customer", 2000, 4000)], 16_000),
        ([turn("customer", 2000, 4000), turn("ai", 4500, 6000)], 0),
        # A word of assent over the agent's own words is nothing to answer.
        ([turn("ai", 1000, 9000), turn("customer", 2000, 2500)], 0),
        ([turn("customer", 2000, None)], 20_000 - 2000 - round(5000 / 14)),
        ([turn("ai", 0, 1000)], 0),
        ([], 0),
    ],
)
def test_last_words_without_an_answer_are_told_with_their_time(said: list[dict[str, Any]], unanswered: float) -> None:
    assert waited(said, 20_000)["unanswered_ms"] == unanswered


LOST = {"who": "customer", "text": "", "at_ms": 2000, "until_ms": 4000, "transcribed": False}


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ([turn("ai", 0, 1000), LOST, turn("ai", 4500, 6000)], 1),
        ([LOST, turn("ai", 4500, 6000), {**LOST, "at_ms": 7000}], 2),
        # All that they said, and then they hung up.
        ([turn("ai", 0, 1000), LOST], 1),
        # A goodbye of whom the agent had understood.
        ([turn("customer", 0, 1000), turn("ai", 1200, 1900), LOST], 0),
        ([turn("customer", 0, 1000), LOST, turn("ai", 4500, 6000)], 1),
        ([turn("ai", 0, 1000)], 0),
    ],
)
def test_turns_that_nobody_wrote_down_are_counted_but_for_a_goodbye(said: list[dict[str, Any]], lost: int) -> None:
    assert unwritten(said) == lost
    assert hindsight([], said, 9.0)["unwritten"] == lost


def test_what_was_claimed_between_a_refusal_and_a_deed_is_kept() -> None:
    claim = {"event": "TRANSCRIPT_AI", "text": 'AI: "קבעתי לך תור ליום שלישי."'}
    assert claimed([*tool(BOOK, "TOOL_REFUSED"), claim]) == "קבעתי לך תור ליום שלישי"
    assert claimed([claim, *tool(BOOK, "TOOL_REFUSED")]) == ""
    assert claimed([*tool(BOOK, "TOOL_REFUSED"), *tool(BOOK, "TOOL_RESULT"), claim]) == ""
    assert hindsight([*tool(BOOK, "TOOL_REFUSED"), claim], [], 9.0)["unkept"] == "קבעתי לך תור ליום שלישי"
    assert "unkept" not in hindsight([claim], [], 9.0)
