"""What was kept of containers that are gone, also where a file of it is damaged."""

import gzip
from pathlib import Path

import pytest

from prosaas_ops.stack import buried

WRITTEN = "".join(
    f"2026-11-28T10:00:{n // 1000:02}.{n % 1000:03}Z line {n} {n * 7919 % 10007}\n" for n in range(20_000)
)


@pytest.mark.parametrize("damage", ["cut", "changed", "no gzip"])
def test_of_a_damaged_file_what_can_be_read_is_shown_and_the_rest_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    """A trace that shows less must not look whole."""
    path = tmp_path / "worker.0123456789ab.gz"
    whole = gzip.compress(WRITTEN.encode())
    kept = len(whole) * 9 // 10
    damaged = {
        "cut": whole[:kept],
        "changed": whole[:kept] + b"\0" * 40 + whole[kept + 40 :],
        "no gzip": b"no gzip",
    }
    path.write_bytes(damaged[damage])
    found = list(buried.lines(path, "worker", None, None))
    assert len(found) > 10_000 or damage == "no gzip"
    # The checksum that tells of changed bytes comes at the end, after some wrong lines.
    assert [line.text for line in found[:10_000]] == [
        row.split(" ", 1)[1] for row in WRITTEN.splitlines()[: len(found)]
    ][:10_000]
    assert f"{path} is damaged" in capsys.readouterr().err


def test_a_file_that_just_went_has_no_lines_and_nothing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(buried.lines(tmp_path / "worker.gone.gz", "worker", None, None)) == []
    assert capsys.readouterr().err == ""
