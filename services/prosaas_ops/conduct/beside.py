"""The archive beside a backup: the front door's certificates, and the calls that wait on disk for the database."""

import gzip
import os
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import IO

from prosaas_ops.conduct import encrypted, spooled
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container
from prosaas_ops.texts import kept as words

# Whose folder is whose volume; the folder's own name begins each name in the archive.
_FOLDERS = {"gateway": Path("/data"), "prosaas-calls": Path("/var/spool/prosaas")}
# What reading an archive can end in.
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, OSError)
# A folder in which files come and go while it is read may need another look.
_ATTEMPTS = 3
_END = bytes(1024)


def files_of(path: Path) -> Path:
    """The archive beside a dump."""
    plain = path.with_suffix("") if path.suffix == encrypted.ENDING else path
    return plain.with_suffix(".files.tar.gz" + path.suffix * (path != plain))


def write(world: World, path: Path, recipient: str) -> str:
    """Make the archive, where those run who have the files; what is said of it. Problem where it is not whole."""
    found = _running(world)
    if not found:
        return ""
    aside = files_of(path)
    part = aside.with_name(f"{aside.name}.{os.getpid()}.part")
    try:
        with tarfile.open(part, "x:gz") as archive:
            for one in found:
                with _fetched(one, path.parent) as held:
                    _copied(held, archive, held)
        part.chmod(0o600)
        _read_whole(part)
        if recipient:
            encrypted.for_recipient(part, recipient)
        os.replace(part, aside)
    except _UNREADABLE as error:
        raise Problem(words.NO_FILES(name=aside.name, why=error)) from None
    finally:
        part.unlink(missing_ok=True)
    return words.AND_FILES(name=aside.name)


def examine(path: Path, key: Path | None) -> None:
    """Read the archive beside the dump to its end; Problem where it is damaged."""
    aside = files_of(path)
    if aside.is_file():
        with _readable(aside, key):
            pass


def put_back(world: World, path: Path, key: Path | None, forgotten: Collection[str] = ()) -> None:
    """Bring back what those who run now do not have; what they have is newer, and stays.

    What is about a call of which the ledger has the hash does not come back. Problem where nobody runs to take them.
    """
    aside = files_of(path)
    if not aside.is_file():
        return
    running, count, left_out = _running(world), 0, 0
    if len(running) < len(_FOLDERS):
        raise Problem(words.FILES_LATER(name=aside.name, file=path.name))
    with _readable(aside, key) as archive:
        for one in running:
            with _fetched(one, path.parent) as held:
                there = frozenset(member.name for member in held)
            lacking = [member for member in archive if _is_of(one, member) and member.name not in there]
            back = [member for member in lacking if not _stays_away(archive, member, forgotten)]
            count += _sent(one, archive, back)
            left_out += len(lacking) - len(back)
    if count:
        world.say(words.FILES_BACK(name=aside.name, count=count))
    if left_out:
        world.say(words.FILES_LEFT_OUT(name=aside.name, count=left_out))
    if not count and not left_out:
        world.say(words.FILES_ALL_THERE(name=aside.name))


def _stays_away(archive: tarfile.TarFile, member: tarfile.TarInfo, forgotten: Collection[str]) -> bool:
    if member.name.partition("/")[0] != _FOLDERS["prosaas-calls"].name or not member.isreg():
        return False
    file = archive.extractfile(member)
    return file is not None and spooled.stays_away(member.name, file.read(), forgotten)


def _sent(one: Container, archive: tarfile.TarFile, members: Sequence[tarfile.TarInfo]) -> int:
    if not members:
        return 0
    count = 0
    # Into the volume itself: the engine lets nothing into a read-only root.
    command = ["docker", "cp", "-", f"{one.id}:{_FOLDERS[one.service]}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as copying:
        assert copying.stdin is not None
        # Where it ends before it has read all, it says why.
        with suppress(BrokenPipeError), tarfile.open(fileobj=copying.stdin, mode="w|") as sent:
            count = _copied(archive, sent, (_within(member) for member in members))
        _, told = copying.communicate()
    if copying.returncode:
        raise Problem(words.FILES_STAY(service=one.service, why=told.decode("utf-8", "replace").strip()[-300:]))
    return count


def _copied(source: tarfile.TarFile, target: tarfile.TarFile, members: Iterable[tarfile.TarInfo]) -> int:
    """Each as it is, owners and all; how many files these are."""
    count = 0
    for member in members:
        target.addfile(member, source.extractfile(member) if member.isreg() else None)
        count += member.isreg()
    return count


def _within(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same under its name within the folder."""
    # Not its own replace: the first releases of Python 3.11 have none.
    within = copy(member)
    within.name = member.name.partition("/")[2]
    # A name that is long, or not ASCII, stands here as well, and this would be written.
    within.pax_headers = {key: told for key, told in member.pax_headers.items() if key != "path"}
    return within


def _is_of(one: Container, member: tarfile.TarInfo) -> bool:
    return member.name.partition("/")[0] == _FOLDERS[one.service].name


def _running(world: World) -> list[Container]:
    """One container of each service that has such files, the newest."""
    found = [one for one in world.containers(*_FOLDERS) if one.state == "running"]
    return list({one.service: one for one in found}.values())


@contextmanager
def _readable(aside: Path, key: Path | None) -> Iterator[tarfile.TarFile]:
    """The archive, read to its end before anybody acts on what its beginning says; Problem where it is damaged."""
    try:
        with encrypted.opened(aside, key) as plain:
            _read_whole(plain)
            with tarfile.open(plain) as archive:
                yield archive
    except _UNREADABLE as error:
        raise problem(words.FILES_DAMAGED(name=aside.name, why=error), words.WITHOUT_FILES(name=aside.name)) from None


@contextmanager
def _fetched(one: Container, folder: Path) -> Iterator[tarfile.TarFile]:
    """What the container has, whole: put aside in the folder first, for it may be more than memory holds."""
    command = ["docker", "cp", f"{one.id}:{_FOLDERS[one.service]}", "-"]
    for _ in range(_ATTEMPTS):
        with tempfile.TemporaryFile(dir=folder) as file:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, check=False)
            if done.returncode == 0 and _is_ended(file):
                with tarfile.open(fileobj=file, mode="r:") as held:
                    yield held
                return
    why = done.stderr.decode("utf-8", "replace").strip()[-300:] or words.CUT_SHORT
    raise Problem(words.FILES_UNREAD(service=one.service, why=why))


def _is_ended(file: IO[bytes]) -> bool:
    """Whether the stream came to its own end, two blocks of nothing: the engine may break off and say nothing of it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(_END)))
    ended = file.read() == _END
    file.seek(0)
    return ended


def _read_whole(path: Path) -> None:
    """Every byte of it, up to the sum that gzip has behind them; one of `_UNREADABLE` where that cannot be."""
    with gzip.open(path) as file:
        while file.read(1 << 20):
            pass
    with tarfile.open(path) as archive:
        archive.getmembers()
