"""Files are replaced whole; .env is read as Compose reads it, and only what was meant changes in it."""

import os
import stat
from pathlib import Path

import pytest

from prosaas_ops.conduct.files import EnvFile, assigned, read_env
from prosaas_ops.files import replace
from prosaas_ops.options import Problem


def test_a_replaced_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    before = os.umask(0o000)
    try:
        replace(path, "SECRET=1\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text("OLD=1\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace(path, "NEW=1\n")
    assert path.read_text() == "OLD=1\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=demo-1 # console", "demo-1"),
        ('A="demo secret" # Meta', "demo secret"),
        ("export A=1", "1"),
        ("A: DEBUG", "DEBUG"),
        ("A=  spaced  ", "spaced"),
        ("A='p@ss/w#rd:1%'", "p@ss/w#rd:1%"),
        ("A='$HOME'", "$HOME"),
        ("A=one\r", "one"),
        ("\ufeffA=marked", "marked"),
        ("A=", ""),
    ],
)
@pytest.mark.docker
def test_a_setting_is_what_compose_says_that_it_is(tmp_path: Path, line: str, value: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"{line}\nB=2\n", encoding="utf-8", newline="")
    assert read_env(path) == {"A": value, "B": "2"}


@pytest.mark.docker
def test_the_project_a_file_names_is_not_the_readers_own(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("COMPOSE_PROJECT_NAME=mine\n")
    assert read_env(path) == {"COMPOSE_PROJECT_NAME": "mine"}


@pytest.mark.docker
def test_a_put_changes_that_setting_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# why\nA=1\nSECRET='a # b'\nA=2")
    env = EnvFile(path)
    assert env.put(A="3", NEW="with space")
    assert path.read_text() == "# why\nSECRET='a # b'\nA=3\nNEW='with space'\n"
    assert not env.put(A="3")


@pytest.mark.docker
def test_a_line_that_is_part_of_another_is_left_to_a_person(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text('TEXT="first\nA=second"\nB=1\n')
    before = path.read_text()
    with pytest.raises(Problem, match="by hand"):
        EnvFile(path).put(A="3")
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_env_cannot_hold_is_refused() -> None:
    with pytest.raises(Problem, match="cannot hold"):
        assigned("", {"A": "it's"})


@pytest.mark.docker
@pytest.mark.parametrize("line", ["sk-planted secret", "SECRET='sk-planted", "SECRET=${sk-planted"])
def test_a_line_that_compose_cannot_read_is_named_by_its_number_alone(tmp_path: Path, line: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"A=1\n{line}\nB=2\n")
    with pytest.raises(Problem, match=r"\.env, line 2: Compose cannot read it") as refused:
        read_env(path)
    assert "planted" not in str(refused.value)


def test_a_nul_byte_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\nSECRET=hunter\0two\n")
    with pytest.raises(Problem, match=r"\.env, line 2: there is a NUL byte") as refused:
        read_env(path)
    assert "hunter" not in str(refused.value)
