"""What doctor tells and a start refuses, from what .env says."""

from pathlib import Path

import pytest

from prosaas_ops.conduct.machine import database
from prosaas_ops.conduct.world import World


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("", None),
        ("postgresql://u:p@ep-x.neon.tech/d?sslmode=require&channel_binding=require", ""),
        ("postgresql://u:hunter2/s3cr3t@host/d", "correct it in .env"),
        ("mysql://u:hunter2@host/d", "correct it in .env"),
    ],
)
def test_an_address_that_cannot_work_is_told_before_anything_starts(url: str, fix: str | None, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL='{url}'\n")
    found = list(database(World(tmp_path), "prod"))
    assert [finding.fix for finding in found] == ([] if fix is None else [fix])
    assert not [finding for finding in found if "hunter2" in finding.text]
