"""The package stands alone: other people's services install it by itself."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from .conftest import Program

PACKAGE = Path(__file__).parents[2] / "services" / "prosaas_logging"
MODULES = sorted(PACKAGE.glob("*.py"))


def test_orjson_is_its_one_dependency() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    assert [requirement.split(">")[0] for requirement in project["dependencies"]] == ["orjson"]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_the_standard_library_orjson_and_its_own(module: Path) -> None:
    tree = ast.parse(module.read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and node.level == 0
            else []
        )
    }
    assert names <= {*sys.stdlib_module_names, "orjson", "prosaas_logging"}


def test_every_file_that_it_ships_with_is_declared() -> None:
    setuptools = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["tool"]["setuptools"]
    declared = setuptools["package-data"]["prosaas_logging"]
    shipped = {path for pattern in declared for path in PACKAGE.glob(pattern)}
    others = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix in (".json", ".typed", ".toml")}
    assert others - shipped == {PACKAGE / "pyproject.toml"}


def test_counters_say_what_was_written_and_what_was_lost(run_program: Program) -> None:
    done = run_program(
        """
from prosaas_logging import bootstrap, counters, flush, get_logger
from prosaas_logging.catalogue import GREETING
bootstrap("svc")
log = get_logger("program")
log.event(GREETING)
log.event(GREETING)
log.warning("free text")
flush()
assert counters() == {"lines": {("INFO", "GREETING"): 2, ("WARNING", ""): 1}, "dropped": {}}, counters()
"""
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3)
