"""What drifted in a long run."""

from collections import Counter

from prosaas_ops.act.soak import report
from prosaas_ops.stories.soak import Sample, drifts, of_calls, of_process, totals

PAGE = """# HELP process_open_fds …
process_open_fds 12.0
process_resident_memory_bytes 1.048576e+08
prosaas_tasks 7.0
prosaas_log_lines_total{level="INFO",event="CALL_END"} 4.0
prosaas_log_lines_total{level="INFO",event=""} 6.0
prosaas_call_lines_sum 170.0
prosaas_call_lines_count 10.0
"""


def test_a_page_of_metrics_is_read_summed_over_labels() -> None:
    now = totals(PAGE)
    assert now["prosaas_log_lines_total"] == 10.0
    assert of_process("calls", now) == {"calls memory, MiB": 100.0, "calls descriptors": 12.0, "calls tasks": 7.0}
    assert of_process("calls", {}) == {}


def test_means_are_of_the_calls_between_two_looks() -> None:
    before = totals(PAGE)
    now = before | {"prosaas_call_lines_sum": 200.0, "prosaas_call_lines_count": 12.0}
    assert of_calls(before, now) == {"lines a call": 15.0}
    # A service that was started anew counts from nothing.
    assert of_calls(now, {"prosaas_call_lines_sum": 3.0, "prosaas_call_lines_count": 1.0}) == {}


def test_a_leak_shows_and_a_plateau_does_not() -> None:
    """By the middle of each end: one high sample is no drift."""
    samples = [
        Sample(minute * 60.0, {"memory, MiB": 100.0 + minute, "descriptors": 900.0 if minute == 55 else 40.0})
        for minute in range(60)
    ]
    samples[0] = Sample(0.0, {"memory, MiB": 100.0, "descriptors": 40.0, "rare": 1.0})
    leak, plateau = drifts(samples)
    assert (leak.what, leak.unit, round(leak.an_hour)) == ("memory", "MiB", 60)
    assert (plateau.what, plateau.an_hour) == ("descriptors", 0.0)
    rows = report(samples, Counter({"well": 9, "with problems": 1}), 10)
    assert rows[0] == "10 calls at once for 0.98 h: 10 calls, 9 well, 1 with problems"
    assert rows[-2] == "| memory | 107.0 MiB | 152.0 MiB | +60.0 MiB |"


def test_a_run_without_a_look_has_no_drift() -> None:
    assert drifts([]) == []
    assert len(report([], Counter(), 1)) == 4
