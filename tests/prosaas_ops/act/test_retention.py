"""`make retention` tells what is kept and sweeps this machine's own files."""

import os
import time
from pathlib import Path

import pytest

from prosaas_core.privacy.places import DAYS, RULES
from prosaas_ops.act import retention
from prosaas_ops.options import FINE, PROBLEM, Options, Problem


@pytest.mark.postgres
def test_each_rule_is_told_and_old_files_go(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    Path(".env").write_text("KEEP_TRANSCRIPTS_DAYS=7\nKEEP_EVENTS_DAYS=0\nKEEP_CAPTURES_DAYS=2\n")
    for name, age in {"logs/new.html": 1, "logs/old.html": 3, ".state/lines/a.gz": 3, ".state/lines/b.gz": 31}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("")
        os.utime(name, (time.time() - age * 86_400,) * 2)
    assert retention.run(Options("retention", (), {})) == FINE
    said = capsys.readouterr().out
    assert all(rule.setting.upper() in said for _, rule in RULES)
    assert "7 days" in said
    assert "ever" in said
    assert "2 old files removed" in said
    assert {str(path) for path in Path().rglob("*") if path.is_file()} == {".env", "logs/new.html", ".state/lines/a.gz"}


@pytest.mark.postgres
def test_a_file_that_cannot_be_removed_is_said_and_the_others_go(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    for name in ("logs/stuck.html", ".state/lines/a.gz"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("")
        os.utime(name, (0, 0))
    unlink = Path.unlink

    def refusing(path: Path, missing_ok: bool = False) -> None:
        if path.name == "stuck.html":
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    assert retention.run(Options("retention", (), {})) == PROBLEM
    told = capsys.readouterr()
    assert "1 old files removed" in told.out
    assert "could not be removed: [Errno 1] Operation not permitted: 'logs/stuck.html'" in told.err


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "99999", "٣"])
def test_what_is_no_number_of_days_is_refused(value: str) -> None:
    with pytest.raises(Problem, match=r"KEEP_LINES_DAYS=.* is not a number of days up to 36500"):
        retention.days(lambda name: value, "KEEP_LINES_DAYS")
    assert retention.days(lambda name: "", "KEEP_LINES_DAYS") == DAYS["keep_lines_days"]
