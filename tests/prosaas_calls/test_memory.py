"""What a journal says of the memory of its process."""

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
    monkeypatch.setattr(module, "_LIMITS", (tmp_path / "absent", tmp_path / "limit"))
    used, _, rest = memory().partition(" ")
    assert int(used) > 10
    assert f" {rest}" == ending
