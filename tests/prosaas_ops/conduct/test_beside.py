"""The archive beside a backup is whole, sealed like it, and brings back what is not there any more."""

import os
import subprocess
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_core.privacy.ledger import hashed
from prosaas_ops.conduct import beside, encrypted, restore
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem, Usage


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
        "[ ! -x broken ] || . ./broken\n"
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


def breaks(folder: Path, how: str) -> None:
    """What docker does from now on, in the shell's words."""
    (folder / "broken").write_text(how)
    (folder / "broken").chmod(0o755)


@pytest.mark.parametrize(
    "how",
    [
        'head -c 600 "${2%%:*}.tar"; exit 1',
        'head -c 600 "${2%%:*}.tar"; exit 0',
        "head -c 1024 1.tar; exit 0",
        "exit 1",
    ],
    ids=["cut, and said so", "cut, and said nothing", "cut between two files", "nothing at all"],
)
def test_a_stream_that_is_cut_leaves_no_archive_and_is_said(played: Any, tmp_path: Path, how: str) -> None:
    (tmp_path / "kept").mkdir()
    breaks(tmp_path, how)
    with pytest.raises(Problem, match="the files of gateway could not be read"):
        beside.write(played, tmp_path / "kept/one.dump", "")
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_folder_that_changed_while_it_was_read_is_read_again(played: Any, tmp_path: Path) -> None:
    """The second look is whole, and nothing of the first is in the archive."""
    (tmp_path / "kept").mkdir()
    breaks(tmp_path, 'chmod a-x broken; head -c 600 "${2%%:*}.tar"; exit 1')
    beside.write(played, tmp_path / "kept/one.dump", "")
    with tarfile.open(tmp_path / "kept/one.files.tar.gz") as archive:
        assert archive.getnames() == ["data/key.pem", "prosaas/CA1.json"]


def test_what_the_running_stack_has_is_known_before_anything_is_put_back(played: Any, tmp_path: Path) -> None:
    """A list that is cut would have an older certificate replace a newer one."""
    (tmp_path / "kept").mkdir()
    beside.write(played, tmp_path / "kept/one.dump", "")
    breaks(tmp_path, 'if [ "$3" = - ]; then head -c 0 "${2%%:*}.tar"; exit 1; fi')
    with pytest.raises(Problem, match="could not be read"):
        beside.put_back(played, tmp_path / "kept/one.dump", None)
    assert list(tmp_path.glob("sent-*")) == []


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


@pytest.mark.parametrize("host", ["calls.prosaas.co.il", "\u05e2\u05e1\u05e7.example"])
def test_a_certificate_comes_back_to_its_place_however_its_name_is_kept(played: Any, tmp_path: Path, host: str) -> None:
    """A name that is longer than a tar's own field, or not ASCII, stands in the archive a second time."""
    name = f"caddy/certificates/acme-v02.api.letsencrypt.org-directory/{host}/{host}.crt"
    with tarfile.open(tmp_path / "1.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(f"data/{name}"))
    (tmp_path / "kept").mkdir()
    beside.write(played, tmp_path / "kept/one.dump", "")
    tarfile.open(tmp_path / "1.tar", "w").close()
    beside.put_back(played, tmp_path / "kept/one.dump", None)
    with tarfile.open(tmp_path / "sent-1.tar") as sent:
        assert sent.getnames() == [name]


def test_files_that_nobody_runs_to_take_are_named_with_the_command_for_them_alone(played: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    beside.write(played, tmp_path / "kept/one.dump", "")
    played.containers = lambda *_: []
    with pytest.raises(Problem, match=r"make restore FILE=\S+one\.dump FILES=1"):
        beside.put_back(played, tmp_path / "kept/one.dump", None)


def test_who_was_forgotten_since_stays_away_and_the_certificate_comes_back(played: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    path = tmp_path / "kept/one.dump"
    with tarfile.open(tmp_path / "2.tar", "w") as archive:
        for call in ("CA1", "CA2"):
            record = f'{{"call_sid": "{call}", "end_reason": "customer_hangup"}}'.encode()
            member = tarfile.TarInfo(f"prosaas/{call}.json")
            member.size = len(record)
            archive.addfile(member, BytesIO(record))
    beside.write(played, path, "")
    for container in ("1", "2"):
        with tarfile.open(tmp_path / f"{container}.tar", "w"):
            pass
    beside.put_back(played, path, None, {hashed("CA1")})
    for container, name in (("1", "key.pem"), ("2", "CA2.json")):
        with tarfile.open(tmp_path / f"sent-{container}.tar") as sent:
            assert sent.getnames() == [name]
    assert len(played.said) == 2


def test_where_nothing_is_missing_it_says_so(played: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    beside.write(played, tmp_path / "kept/one.dump", "")
    beside.put_back(played, tmp_path / "kept/one.dump", None)
    assert played.said == ["every file of one.files.tar.gz is in its place already: none is put back"]
    assert list(tmp_path.glob("sent-*")) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x.dump", "there is no backup x.dump\nbackups/whole.dump"),
        ("", "which backup? FILE=backups/….dump\nbackups/whole.dump"),
        (
            "backups/bare.dump",
            "there are no files beside backups/bare.dump (bare.files.tar.gz), so none to put back; "
            "the database alone: make restore FILE=backups/bare.dump\n"
            "backups with an archive beside them:\nbackups/whole.dump",
        ),
    ],
)
def test_where_there_are_no_files_to_restore_those_backups_are_named_that_have_some(
    tmp_path: Path, name: str, told: str
) -> None:
    (tmp_path / "backups").mkdir()
    for file in ("whole.dump", "whole.files.tar.gz", "bare.dump"):
        (tmp_path / "backups" / file).touch()
    with pytest.raises(Usage) as wrong:
        restore.files_only(World(tmp_path), name)
    assert str(wrong.value) == told


def test_an_unknown_backup_is_answered_with_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    for file in ("a.dump", "b.dump.age", "b.files.tar.gz.age"):
        (tmp_path / "backups" / file).touch()
    with pytest.raises(Usage) as wrong:
        restore.examined(World(tmp_path), "x", force=False)
    assert str(wrong.value) == "there is no backup x\nbackups/a.dump\nbackups/b.dump.age"


def test_a_backup_without_an_archive_brings_nothing_back(played: Any, tmp_path: Path) -> None:
    beside.put_back(played, tmp_path / "older.dump", None)
    assert played.said == []


def cut(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def flipped(whole: bytes) -> bytes:
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]


def no_archive(_whole: bytes) -> bytes:
    return b"not an archive"


@pytest.mark.parametrize("harmed", [cut, flipped, no_archive])
def test_a_damaged_archive_is_refused_with_a_way_around_it_and_nothing_of_it_is_put_back(
    harmed: Callable[[bytes], bytes], played: Any, tmp_path: Path
) -> None:
    """Half a certificate is worse than none."""
    (tmp_path / "kept").mkdir()
    path = tmp_path / "kept/one.dump"
    for container, name in (("1", "data/key.pem"), ("2", "prosaas/CA1.json")):
        with tarfile.open(tmp_path / f"{container}.tar", "w") as archive:
            member = tarfile.TarInfo(name)
            member.size = 100_000
            archive.addfile(member, BytesIO(os.urandom(member.size)))
    beside.write(played, path, "")
    aside = beside.files_of(path)
    aside.write_bytes(harmed(aside.read_bytes()))
    for container in ("1", "2"):
        with tarfile.open(tmp_path / f"{container}.tar", "w"):
            pass
    for read in (lambda: beside.examine(path, None), lambda: beside.put_back(played, path, None)):
        with pytest.raises(Problem, match=r"(?s)cannot be read to its end.*move one\.files\.tar\.gz away"):
            read()
    assert list(tmp_path.glob("sent-*")) == []


def test_an_engine_that_takes_nothing_in_is_a_problem_that_says_why(played: Any, tmp_path: Path) -> None:
    """More than a pipe holds: it ends while it is still written to."""
    (tmp_path / "kept").mkdir()
    path = tmp_path / "kept/one.dump"
    with tarfile.open(tmp_path / "1.tar", "w") as archive:
        member = tarfile.TarInfo("data/key.pem")
        member.size = 1_000_000
        archive.addfile(member, BytesIO(os.urandom(member.size)))
    beside.write(played, path, "")
    with tarfile.open(tmp_path / "1.tar", "w"):
        pass
    breaks(tmp_path, 'if [ "$2" = - ]; then echo no space left >&2; exit 1; fi')
    with pytest.raises(Problem, match="did not go back to gateway: no space left"):
        beside.put_back(played, path, None)
