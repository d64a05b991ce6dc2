"""The make targets and the wrapper below them know what the tools know."""

import re
import subprocess
from pathlib import Path

import pytest

from prosaas_ops.__main__ import COMMANDS, options_of

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# What other targets need and no operator types.
INTERNAL = {"live-calls", "drained", "console-check", "console-link", "console-reader"}


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - INTERNAL))
def test_every_tool_has_a_target_that_is_listed_with_its_help(command: str) -> None:
    assert re.search(rf"^{command}: ## .+\n\t@scripts/run \$@$", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - INTERNAL))
def test_the_help_names_every_option_of_the_tool_and_none_that_it_would_refuse(command: str) -> None:
    """It is also what a mistyped target's words are kept by. QUIET= is for scripts."""
    line = re.search(rf"^{command}: ## (.+)$", MAKEFILE, re.MULTILINE)
    assert line
    named = set(re.findall(r"\b([A-Z_]+)=", line[1]))
    assert named == set(options_of(command)) - {"QUIET"}


def test_the_block_to_paste_is_the_guides_own_from_the_file_that_production_reads() -> None:
    done = subprocess.run(["make", "env-prod"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "# ========================================",
        "# הגדרות לוגים לפרודקשן",
        "# ========================================",
        "LOG_LEVEL=INFO",
        "PYTHONUNBUFFERED=1",
        "LOG_JSON=0",
    ]


def test_the_list_of_targets_fits_a_terminal_of_80_columns() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20).stdout
    assert max(map(len, said.splitlines())) <= 80
    assert "LEVEL=DEBUG" in said


def test_the_console_speaks_as_the_shell_does_and_is_asked_for_after_its_words_are_judged() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    console = compose.partition("\n  console:\n")[2].partition("\n  console-reader:\n")[0]
    assert "\n      OPS_LANG:\n" in console
    door = (ROOT / "scripts" / "run").read_text(encoding="utf-8").partition("\nconsole() {\n")[2].partition("\n}\n")[0]
    assert 0 < door.index("console-check") < door.index("docker compose")
