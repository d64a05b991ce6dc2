"""What doctor tells and a start refuses, from what .env says."""

from pathlib import Path

import pytest

from prosaas_ops.conduct.machine import PREFLIGHT, database, prices
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
    assert [finding.fix for finding in found if finding.topic == "database"] == ([] if fix is None else [fix])
    assert not [finding for finding in found if "hunter2" in finding.text]


@pytest.mark.parametrize(("asked", "told"), [("", "go in as that user"), ("DATABASE_ROLES=1\n", "a role for each")])
def test_whether_services_have_rights_of_their_own_at_a_managed_database_is_told(
    asked: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL=postgresql://me:p@db.example.com/name\n{asked}")
    (row,) = [finding for finding in database(World(tmp_path), "prod") if finding.topic == "roles"]
    assert told in row.text


@pytest.mark.parametrize(
    ("file", "dotenv", "said"),
    [
        (None, "", []),
        ("[twilio]\nsms = 0.01\n", "MAX_COST_PER_CALL=2.50\n", [("env/prices.toml before the shipped ones", "")]),
        ("[twilio]\nsmss = 0.01\n", "", [("line 2: smss is not one of", "put it right as in")]),
        ("[twilio\n", "", [("at line 1", "put it right as in")]),
        (None, "MAX_COST_PER_DAY=much\n", [("MAX_COST_PER_DAY=much is no amount", "one like 2.50")]),
    ],
)
def test_a_file_of_prices_with_a_typo_is_refused_with_its_line(
    file: str | None, dotenv: str, said: list[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(dotenv)
    (tmp_path / "env").mkdir()
    if file is not None:
        (tmp_path / "env/prices.toml").write_text(file)
    found = list(prices(World(tmp_path), "prod"))
    assert len(found) == len(said)
    for finding, (text, fix) in zip(found, said, strict=True):
        assert text in finding.text
        assert finding.fix.startswith(fix)
        assert bool(finding.fix) == bool(fix)
    assert prices in PREFLIGHT
