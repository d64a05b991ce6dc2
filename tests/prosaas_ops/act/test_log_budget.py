"""The guide's before and after, from the lines of both."""

import re
from pathlib import Path
from typing import Any

import pytest

from prosaas_core.facts.simulated import is_simulated
from prosaas_ops.act import log_budget
from prosaas_ops.act.log_budget import comparison, measure, verdict
from prosaas_ops.act.simulate import Placed
from prosaas_ops.screen.budget_page import render
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import parse
from prosaas_ops.stories.measured import Measured, reduction


def measured(level: str, frames: int, rows: int, failed: int = 0) -> Measured:
    """So many frames at DEBUG, and so many lines that production keeps."""
    texts = ["[DEBUG] [RMS] rms=3"] * frames + ["[INFO] 🎤 [GREETING] x"] * rows
    lines = [parse(RawLine("2024-01-25T14:00:00Z", "prosaas-calls", text)) for text in texts]
    return Measured(level, lines, [rows + frames], failed)


def test_the_table_compares_lines_bytes_services_and_events() -> None:
    text = "\n".join(comparison(measured("DEBUG", 980, 20), measured("INFO", 0, 20)))
    assert re.search(r"lines of these calls, all services +1,000 +20 +98\.0%", text)
    assert re.search(r"lines, api +0 +0$", text, re.MULTILINE)
    assert re.search(r"RMS +980 +0 +100\.0%", text)
    assert re.search(r"GREETING +20 +20 +0\.0%", text)


@pytest.mark.parametrize(
    ("frames", "rows", "failed", "good"),
    [(980, 20, 0, True), (100, 20, 0, False), (980, 31, 0, False), (980, 20, 1, False)],
)
def test_both_promises_must_hold_and_the_calls_must_go_well(
    frames: int, rows: int, failed: int, good: bool, screen: Screen, paper: Any
) -> None:
    assert verdict(measured("DEBUG", frames, rows), measured("INFO", 0, rows, failed), screen) is good
    assert ("❌" in paper.text) is not good


def test_nothing_before_means_no_reduction() -> None:
    assert (reduction(0, 5), reduction(100, 5)) == (0.0, 95.0)


def test_calls_are_placed_one_after_another_and_their_failures_counted(screen: Screen) -> None:
    results = [{"ok": True}, {"ok": False}]
    found = measure("INFO", 2, lambda level: Placed("CA1", result=results.pop(0)), screen)
    assert (found.failed, found.per_call) == (1, [0, 0])


def test_a_call_has_the_lines_that_all_services_wrote_of_it(screen: Screen, paper: Any) -> None:
    """Twenty-nine in prosaas-calls keep the promise; with those of the others it is broken."""
    told = {"prosaas-calls": 29, "prosaas-api": 2, "worker": 1}
    lines = [parse(RawLine("2024-01-25T14:00:00Z", name, "[INFO] x")) for name in told for _ in range(told[name])]
    found = measure("INFO", 1, lambda level: Placed("CA1", lines, {"ok": True}), screen)
    assert found.per_call == [32]
    assert not verdict(measured("DEBUG", 9_000, 20), found, screen)


def test_debug_is_switched_for_the_measured_calls_alone(
    engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stranger's call on the same stack stays as quiet as it was, and the table counts none of its lines."""
    placed: list[str] = []

    def place(engine: Any, call_sid: str, **_: Any) -> Placed:
        placed.append(call_sid)
        text = f"[INFO] x · call_sid={call_sid}"
        return Placed(call_sid, [parse(RawLine("2024-01-25T14:00:00Z", "prosaas-calls", text))])

    monkeypatch.setattr(log_budget, "opened", lambda: engine)
    monkeypatch.setattr(log_budget, "place", place)
    monkeypatch.chdir(tmp_path)
    log_budget.run(options("log-budget", CALLS="1"))
    quiet, debugged = placed
    switched = [words for _, *words in engine.executed]
    assert {tuple(words[2:5]) for words in switched if words[1] == "level"} == {("DEBUG", "--call", debugged)}
    assert [words[2:] for words in switched if words[1] == "reset"] == [["--call", debugged]] * 3
    assert quiet not in str(engine.executed)
    assert all(map(is_simulated, placed))


def test_a_page_that_the_disk_does_not_hold_is_none(
    engine: Any, options: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, full_disk: None
) -> None:
    monkeypatch.setattr(log_budget, "opened", lambda: engine)
    monkeypatch.setattr(log_budget, "place", lambda _engine, call_sid, **_: Placed(call_sid))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="File too large"):
        log_budget.run(options("log-budget", CALLS="1"))
    assert list((tmp_path / "logs").iterdir()) == []


def test_the_page_fetches_nothing_and_shows_both_sides() -> None:
    text = render(measured("DEBUG", 980, 20), measured("INFO", 0, 20))
    assert "98.0%" in text
    assert "before (DEBUG)" in text
    assert "http" not in text.replace("http-equiv", "")
