"""Each benchmark runs, on its smallest size, with what it starts itself; and its verdicts are computed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.__main__ import ROOMS, command, with_section
from bench.calls.__main__ import LIMIT, PRODUCT, ladder_goals
from bench.calls.service import Measured
from bench.goals import Goal, goals_table
from bench.logging import stall
from bench.logging.__main__ import _ended, _together
from bench.replicas.__main__ import _shares
from bench.replicas.behind import Behind

from bench import __main__ as rooms

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
    assert f'make bench B={room} ARGS="{SMALLEST[room]}"`' in text
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


def test_a_result_names_the_commit_that_it_was_begun_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who commits while a room is measured has changed nothing of what is."""
    page, said = tmp_path / "RESULTS.md", ["at its beginning"]
    page.write_text("<!-- bench: logging -->\n<!-- /bench -->\n", encoding="utf-8")

    def run(*_: object) -> tuple[int, str]:
        said.append("at its end")
        return 0, "figures"

    monkeypatch.setattr(rooms, "command", lambda *_: said[-1])
    monkeypatch.setattr(rooms, "run", run)
    rooms.main(["logging", "--out", str(page)])
    assert "at its beginning\n\nfigures\n" in page.read_text(encoding="utf-8")


def test_a_missed_goal_is_printed_as_missed() -> None:
    rows = list(goals_table([Goal("slow", 2.07, 2, " s"), Goal("few", 7, 8, at_least=True), Goal("told", 1)]))[2:]
    assert rows == ["| slow | 2.07 s | ≤ 2 s | **missed** |", "| few | 7 | ≥ 8 | **missed** |", "| told | 1 |  |  |"]


def test_a_goal_that_the_rounds_do_not_agree_on_says_so_and_how_far_they_are_apart() -> None:
    goals = [Goal.of_rounds("a", [4, 2, 9], 5), Goal.of_rounds("b", [4, 6, 9], 5), Goal.of_rounds("c", [4, 2, 3], 5)]
    assert [goal.row()[1::2] for goal in goals] == [
        ("4 (2 to 9)", "yes, not in every round"),
        ("6 (4 to 9)", "**missed**, not in every round"),
        ("3 (2 to 4)", "yes"),
    ]


def test_two_configurations_are_compared_round_by_round() -> None:
    """As they climb in turns, a busy moment meets both sides of each ratio."""

    report = {"error_count": 0, "inbound": {"p99_ms": 1.0}, "outbound": {"p99_ms": 2.0}}

    def climbed(name: str, *us: float) -> dict[int, list[Measured]]:
        return {200: [Measured(name, 200, report, each) for each in us]}

    held, of_the_relay = ladder_goals({LIMIT: climbed(LIMIT, 30, 60), PRODUCT: climbed(PRODUCT, 40, 75)})
    assert held.measured == 200
    assert of_the_relay.rounds == [0.75, 0.8]


def test_what_never_ends_has_no_seconds() -> None:
    """How long it was waited for is no measurement of it, and no goal is reached by it."""
    took = stall.seconds_to_end("stdlib QueueHandler", 0.2)
    assert _ended(took) == "> 6 s, killed"
    assert Goal("SIGTERM to the end", took, 10, " s").reached is False


def test_a_stalled_reader_gets_every_warning_and_hears_of_every_other_line_that_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'services'}:{ROOT}")
    result = stall.stalled("ours", LOG_BUFFER=str(stall.SMALL_BUFFER))
    assert result["warnings"] * 5 == result["written"] + result["reported"] == result["lines"]
    assert result["reported"], "it is stalled for longer than a pipe and a buffer take"


def test_of_several_stalls_the_middle_p99_counts_and_every_line() -> None:
    counts = {"lines": 10, "written": 9, "warnings": 2, "reported": 1}
    rounds = [{"p99": p99, "max": p99 + 1, **counts} for p99 in (3.0, 90.0, 4.0)]
    assert _together(rounds) == {
        "p99": 4.0, "max": 91.0, "lines": 30, "written": 27, "warnings": 6, "reported": 3,
    }  # fmt: skip


def test_how_a_measurement_was_made_names_what_of_its_surroundings_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """But not the password of a database."""
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    monkeypatch.setenv("PROSAAS_BENCH_FIRST", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@here/db")
    made = command("calls", ["--seconds", "4"])
    assert made.startswith('`PROSAAS_BENCH_FIRST=1 DATABASE_URL=… make bench B=calls ARGS="--seconds 4"`, ')


def test_a_moment_too_short_for_the_kernels_clock_is_compared_with_nothing() -> None:
    behind = Behind(2, gateway=True, service_us=0.0, gateway_us=62.0, late_ms=1.0, errors=0)
    share, _ = _shares({behind.name: behind})
    assert share.row()[1] == "nan"


def test_a_goal_is_judged_as_it_was_measured_not_as_it_is_rounded() -> None:
    assert Goal("x", 2.0001, 2).reached is False
    assert Goal("x", 2.0, 2).reached is True


def test_a_room_that_there_is_not_is_refused() -> None:
    assert bench("nothing").returncode == 2
