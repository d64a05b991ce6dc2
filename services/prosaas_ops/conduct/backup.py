"""A backup of the database: whole or not at all, proved if that is asked for, and only as many as are wanted."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from prosaas_core.privacy import ledger
from prosaas_ops.conduct import beside, encrypted
from prosaas_ops.conduct.database import aside, counted, drop, piped, readable, require_container, said
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.files import replace
from prosaas_ops.options import Problem
from prosaas_ops.texts import kept as words

FOLDER = "backups"
_CRON = re.compile(r"(?:[0-9A-Za-z*/,-]{1,60}+ {1,8}+){4}[0-9A-Za-z*/,-]{1,60}+")
# Those of `make backup`, and the ones that `make restore` writes first.
_OUR_NAMES = [re.compile(rf"{kind}-\d{{8}}T\d{{6}}Z\.dump(\.age)?") for kind in ("prosaas", "before-restore")]


def backup(world: World, name: str = "", *, over: bool = False, verify: bool = False) -> Path:
    """Write the database into a file, and beside it the certificates and the records that wait for the database.

    A file that is there is replaced only with `over`. Without a name, BACKUP_KEEP says how many of ours are kept then;
    BACKUP_RECIPIENT to whom they are encrypted. With `verify` it is restored aside first, and that is what proves it.
    """
    require_container(world)
    recipient = world.setting("BACKUP_RECIPIENT")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = world.root / (name or f"{FOLDER}/prosaas-{stamp}.dump{encrypted.ENDING if recipient else ''}")
    if recipient and path.suffix != encrypted.ENDING:
        raise problem(words.ENCRYPTED(name=path.name), f"FILE={name}{encrypted.ENDING}")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        _free(world, path, over=over)
        _dumped(world, part)
        if verify:
            _proven(world, part)
        if recipient:
            encrypted.for_recipient(part, recipient)
        os.replace(part, path)
    except OSError as error:
        raise problem(words.NOT_WRITTEN(file=path, why=error.strerror), str(words.WRITABLE)) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    files, lacking = "", None
    try:
        files = beside.write(world, path, recipient)
    except Problem as error:
        # The dump is whole and stays, and goes where dumps go; what is said in the end is that something is lacking.
        lacking = error
    shown = path.relative_to(world.root) if path.is_relative_to(world.root) else path
    world.say(words.WRITTEN(shown=shown, size=path.stat().st_size, files=files))
    if copy := world.recorded("BACKUP_COPY"):
        # The door runs it, on the host, where its tools and keys are.
        files_beside = (beside.files_of(path), world.root / FOLDER / ledger.FILE)
        there = [str(file) for file in (path, *files_beside) if file.exists()]
        replace(world.state / "copy", "\n".join([copy, *there]) + "\n")
    if not name:
        _keep(world, path)
    if lacking is not None:
        raise lacking
    return path


def is_time(when: str) -> bool:
    """Whether cron takes it for one."""
    return _CRON.fullmatch(when) is not None


def schedule(world: World, when: str) -> None:
    """Leave the time for the host's own cron, which the door tells: nothing of ours has to run for it."""
    if when and not is_time(when):
        raise problem(words.NO_CRON(when=when[:60]), str(words.FIVE_FIELDS), "docs/operations.md")
    replace(world.state / "schedule", when)


def drill(world: World, name: str = "", key: str = "") -> None:
    """Restore the newest backup aside, compare its counts with the live ones, and leave nothing behind."""
    require_container(world)
    files = sorted(dumps(world), key=lambda path: path.stat().st_mtime)
    path = world.root / name if name else (files[-1] if files else None)
    if path is None or not path.is_file():
        raise problem(str(words.NO_BACKUP), "make backup")
    started = time.monotonic()
    with encrypted.opened(path, world.root / key if key else None) as plain:
        readable(world, plain)
        try:
            aside(world, plain, "prosaas_drill")
            found = counted(world, "prosaas_drill")
        finally:
            drop(world, "prosaas_drill")
    world.say(words.CAN_BE(name=path.name, seconds=f"{time.monotonic() - started:.0f}"))
    world.say(words.IN_BACKUP(counted=found))
    world.say(words.LIVE_NOW(counted=counted(world, "prosaas")))


def dumps(world: World) -> list[Path]:
    """Every backup in its folder, under whatever name."""
    return [path for ending in ("", encrypted.ENDING) for path in (world.root / FOLDER).glob(f"*.dump{ending}")]


def _free(world: World, path: Path, *, over: bool) -> None:
    """Room for the file. No folder is made outside of ours: it would be the tools' container's, and gone with it."""
    if not path.resolve().is_relative_to(world.root.resolve()) and not path.parent.is_dir():
        raise problem(words.NO_FOLDER(folder=path.parent), words.MAKE_FOLDER(folder=path.parent))
    if path.exists() and not over:
        raise problem(words.THERE_ALREADY(name=path.name), str(words.OTHER_FILE))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _dumped(world: World, part: Path) -> None:
    with part.open("xb") as file:
        done = piped(world, ["pg_dump", "--format=custom", "--username=prosaas", "--dbname=prosaas"], out=file)
        file.flush()
        os.fsync(file.fileno())
    if done.returncode:
        raise problem(words.NOT_FINISHED(why=said(done)), "docker compose logs postgres")
    # Every byte of it, not the table of contents alone: a dump that was cut keeps its contents.
    with part.open("rb") as file:
        if piped(world, ["pg_restore", "--file=/dev/null"], feed=file).returncode:
            raise problem(str(words.NOT_READ_BACK), str(words.SPACE))


def _proven(world: World, part: Path) -> None:
    """Restored beside the database, where it harms nothing."""
    try:
        aside(world, part, "prosaas_proof")
        world.say(words.PROVEN(counted=counted(world, "prosaas_proof")))
    finally:
        drop(world, "prosaas_proof")


def _keep(world: World, newest: Path) -> None:
    """As many dumps of each kind that we named as BACKUP_KEEP says, the latest; all of them without it.

    Always the one just made, and the newest of its kind that lacks nothing. What a restore writes first takes none
    away: whoever tries one backup after the other has all of them to try.
    """
    keep = world.setting("BACKUP_KEEP")
    if not keep.isdecimal() or int(keep) == 0:
        return
    for kind in _OUR_NAMES:
        ours = sorted(path for path in dumps(world) if kind.fullmatch(path.name))
        whole = [path for path in ours if beside.files_of(path).exists()][-1:]
        for old in ours[: -int(keep)]:
            if old in (newest, *whole):
                continue
            old.unlink()
            beside.files_of(old).unlink(missing_ok=True)
            world.say(words.REMOVED(name=old.name, keep=keep))
