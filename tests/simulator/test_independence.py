"""The simulator is a second opinion: it shares no code with what it judges."""

import ast
import sys
from pathlib import Path

import pytest

import simulator

ALLOWED = {"aiohttp", "orjson", "yaml", "uvloop", "simulator"}


@pytest.mark.parametrize("path", sorted(Path(simulator.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_no_package_of_the_project(path: Path) -> None:
    """The standard library, four packages and itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top = name.partition(".")[0]
            assert top in ALLOWED or top in sys.stdlib_module_names, name
