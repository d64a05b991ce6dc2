"""What a person sees, and what a file gets instead."""

from prosaas_ops.screen.terminal import RateCap, Screen, short, table
from prosaas_ops.stack.engine import RawLine
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import parse

AT = "2024-01-25T14:00:00.250000000Z"


def test_what_is_no_terminal_gets_no_colour(screen: Screen) -> None:
    line = parse(RawLine(AT, "prosaas-calls", "[ERROR] ❌ [TOOL_FAILED] x"))
    assert screen.show(line) == "14:00:00.250 calls   [ERROR] ❌ [TOOL_FAILED] x"
    assert screen.bad("x") == screen.bold("x") == "x"


def test_a_terminal_gets_colour_by_level() -> None:
    line = parse(RawLine(AT, "prosaas-calls", "[ERROR] x"))
    assert "\x1b[31m[ERROR] x\x1b[0m" in Screen(terminal=True).show(line)


def test_a_container_event_stands_among_the_lines(screen: Screen) -> None:
    assert screen.show(Happening(1706191200.25, "worker", "kill", "SIGTERM")) == (
        "14:00:00.250 worker  ── container kill, SIGTERM"
    )


def test_a_stack_trace_is_shown_below_its_line(screen: Screen) -> None:
    line = parse(RawLine(AT, "worker", "[ERROR] x"))
    line.stack = ["  Traceback"]
    assert screen.show(line).splitlines()[1] == "  Traceback"


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
