"""Each benchmark runs, on its smallest size, with what it starts itself; and its verdicts are computed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.__main__ import ROOMS, with_section
from bench.goals import Goal, goals_table
from bench.replicas.__main__ import _shares
from bench.replicas.behind import Behind

ROOT = Path(__file__).parents[2]
SMALLEST = {
    "logging": "--parts calls lines memory --call-rounds 2 --line-rounds 1",
    "worker": "--jobs 40 --rounds 1",
    "api": "--webhooks 400 --rounds 1 --connections 2",
    "costs": "--calls 1000 --times 1",
    "console": "--calls 3000 --lines 10 --times 1 --live 0",
    "replicas": "--replicas 2 --calls 4 --seconds 0.5 --rounds 1",
    "calls": "--only info --calls 2 --seconds 0.5 --rounds 1 --switch 0 --first-audio 2",
}


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environ["PYTHONPATH"] = "services:tests:."
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.postgres
@pytest.mark.parametrize("room", SMALLEST)
def test_a_room_starts_what_it_needs_and_judges_its_goals(room: str, tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text(f"before\n<!-- bench: {room} -->\nold\n<!-- /bench -->\nafter\n", encoding="utf-8")
    done = bench(room, "--out", str(page), *SMALLEST[room].split())
    assert done.returncode == 0, done.stdout + done.stderr
    text = page.read_text(encoding="utf-8")
    assert "| goal | measured | promised | reached |" in text
    assert f'`make bench B={room} ARGS="{SMALLEST[room]}"`' in text
    assert text.startswith("before\n")
    assert text.endswith("<!-- /bench -->\nafter\n")
    assert "old" not in text


def test_every_room_has_a_smallest_size() -> None:
    """But for ops and deploy, each a stack of its own for minutes, and mutation, which takes what it is given."""
    assert set(SMALLEST) == set(ROOMS) - {"ops", "deploy", "mutation"}


def test_every_room_has_its_section_in_the_results() -> None:
    text = (ROOT / "bench/RESULTS.md").read_text(encoding="utf-8")
    for room in set(ROOMS) - {"mutation"}:
        assert "\nnew\n<!-- /bench -->" in with_section(text, room, "new")


def test_an_empty_section_is_filled_and_its_neighbours_are_left_alone() -> None:
    page = "<!-- bench: a -->\n<!-- /bench -->\n\n<!-- bench: b -->\nkept\n<!-- /bench -->\n"
    assert with_section(page, "a", "new") == page.replace("-->\n<!-- /bench", "-->\nnew\n<!-- /bench", 1)


def test_a_missed_goal_is_printed_as_missed() -> None:
    rows = list(goals_table([Goal("slow", 2.07, 2, " s"), Goal("few", 7, 8, at_least=True), Goal("told", 1)]))[2:]
    assert rows == ["| slow | 2.07 s | ≤ 2 s | **missed** |", "| few | 7 | ≥ 8 | **missed** |", "| told | 1 |  |  |"]


def test_a_moment_too_short_for_the_kernels_clock_is_compared_with_nothing() -> None:
    behind = Behind(2, gateway=True, service_us=0.0, gateway_us=62.0, late_ms=1.0, errors=0)
    share, _ = _shares({behind.name: behind})
    assert share.row()[1] == "nan"


def test_a_goal_is_judged_as_it_was_measured_not_as_it_is_rounded() -> None:
    assert Goal("x", 2.0001, 2).reached is False
    assert Goal("x", 2.0, 2).reached is True


def test_a_room_that_there_is_not_is_refused() -> None:
    assert bench("nothing").returncode == 2
