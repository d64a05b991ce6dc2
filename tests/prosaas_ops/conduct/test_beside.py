"""The archive beside a backup is whole, sealed like it, and brings back what is not there any more."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_ops.conduct import beside, encrypted
from prosaas_ops.options import Problem


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stack whose front door and calls have a file each, streamed by a docker of the test's own."""
    for container, name in (("1", "data/key.pem"), ("2", "prosaas/CA1.json")):
        with tarfile.open(tmp_path / f"{container}.tar", "w") as archive:
            member = tarfile.TarInfo(name)
            member.size, member.uid = len(name), 10001
            archive.addfile(member, BytesIO(name.encode()))
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(
        f'#!/bin/sh\ncd "{tmp_path}"\n'
        'if [ "$2" = - ]; then cat >"sent-${3%%:*}.tar"; else exec cat "${2%%:*}.tar"; fi\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    there = [
        SimpleNamespace(id=number, service=name, state="running")
        for number, name in (("1", "gateway"), ("2", "prosaas-calls"))
    ]
    found = SimpleNamespace(code=0)
    said: list[str] = []
    return SimpleNamespace(
        project="p", docker=lambda *_, **__: found, containers=lambda *_: there, said=said, say=said.append
    )


def test_certificates_and_spool_are_one_archive_that_any_tar_reads(played: Any, tmp_path: Path) -> None:
    """Each as the engine has it, owners and all."""
    (tmp_path / "kept").mkdir()
    beside.write(played, tmp_path / "kept/one.dump", "")
    archive = tmp_path / "kept/one.files.tar.gz"
    listed = subprocess.run(["tar", "-tzf", str(archive)], capture_output=True, text=True, check=True).stdout
    assert listed.split() == ["data/key.pem", "prosaas/CA1.json"]
    with tarfile.open(archive) as found:
        assert {member.uid for member in found} == {10001}
    assert archive.stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_encrypted_no_certificate_and_no_call_is_left_readable(
    played: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _recipient: str) -> None:
        raise Problem("no space left")

    monkeypatch.setattr(encrypted, "for_recipient", full)
    (tmp_path / "kept").mkdir()
    with pytest.raises(Problem, match="no space"):
        beside.write(played, tmp_path / "kept/one.dump.age", "age1x")
    assert list((tmp_path / "kept").iterdir()) == []


def test_what_is_not_there_any_more_comes_back_and_what_is_there_stays(played: Any, tmp_path: Path) -> None:
    """A certificate that was renewed since is newer than the backup's."""
    (tmp_path / "kept").mkdir()
    path = tmp_path / "kept/one.dump"
    beside.write(played, path, "")
    with tarfile.open(tmp_path / "2.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("prosaas/CA2.json"))
    beside.put_back(played, path, None)
    assert not (tmp_path / "sent-1.tar").exists()
    with tarfile.open(tmp_path / "sent-2.tar") as sent:
        assert [(member.name, member.uid) for member in sent] == [("CA1.json", 10001)]
    assert len(played.said) == 1


def test_a_backup_without_an_archive_brings_nothing_back(played: Any, tmp_path: Path) -> None:
    beside.put_back(played, tmp_path / "older.dump", None)
    assert played.said == []
