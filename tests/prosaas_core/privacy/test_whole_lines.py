"""A line is in the file whole or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from full_disk import room_for
from prosaas_core.privacy import ledger
from prosaas_core.privacy.whole_lines import append


def test_where_a_line_stands_is_told(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    for line in ("first", "שנייה"):
        start, end = append(file, line)
        assert file.read_bytes()[start:end].decode() == f"{line}\n"


def test_a_full_disk_leaves_no_half_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    append(file, "first")
    with room_for(file, 3), pytest.raises(OSError, match="No space left"):
        append(file, "second")
    append(file, "third")
    assert file.read_text() == "first\nthird\n"


def test_a_line_that_was_cut_short_takes_none_after_it(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("first\nsec")
    start, end = append(file, "third")
    assert file.read_text() == "first\nsec\nthird\n"
    assert file.read_bytes()[start:end] == b"third\n"


def test_who_is_forgotten_while_the_disk_is_full_keeps_no_restore_from_reading_the_others(tmp_path: Path) -> None:
    first, second, third = (ledger.Forgotten(name, datetime.now(UTC), {"calls": ["ab"]}) for name in ("a", "b", "c"))
    ledger.note(tmp_path, first)
    assert (tmp_path / ledger.FILE).stat().st_mode & 0o777 == 0o600
    with room_for(tmp_path / ledger.FILE, 10), pytest.raises(OSError, match="No space left"):
        ledger.note(tmp_path, second)
    ledger.note(tmp_path, third)
    assert [each.receipt for each in ledger.noted(tmp_path)] == ["a", "c"]
