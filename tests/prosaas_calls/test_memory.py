"""What a journal says of the memory of its process."""

import resource
from pathlib import Path

import pytest

from prosaas_calls import memory as module
from prosaas_calls.memory import memory


@pytest.mark.parametrize(
    ("limit", "ending"),
    [("1073741824\n", " of 1024 MiB"), ("max\n", " MiB"), (str(2**63), " MiB"), (str(2**50), " MiB")],
)
def test_memory_is_told_with_its_limit_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, ending: str
) -> None:
    (tmp_path / "limit").write_text(limit)
    (tmp_path / "statm").write_text(f"{2**30} {32 * 2**20 // resource.getpagesize()} 70000 1 0 1 0\n")
    monkeypatch.setattr(module, "_LIMITS", (tmp_path / "absent", tmp_path / "limit"))
    monkeypatch.setattr(module, "_STATM", tmp_path / "statm")
    assert memory() == f"32{ending}"


def test_this_process_uses_some_memory_and_not_a_terabyte() -> None:
    assert 10 < int(memory().partition(" ")[0]) < 2**20
