"""Who is noisy: lines of any service, ours or not, human or JSON, and the one setting that quietens it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prosaas_logging.adopt.noise import Said, count, parse, tell

SERVICES = Path(__file__).parents[3] / "services"


def ours(logger: str, text: str, call: str = "", severity: str = "INFO", **more: object) -> str:
    return json.dumps({"severity": severity, "logger": logger, "message": text, "call_sid": call, **more})


def said(text: str, budget: int = 30) -> list[str]:
    return list(tell(io.BytesIO(text.encode()), budget))


@pytest.mark.parametrize(
    ("line", "logger", "level", "text"),
    [
        (ours("server.media", "hello"), "server.media", 20, "hello"),
        (ours("stdout", "hello", event="STDOUT"), "stdout", 20, "hello"),
        ('{"level": "warning", "name": "app", "msg": "hello"}', "app", 30, "hello"),
        ('{"log": {"level": "INFO", "logger": "app"}, "message": "hello"}', "app", 20, "hello"),
        ("[INFO] 💬 [STDOUT] hello · call_sid=CA1", "stdout", 20, "hello"),
        ("[INFO] [STDOUT] hello", "stdout", 20, "hello"),
        ("[WARNING] hello", "(no logger in the line)", 30, "hello"),
        ("INFO:server.media:hello", "server.media", 20, "hello"),
        ("2026-11-25 10:00:00,123 - server.media - INFO - hello", "server.media", 20, "hello"),
        ("2026-11-25 10:00:00,123 ERROR server.media: hello", "server.media", 40, "hello"),
        ("[2026-11-25 10:00:00,123] INFO in routes: hello", "routes", 20, "hello"),
        ("worker-1  | 2026-11-25T10:00:00.123Z INFO:server.media:hello", "server.media", 20, "hello"),
        ("hello", "stdout", 20, "hello"),
        ("{not json", "stdout", 20, "{not json"),
        ("[1, 2]", "stdout", 20, "[1, 2]"),
        ("[" * 5000, "stdout", 20, "[" * 4096),
    ],
)
def test_a_line_says_who_says_what_how_loud(line: str, logger: str, level: int, text: str) -> None:
    (found,) = parse([line])
    assert isinstance(found, Said)
    assert (found.logger, found.level, found.text) == (logger, level, text)


def test_the_lines_of_a_stack_belong_to_the_line_before() -> None:
    stack = "ERROR:app:broken\nTraceback (most recent call last):\n  File x\n    1/0\nINFO:app:next"
    assert [found is not None for found in parse(stack.split("\n"))] == [True, False, False, False, True]


def test_calls_are_told_apart_and_the_shortest_setting_that_fits_the_budget_is_named() -> None:
    text = "\n".join(
        line
        for call in ("CA1", "CA2")
        for line in (
            *(ours("server.media", f"frame {number}", call) for number in range(40)),
            *(ours("server.jobs", f"job {number} queued", call) for number in range(5)),
            *(ours("stdout", f"frame {number}", call, event="STDOUT") for number in range(50)),
            ours("server.media", "broken", call, "ERROR"),
        )
    )
    told = said(text)
    assert "2 calls, jobs or requests: 96 lines each, the budget is 30" in told
    assert "LOG_LEVELS=stdout=DEBUG,server.media=WARNING" in told
    assert any(line.startswith("brings it to 6 lines each") for line in told)
    assert "     100 × stdout: frame #" in told
    assert "Said twice, printed and by a logger: 1 wordings" in told
    assert not [line for line in told if "job # queued" in line and "×" in line]


SHORT_WORDS = ("wide", "slowly", "twice", "again", "late", "never", "wet", "dry", "up", "down", "left", "right")
NOISY = (
    *("Traceback (most recent call last):", "  File x", ""),
    *(ours("app.media", f"frame {number}", f"CA{number % 2}") for number in range(60)),
    *["[INFO] 💬 [STDOUT] tick · call_sid=CA1"] * 4,
    *["INFO:shop.orders:tick"] * 3,
    *(ours(f"lib{chr(97 + number)}", "loaded", "CA0", "WARNING") for number in range(14)),
    *(ours("app.till", f"opened {word}", "CA1") for word in (*SHORT_WORDS, "x" * 200)),
    *(ours("app.till", text, "CA1", severity) for text, severity in (("open?", "DEBUG"), ("jammed", "ERROR"))),
    *("[WARNING] careful", "[INFO] plain"),
)
TOLD_OF_NOISY = f"""\
100 lines, 98 of them said and not a stack's, 7,974 bytes
2 calls, jobs or requests: 48 lines each, the budget is 20

By logger (lines and bytes each)
      30.0      2545  app.media
       7.5       747  app.till
       2.0        82  stdout
       1.5        32  shop.orders
       1.0        14  (no logger in the line)
       0.5        40  libn
       0.5        40  libm
       0.5        40  libl
       0.5        40  libk
       0.5        40  libj
       0.5        40  libi
       0.5        40  libh
  and 7 more

By wording (lines and bytes each)
      30.0      2545  app.media: frame #
       2.0        82  stdout: tick
       1.5        32  shop.orders: tick
       0.5       142  app.till: opened {"x" * 79}
       0.5        44  app.till: opened slowly
       0.5        44  app.till: opened twice
       0.5        44  app.till: opened right
       0.5        44  app.till: opened never
       0.5        44  app.till: opened again
       0.5        44  app.till: opened wide
       0.5        44  app.till: opened left
       0.5        44  app.till: opened late
  and 22 more

Said twice, printed and by a logger: 1 wordings
  shop.orders: tick

Never changes: 2 wordings
  4 × stdout: tick
  3 × shop.orders: tick

LOG_LEVELS=app.media=WARNING
brings it to 18 lines each. Warnings and errors stay; it would hide
      60 × app.media: frame #
1 lines name no logger, as human lines do not: with LOG_JSON=1 each does."""


def test_a_report_counts_sorts_and_bounds_all_that_it_tells() -> None:
    assert "\n".join(said("\n".join(NOISY), 20)) == TOLD_OF_NOISY


def test_of_what_a_setting_would_hide_a_dozen_wordings_are_told_without_warnings() -> None:
    lines = [ours("app.till", f"opened {word}") for word in (*SHORT_WORDS, "long", "round")]
    told = said("\n".join([*lines, lines[0], ours("app.till", "slow", severity="WARNING")]), 1)
    begin = told.index("LOG_LEVELS=app.till=WARNING")
    assert told[begin + 1 : begin + 3] == [
        "brings it to 1 lines each. Warnings and errors stay; it would hide",
        "       2 × app.till: opened wide",
    ]
    assert told[-1] == "  and 2 wordings more"
    assert len(told) == begin + 2 + 12 + 1


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        *(({name: "x1"}, "call_sid") for name in ("call_sid", "callSid", "CallSid")),
        *(({name: "x1"}, "request_id") for name in ("request_id", "requestId", "correlation_id")),
        ({"job_id": "x1", "request_id": "other"}, "job_id"),
        ({"request_id": "other", "CallSid": "x1"}, "call_sid"),
    ],
)
def test_whose_a_line_is_is_found_in_each_spelling_and_the_call_comes_first(fields: dict[str, str], owner: str) -> None:
    (found,) = parse([json.dumps({"message": "hello", **fields})])
    assert isinstance(found, Said)
    assert found.owner == (owner, "x1")


def test_what_never_changes_is_named() -> None:
    """A warning that comes again is no noise, however often it says the same."""
    lines = ["INFO:app:still here", "WARNING:app:broken", *(f"INFO:app:frame {number}" for number in range(3))]
    told = said("\n".join(lines * 2))
    assert "Never changes: 1 wordings" in told
    assert "  2 × app: still here" in told


def test_within_the_budget_nothing_is_advised() -> None:
    told = said("INFO:app:hello")
    assert "It is within the budget." in told
    assert not [line for line in told if line.startswith("LOG_LEVELS")]


def test_what_no_setting_can_quieten_is_said() -> None:
    told = said("\n".join(f"[INFO] line {number}" for number in range(50)))
    assert "What is left, 50 lines each, is warnings, errors, or lines that name no logger." in told
    assert "50 lines name no logger, as human lines do not: with LOG_JSON=1 each does." in told


@pytest.mark.parametrize("many", [30_000])
def test_wordings_and_lines_without_end_are_bounded(many: int) -> None:
    lines = [f"word{'x' * (number % 11)}{chr(97 + number % 26)} {'y' * (number % 101)}" for number in range(many)]
    assert len(said("\n".join([*lines, "z" * 300_000]))) < 60
    kinds, _, whole = count(parse(lines))
    assert len(kinds) == 20_001
    assert sum(kind.lines for kind in kinds.values()) == whole == many


def run(*words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    environ: dict[str, Any] = {**os.environ, "PYTHONPATH": str(SERVICES)}
    command = [sys.executable, "-m", "prosaas_logging", *words]
    return subprocess.run(command, env=environ, input=given, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_reads_a_file_or_a_pipe_and_says_what_it_could_not_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("INFO:app:hello\n")
    from_file, from_pipe = run("noise", str(tmp_path / "log")), run("noise", given="INFO:app:hello\n")
    assert from_file.returncode == 0
    assert "app: hello" in from_file.stdout
    assert from_pipe.stdout == from_file.stdout
    missing = run("noise", str(tmp_path / "none"))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "No such file" in missing.stderr
    nothing = run("noise", given="")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (3, "", "-: no lines\n")
