"""The verdict on a simulated call."""

from typing import Any

import pytest

from prosaas_ops.act.call import verdict
from prosaas_ops.act.simulate import Placed
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import parse


def placed(rows: int, level: str = "INFO", ok: bool = True, complete: bool = True) -> Placed:
    texts = [f"[{level}] [GREETING] x · call_sid=CA1"] * rows
    lines = [parse(RawLine("2024-01-25T14:00:00Z", "prosaas-calls", text)) for text in texts]
    lines += [parse(RawLine("2024-01-25T14:00:00Z", "worker", "[INFO] [JOB_DONE] x · call_sid=CA1"))]
    return Placed("CA1", lines, {"ok": ok, "problems": ["heard nothing"]}, seconds=31.0, complete=complete)


class Recorded:
    call_sid, end_reason = "CA1", "customer_hangup"


@pytest.mark.parametrize(("rows", "problems"), [(8, 1), (9, 0), (29, 0), (30, 1)])
def test_a_call_at_info_with_its_job_s_line_is_ten_to_thirty_lines(rows: int, problems: int, screen: Screen) -> None:
    assert verdict(placed(rows), Recorded(), False, screen) == problems  # type: ignore[arg-type]


@pytest.mark.parametrize(("rows", "problems"), [(499, 1), (500, 0)])
def test_a_call_at_debug_is_five_hundred_lines_or_more(rows: int, problems: int, screen: Screen) -> None:
    assert verdict(placed(rows, "DEBUG"), Recorded(), True, screen) == problems  # type: ignore[arg-type]


def test_debug_lines_in_production_are_named(screen: Screen, paper: Any) -> None:
    assert verdict(placed(20, "DEBUG"), Recorded(), False, screen) == 1  # type: ignore[arg-type]
    assert "❌ frame by frame and other DEBUG lines: GREETING ×20" in paper.text


def test_each_thing_that_went_wrong_counts(screen: Screen, paper: Any) -> None:
    assert verdict(placed(20, ok=False, complete=False), None, False, screen) == 3
    assert "not as the scenario has it: heard nothing" in paper.text
    assert "record: none in the database" in paper.text


def test_lines_of_all_services_count_for_the_budget(screen: Screen, paper: Any) -> None:
    verdict(placed(20), Recorded(), False, screen)  # type: ignore[arg-type]
    assert "✅ lines: calls 20 · api 0 · worker 1 · in all 21 of 10–30" in paper.text
    assert verdict(placed(30), Recorded(), False, screen) == 1  # type: ignore[arg-type]
    assert "❌ lines: calls 30 · api 0 · worker 1 · in all 31 of 10–30" in paper.text
