"""An encrypted backup is read by its recipient's key alone, and what fails leaves nothing behind that could be read."""

import shutil
import subprocess
from pathlib import Path

import pytest

from prosaas_ops.conduct import encrypted
from prosaas_ops.options import Problem

pytestmark = pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed on this machine")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True)
    return path


def recipient(key: Path) -> str:
    return subprocess.run(["age-keygen", "-y", str(key)], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "backups/one.dump.age"
    path.parent.mkdir()
    path.write_bytes(b"PGDMP what people said")
    return path


def test_the_key_opens_it_for_as_long_as_it_is_needed(dump: Path, key: Path) -> None:
    encrypted.for_recipient(dump, recipient(key))
    assert b"people" not in dump.read_bytes()
    assert dump.stat().st_mode & 0o777 == 0o600
    with encrypted.opened(dump, key) as plain:
        assert plain.name == "one.dump"
        assert plain.read_bytes() == b"PGDMP what people said"
        assert plain.parent.stat().st_mode & 0o077 == 0
    assert [path.name for path in dump.parent.iterdir()] == [dump.name]


def test_a_break_while_it_is_open_leaves_nothing_to_read(dump: Path, key: Path) -> None:
    encrypted.for_recipient(dump, recipient(key))
    with pytest.raises(RuntimeError), encrypted.opened(dump, key):
        raise RuntimeError
    assert [path.name for path in dump.parent.iterdir()] == [dump.name]


def test_another_key_or_none_opens_nothing(dump: Path, key: Path, tmp_path: Path) -> None:
    encrypted.for_recipient(dump, recipient(key))
    other = tmp_path / "other.txt"
    subprocess.run(["age-keygen", "-o", str(other)], check=True, capture_output=True)
    for wrong in (other, tmp_path / "absent.txt", None):
        with pytest.raises(Problem, match="KEY="), encrypted.opened(dump, wrong):
            pytest.fail("opened")
    assert [path.name for path in dump.parent.iterdir()] == [dump.name]


@pytest.mark.parametrize("wrong", ["nobody", "--passphrase", ""])
def test_who_is_no_recipient_is_told_and_nothing_is_kept_in_half(dump: Path, wrong: str) -> None:
    with pytest.raises(Problem, match="BACKUP_RECIPIENT"):
        encrypted.for_recipient(dump, wrong)
    assert [path.name for path in dump.parent.iterdir()] == [dump.name]


def test_what_is_not_encrypted_is_taken_as_it_is(tmp_path: Path) -> None:
    plain = tmp_path / "one.dump"
    with encrypted.opened(plain, None) as opened:
        assert opened == plain
