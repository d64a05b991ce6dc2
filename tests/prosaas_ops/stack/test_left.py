"""What the tools left about a person is found by what is in it, whole or not."""

import gzip
import random
import re
from pathlib import Path

import pytest

from prosaas_ops.act.capture import archive
from prosaas_ops.files import ASIDE
from prosaas_ops.stack import buried, left

ANNA = re.compile(b"anna")


def test_an_archive_that_was_cut_short_is_theirs_by_what_it_still_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ended an export in the middle of a file."""
    monkeypatch.chdir(tmp_path)
    left.OUTPUT.mkdir()
    noise = random.Random(1).randbytes(200_000).hex()
    whole = archive("export", {"person.json": f"anna {noise}"})
    for name, data in {"whole": whole, "half": whole[: len(whole) // 2], "others": archive("x", {"y": noise})}.items():
        (left.OUTPUT / f"{name}.tar.gz").write_bytes(data)
    assert [path.name for path in left.found(ANNA)] == ["half.tar.gz", "whole.tar.gz"]


def test_what_a_kill_left_half_written_is_theirs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    left.OUTPUT.mkdir()
    (left.OUTPUT / f"trace-CA1.html.x1{ASIDE}").write_bytes(b"anna")
    left.take_away(ANNA)
    assert list(left.OUTPUT.iterdir()) == []


@pytest.mark.parametrize("indent", [" ", "\t"])
def test_the_rows_below_a_line_of_theirs_go_with_it(
    indent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    buried.KEPT.mkdir(parents=True)
    path = buried.KEPT / "worker.1.gz"
    rows = ["[ERROR] anna", f"{indent}what she said", "[INFO] on"]
    path.write_bytes(gzip.compress("".join(f"2024-01-25T14:00:00Z {row}\n" for row in rows).encode()))
    left.take_away(ANNA)
    assert gzip.decompress(path.read_bytes()) == b"2024-01-25T14:00:00Z [INFO] on\n"
