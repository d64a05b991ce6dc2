"""The lines of a generation that a deploy took away are read like those of a container that runs."""

import gzip
import os
from pathlib import Path

from prosaas_ops.stack.engine import Engine


def test_lines_of_a_generation_that_is_gone_are_read_in_their_window(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "prosaas-calls.0123456789ab.gz", "wt", encoding="utf-8") as file:
        for second in range(5):
            file.write(f"2026-11-27T10:00:0{second}.000000000Z [INFO] line {second}\n")
    (gone,) = Engine("x").kept("prosaas-calls", "worker", folder=tmp_path)
    assert (gone.service, gone.state) == ("prosaas-calls", "gone")
    start = 1795773600.0
    os.utime(gone.id, (start + 4, start + 4))
    assert [raw.text for raw in Engine("x").logs(gone, start + 1, start + 3.5)] == [
        f"[INFO] line {n}" for n in (1, 2, 3)
    ]


def test_other_services_and_cut_files_have_none(tmp_path: Path) -> None:
    (tmp_path / "worker.1.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    assert Engine("x").kept("prosaas-calls", folder=tmp_path) == []
    (cut,) = Engine("x").kept("worker", folder=tmp_path)
    assert list(Engine("x").logs(cut)) == []


def test_a_file_whose_last_line_is_too_old_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "worker.1.gz"
    path.write_bytes(gzip.compress(b"2026-11-27T10:00:00.000000000Z [INFO] x\n"))
    os.utime(path, (1795773600.0, 1795773600.0))
    (gone,) = Engine("x").kept("worker", folder=tmp_path)
    assert len(list(Engine("x").logs(gone, 1795773600.0))) == 1
    path.write_bytes(b"cannot be read")
    os.utime(path, (1795773600.0, 1795773600.0))
    assert list(Engine("x").logs(gone, 1795773700.0)) == []
