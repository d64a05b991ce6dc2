"""Mutation takes steps that somebody could notice, each once, and asks whoever may."""

import tomllib
from pathlib import Path

import pytest
from bench.mutation.__main__ import MINUTE_S, ROOT, Asked, equivalent
from bench.mutation.changes import changes

LISTED = tomllib.loads((ROOT / "bench/mutation/equivalent.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("room", LISTED)
def test_a_step_that_is_left_out_is_one_that_there_is_and_has_its_reason(room: str) -> None:
    assert all(step["why"] for step in LISTED[room])
    for file, before, after in equivalent(room):
        source = (ROOT / f"services/prosaas_{room}" / file).read_bytes()
        assert (before, after) in {change.line_in(source) for change in changes(source)}, file


def test_a_return_of_a_truth_is_turned_and_a_name_that_is_handed_on_is_the_linters() -> None:
    source = b'__all__ = ["a", "b"]\ndef f():\n    return True\n'
    assert [change.line_in(source) for change in changes(source)] == [("return True", "return False")]


def test_who_runs_the_line_and_who_starts_a_process_are_asked_the_quick_ones_first(tmp_path: Path) -> None:
    """Each for a minute; for a line that no test was seen to run, those of the module."""
    module = tmp_path / "services/prosaas_calls/door.py"
    asked = Asked("calls", tmp_path, {})
    asked.seconds = {
        "t/test_door.py::own": 5,
        "t/a.py::quick": 1,
        "t/a.py::long": MINUTE_S,
        "t/b.py::child": 2,
        "t/c": 1,
    }
    asked.starting = {"t/b.py::child"}
    asked.lines = {"services/prosaas_calls/door.py": {"7": ["t/a.py::long", "t/a.py::quick", "t/test_door.py::own"]}}
    expected = ["t/test_door.py::own", "t/a.py::quick", "t/b.py::child"]
    assert asked.may_notice(module, 7) == expected
    assert asked.may_notice(module, 1) == expected
