"""A type checker refuses an event with a wrong field."""

import subprocess
import sys
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
PROGRAM = """
from prosaas_logging import get_logger
from prosaas_logging.catalogue import CALL_START, GREETING, JOB_FAILED, REALTIME_CONNECTED

log = get_logger(__name__)
{}
"""
RIGHT = [
    'log.event(CALL_START, direction="inbound", mode="ai")',
    'log.event(CALL_START, direction="inbound", mode="ai", call_sid="CA1")',
    "log.event(GREETING)",
    'log.event(JOB_FAILED, job="x", attempts=3, exc_info=True)',
    'log.bind(tenant="x").info("text", depth=3, exc_info=ValueError())',
]
WRONG = [
    'log.event(CALL_START, directoin="inbound", mode="ai")',
    'log.event(CALL_START, direction="inbound")',
    "log.event(GREETING, ms=1)",
    'log.event(REALTIME_CONNECTED, ms="fast")',
    "log.event(CALL_START)",
    "log.event('CALL_START')",
]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> set[int]:
    """The lines, of all the statements above in one program, that the checker complains of."""
    program = tmp_path_factory.mktemp("typing") / "program.py"
    program.write_text(PROGRAM.format("\n".join([*RIGHT, *WRONG])))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--cache-dir",
            str(program.parent),
            str(program),
        ],
        env={"MYPYPATH": str(SERVICES), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [row for row in done.stdout.splitlines() if row.startswith(str(program)) and ": error:" in row]
    assert done.returncode in (0, 1), done.stderr
    return {int(row.split(":")[1]) for row in rows}


FIRST = PROGRAM.split("{}")[0].count("\n") + 1


@pytest.mark.parametrize("statement", RIGHT)
def test_the_right_fields_pass(complaints: set[int], statement: str) -> None:
    assert FIRST + RIGHT.index(statement) not in complaints


@pytest.mark.parametrize("statement", WRONG)
def test_a_wrong_missing_or_mistyped_field_is_an_error(complaints: set[int], statement: str) -> None:
    assert FIRST + len(RIGHT) + WRONG.index(statement) in complaints
