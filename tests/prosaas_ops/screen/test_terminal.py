"""What a person sees, and what a file gets instead."""

import re
from typing import Any

import pytest

from prosaas_ops.screen.piece import width
from prosaas_ops.screen.terminal import Prose, RateCap, Screen, fitted, short, table
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import parse

AT = "2024-01-25T14:00:00.250000000Z"


def test_what_is_no_terminal_gets_no_colour(screen: Screen) -> None:
    line = parse(RawLine(AT, "prosaas-calls", "[ERROR] ❌ [TOOL_FAILED] x"))
    assert screen.show(line) == ["14:00:00.250 calls   [ERROR] ❌ [TOOL_FAILED] x"]
    assert screen.bad("x") == screen.bold("x") == "x"


@pytest.fixture
def terminal(paper: Any, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal of 40 columns with colours."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "WRAP"):
        monkeypatch.delenv(name, raising=False)
    return Screen(paper, terminal=True)


def test_a_terminal_gets_colour_by_level_and_each_line_in_its_own_direction(terminal: Screen, paper: Any) -> None:
    terminal.say(*terminal.show(parse(RawLine(AT, "prosaas-calls", "[ERROR] x"))))
    assert "\x1b[31m\u2068[ERROR] x\u2069\x1b[0m" in paper.text


def test_a_row_is_cut_at_a_terminals_edge_in_columns_and_keeps_its_colours_closed(terminal: Screen, paper: Any) -> None:
    terminal.say("x" * 40, "y" * 41, terminal.bad("ש" * 38 + "🚀🚀"))
    assert paper.text == f"{'x' * 40}\n{'y' * 39}…\n\x1b[31m{'ש' * 38}…\x1b[0m\n"


def test_a_row_of_sentences_goes_on_below_and_loses_nothing(terminal: Screen, paper: Any) -> None:
    words = "DEBUG for everything in prosaas-calls until 12:00:00 UTC (15m); Ctrl-C takes it back"
    terminal.say(Prose(f"  {terminal.bad(words)}"), Prose("short"))
    rows = paper.text.splitlines()
    assert " ".join(re.sub("\x1b\\[[0-9;]*m", "", row).strip() for row in rows) == f"{words} short"
    assert all(width(re.sub("\x1b\\[[0-9;]*m", "", row)) <= 40 for row in rows)
    assert all(row.startswith("    ") for row in rows[1:-1])
    terminal.say(Prose("x" * 90))
    assert "".join(row.strip() for row in paper.text.splitlines()[len(rows) :]) == "x" * 90


def test_a_cell_is_as_wide_as_it_is_told_whatever_its_words_are(terminal: Screen, paper: Any) -> None:
    """Marks of direction take no column, wide characters two."""
    for name in ("מספרת דנה", "🚀🚀🚀🚀🚀🚀", "a name that is far too long"):
        terminal.say(f"{terminal.cell(name, 9)}|")
    assert [width(row) for row in paper.text.splitlines()] == [10, 10, 10]
    assert paper.text.splitlines()[2] == "\u2068a na…long\u2069|"


def test_a_cell_of_a_very_long_name_is_measured_a_few_times_and_not_once_a_letter(
    terminal: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[int] = []

    def measure(text: str) -> int:
        measured.append(len(text))
        return width(text)

    monkeypatch.setattr("prosaas_ops.screen.terminal.width", measure)
    assert terminal.cell("a" * 5_000, 9) == terminal.value("aaaa…aaaa")
    assert len(measured) < 30


def test_whole_lines_are_there_for_who_asks_and_for_files(
    paper: Any, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("WRAP", "1")
    Screen(paper, terminal=True).say("x" * 50)
    screen.say("y" * 50)
    assert paper.text == f"{'x' * 50}\n{'y' * 50}\n"


def test_a_terminal_says_a_calls_id_shortly_and_not_at_all_where_it_is_known(terminal: Screen, paper: Any) -> None:
    line = parse(RawLine(AT, "prosaas-calls", "[INFO] [MARK] x · call_sid=CA0123456789abcdef"))
    terminal.say(*terminal.show(line), *terminal.show(line, "CA0123456789abcdef"))
    first, second = paper.text.splitlines()
    assert "[MARK] x · CA…cdef" in first
    assert "CA" not in second


def test_nothing_but_the_screens_own_paint_reaches_a_terminal(terminal: Screen, paper: Any) -> None:
    """A colour that looks like ours, the end of an isolate, a line break, half a surrogate."""
    hostile = "\x1b[2J\x1b[31m\u2069\u202e\r\n\x9b\ud800"
    terminal.say(hostile, terminal.bad(terminal.value(hostile)))
    assert paper.text.count("\n") == 2
    assert paper.text.count("\x1b") == 2
    assert paper.text.count("\u2069") == 1
    assert not {"\r", "\x9b", "\u202e", "\ud800"} & set(paper.text)


def test_a_container_event_stands_among_the_lines(screen: Screen) -> None:
    assert screen.show(Happening(1706191200.25, "worker", "kill", "SIGTERM")) == [
        "14:00:00.250 worker  ── container kill, SIGTERM"
    ]


def test_a_stack_trace_is_shown_below_its_line(screen: Screen) -> None:
    line = parse(RawLine(AT, "worker", "[ERROR] x"))
    line.stack = ["  Traceback"]
    assert screen.show(line)[1] == "  Traceback"


def test_the_cap_holds_debug_lines_back_and_reports_them_when_the_second_is_over() -> None:
    now = 100.0
    cap = RateCap(2, lambda: now)
    debug = parse(RawLine(AT, "worker", "[DEBUG] x"))
    assert [cap.admit(debug) for _ in range(5)] == [True, True, False, False, False]
    assert cap.report() == 0
    now = 101.0
    assert cap.admit(debug)
    assert (cap.report(), cap.report()) == (3, 0)
    assert cap.held == 3


def test_the_cap_never_holds_back_what_production_shows() -> None:
    cap = RateCap(1, lambda: 100.0)
    info = parse(RawLine(AT, "worker", "[INFO] x"))
    assert all(cap.admit(info) for _ in range(50))


def test_a_table_is_aligned_under_its_heading() -> None:
    assert table([["event", "n"], ["RMS", "1,315"]], {1}) == ["event      n", "─────  ─────", "RMS    1,315"]


def test_services_go_by_short_names() -> None:
    assert [short(name) for name in ("prosaas-api", "worker")] == ["api", "worker"]


def test_a_line_of_a_swarm_says_which_replica_on_which_node_wrote_it(screen: Screen) -> None:
    """Two replicas of a service are two writers; on one host there is nothing to say."""
    here, there = RawLine(AT, "worker", "[INFO] x"), RawLine(AT, "worker", "[INFO] x", "2@node3")
    assert "worker  [INFO] x" in screen.line(parse(here))[0]
    assert "worker.2@node3   [INFO] x" in screen.line(parse(there))[0]


def test_a_table_that_is_too_wide_goes_on_below_in_its_widest_column_and_loses_nothing() -> None:
    why = "the customer asked what is kept of her"
    head, rule, row = fitted([("when", "who", "why"), ("02-01 14:00", "dana@ops-1", why)], most=50)
    assert all(width(line) <= 50 for lines in (head, rule, row) for line in lines)
    assert len(rule) == 1
    assert " ".join(" ".join(line[25:].strip() for line in row).split()) == why
    assert [line[:25].strip() for line in row] == ["02-01 14:00  dana@ops-1", ""]
    assert fitted([("a", "b"), ("1", "2")], most=50) == [["a  b"], ["─  ─"], ["1  2"]]


def test_a_column_that_is_to_stay_whole_gives_way_last() -> None:
    row = ("2026-11-28 07:24:32", "dana@ops-1", "looked " * 9)
    lines = fitted([("when", "who", "why"), row], most=50, whole={0})[2]
    assert lines[0].startswith("2026-11-28 07:24:32  dana@ops-1  ")
    assert not any("07:24:32" in line for line in lines[1:])
