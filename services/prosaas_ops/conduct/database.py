"""Backup and restore of the database in its container: whole or not at all, and back to what was when it fails."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prosaas_core.postgres import roles
from prosaas_core.privacy import ledger
from prosaas_ops.audited import forget_what_was_carried
from prosaas_ops.conduct import beside, encrypted
from prosaas_ops.conduct.files import problem, replace
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.plan import ORDER, sql
from prosaas_ops.conduct.run import Plan, Step
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import Problem, Usage
from prosaas_ops.texts import kept as words

_CRON = re.compile(r"(?:[0-9A-Za-z*/,-]{1,60}+ {1,8}+){4}[0-9A-Za-z*/,-]{1,60}+")
_OUR_NAME = re.compile(r"prosaas-\d{8}T\d{6}Z\.dump(\.age)?")
_TABLES = ("businesses", "calls", "messages", "appointments", "customers", "api_keys")
_FOLDER = "backups"
_IN_POSTGRES = ("docker", "compose", "exec", "-T", "--env", "PGOPTIONS=--client_min_messages=warning", "postgres")


def backup(world: World, name: str = "", *, over: bool = False, verify: bool = False) -> Path:
    """Write the database into a file, and beside it the certificates and the records that wait for the database.

    A file that is there is replaced only with `over`. BACKUP_KEEP says how many of our own names are kept, and
    BACKUP_RECIPIENT to whom they are encrypted. With `verify` it is restored aside first, and that is what proves it.
    """
    _require_container(world)
    recipient = world.setting("BACKUP_RECIPIENT")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = world.root / (name or f"{_FOLDER}/prosaas-{stamp}.dump{encrypted.ENDING if recipient else ''}")
    if recipient and path.suffix != encrypted.ENDING:
        raise problem(words.ENCRYPTED(name=path.name), f"FILE={name}{encrypted.ENDING}")
    if path.exists() and not over:
        raise problem(words.THERE_ALREADY(name=path.name), str(words.OTHER_FILE))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        _dumped(world, part)
        if verify:
            _proven(world, part)
        if recipient:
            encrypted.for_recipient(part, recipient)
        os.replace(part, path)
    finally:
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
        files_beside = (beside.files_of(path), world.root / _FOLDER / ledger.FILE)
        there = [str(file) for file in (path, *files_beside) if file.exists()]
        replace(world.state / "copy", "\n".join([copy, *there]) + "\n")
    if lacking is not None:
        raise lacking
    _keep(world, path)
    return path


def schedule(world: World, when: str) -> None:
    """Leave the time for the host's own cron, which the door tells: nothing of ours has to run for it."""
    if when and not _CRON.fullmatch(when):
        raise problem(words.NO_CRON(when=when[:60]), str(words.FIVE_FIELDS), "docs/operations.md")
    replace(world.state / "schedule", when)


def _dumped(world: World, part: Path) -> None:
    with part.open("xb") as file:
        done = _piped(world, ["pg_dump", "--format=custom", "--username=prosaas", "--dbname=prosaas"], out=file)
        file.flush()
        os.fsync(file.fileno())
    if done.returncode:
        raise problem(words.NOT_FINISHED(why=_said(done)), "docker compose logs postgres")
    # Every byte of it, not the table of contents alone: a dump that was cut keeps its contents.
    with part.open("rb") as file:
        if _piped(world, ["pg_restore", "--file=/dev/null"], feed=file).returncode:
            raise problem(str(words.NOT_READ_BACK), str(words.SPACE))


def _proven(world: World, part: Path) -> None:
    """Restored beside the database, where it harms nothing."""
    try:
        aside(world, part, "prosaas_proof")
        world.say(words.PROVEN(counted=counted(world, "prosaas_proof")))
    finally:
        sql(world, "postgres", "DROP DATABASE IF EXISTS prosaas_proof")


def _keep(world: World, newest: Path) -> None:
    """As many of the dumps that we named as BACKUP_KEEP says, and always the one just made; all of them without it."""
    keep = world.setting("BACKUP_KEEP")
    if keep.isdecimal() and int(keep) > 0:
        ours = sorted(path for path in _dumps(world) if _OUR_NAME.fullmatch(path.name))
        for old in ours[: -int(keep)]:
            if old == newest:
                continue
            old.unlink()
            beside.files_of(old).unlink(missing_ok=True)


def _dumps(world: World) -> list[Path]:
    return [path for ending in ("", encrypted.ENDING) for path in (world.root / _FOLDER).glob(f"*.dump{ending}")]


def examined(world: World, name: str, *, force: bool, key: str = "") -> dict[str, Any]:
    """What must be true before anything stops; and the backup restored beside the database, where it harms nothing."""
    path = world.root / name
    if not name or not path.is_file():
        known = sorted(str(found.relative_to(world.root)) for found in _dumps(world))
        told = words.NO_FILE(name=name) if name else ""
        raise Usage("\n".join([f"make restore FILE=backups/….dump{told}", *known]))
    if world.recorded("DATABASE_URL"):
        raise Problem(str(words.MANAGED))
    if not any(found.state == "running" for found in world.containers("postgres")):
        world.compose("up", "--detach", "--no-build", "--no-deps", "--wait", "--quiet-pull", "postgres")
    with encrypted.opened(path, world.root / key if key else None) as plain:
        _readable(world, plain)
        beside.examine(path, world.root / key if key else None)
        rows = _rows(world)
        if rows and not force:
            raise problem(words.IS_LIVE(rows=rows), words.BY_FORCE(name=name), "docs/operations.md")
        world.say(words.RESTORING(name=name))
        aside(world, plain, "prosaas_restored")
    _known_schema(world)
    _forget_again(world, path.parent)
    running = [one.service for one in world.containers(*OURS) if one.state == "running"]
    return {"file": name, "key": key, "live": bool(rows), "running": sorted(set(running))}


def restore(world: World, memory: dict[str, Any]) -> Plan:
    """Services stop writing, then the last backup, then the swap; services start again whatever happens."""
    start = Step("start", lambda: _start(world, memory["running"]))
    return Plan(
        "restore",
        [
            Step("stop", lambda: _stop(world)),
            Step("last backup", lambda: _last_backup(world, memory)),
            Step("swap", lambda: _swap(world)),
            start,
            Step("files", lambda: _files_back(world, memory)),
        ],
        memory,
        lambda remembered: [Step("swap back", lambda: _swap_back(world)), start],
        str(words.BACK_TO),
    )


def drill(world: World, name: str = "", key: str = "") -> None:
    """Restore the newest backup aside, compare its counts with the live ones, and leave nothing behind."""
    _require_container(world)
    files = sorted(_dumps(world), key=lambda path: path.stat().st_mtime)
    path = world.root / name if name else (files[-1] if files else None)
    if path is None or not path.is_file():
        raise problem(str(words.NO_BACKUP), "make backup")
    started = time.monotonic()
    with encrypted.opened(path, world.root / key if key else None) as plain:
        _readable(world, plain)
        try:
            aside(world, plain, "prosaas_drill")
            found = counted(world, "prosaas_drill")
        finally:
            sql(world, "postgres", "DROP DATABASE IF EXISTS prosaas_drill")
    world.say(words.CAN_BE(name=path.name, seconds=f"{time.monotonic() - started:.0f}"))
    world.say(words.IN_BACKUP(counted=found))
    world.say(words.LIVE_NOW(counted=counted(world, "prosaas")))


def aside(world: World, path: Path, database: str) -> None:
    """The backup as a database of its own."""
    # A dump names roles and cannot make them.
    sql(world, "postgres", ";".join(roles.made()) + ";")
    sql(world, "postgres", f"DROP DATABASE IF EXISTS {database};")
    sql(world, "postgres", f"CREATE DATABASE {database} TEMPLATE template0;")
    command = [
        "pg_restore",
        "--username=prosaas",
        f"--dbname={database}",
        "--no-owner",
        "--exit-on-error",
        "--single-transaction",
    ]
    with path.open("rb") as file:
        done = _piped(world, command, feed=file)
    if done.returncode:
        raise Problem(words.NOT_RESTORED(why=_said(done)))


def counted(world: World, database: str) -> str:
    """How many rows the tables that matter have."""
    there = set(sql(world, database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").split())
    return ", ".join(
        f"{sql(world, database, f'SELECT count(*) FROM {table}')} {table}" for table in _TABLES if table in there
    )


def _rows(world: World) -> int:
    """What makes a database live; what a new stack has of its own, the demo's business, does not."""
    there = set(sql(world, "prosaas", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").split())
    total = 0
    for table in ("businesses", "calls", "messages", "appointments", "api_keys"):
        if table in there:
            where = " WHERE id <> 456" if table == "businesses" else ""
            total += int(sql(world, "prosaas", f"SELECT count(*) FROM {table}{where}"))
    return total


def _known_schema(world: World) -> None:
    """A backup of a newer schema is refused: this folder's code would not know what to do with it."""
    newest = sql(world, "prosaas_restored", "SELECT version_num FROM alembic_version")
    names = {
        path.name.split("_")[0] for path in (world.root / "services/prosaas_core/migrations/versions").glob("*.py")
    }
    if newest and newest not in names:
        sql(world, "postgres", "DROP DATABASE IF EXISTS prosaas_restored;")
        raise problem(words.OTHER_SCHEMA(schema=newest), str(words.ITS_VERSION), "docs/operations.md")


def _forget_again(world: World, beside: Path) -> None:
    """Who was forgotten since the backup is in it, and stays forgotten: also by the file that lies beside it."""
    try:
        forgotten = _forgotten(world, beside)
    except ValueError as error:
        sql(world, "postgres", "DROP DATABASE IF EXISTS prosaas_restored;")
        fix = words.REPAIR(path=f"{_FOLDER}/{ledger.FILE}")
        raise problem(words.WOULD_COME_BACK(why=error), fix, "docs/privacy.md") from None
    there = set(sql(world, "prosaas_restored", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").split())
    if script := "\n".join(ledger.again(one, there) for one in forgotten):
        sql(world, "prosaas_restored", f"BEGIN;\n{script}\nCOMMIT;")
        world.say(words.STAY_FORGOTTEN(count=len(forgotten)))


def _forgotten(world: World, beside: Path) -> list[ledger.Forgotten]:
    """All whom the ledgers know. ValueError for one that cannot be read."""
    return [one for folder in {beside, world.root / _FOLDER} for one in ledger.noted(folder)]


def _stop(world: World) -> None:
    for one in world.containers(*OURS):
        world.docker("stop", one.id, check=False)


def _last_backup(world: World, memory: dict[str, Any]) -> None:
    if memory["live"] and not _swapped(world):
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        ending = encrypted.ENDING if world.setting("BACKUP_RECIPIENT") else ""
        backup(world, f"{_FOLDER}/before-restore-{stamp}.dump{ending}", over=True)


def _swap(world: World) -> None:
    """The replaced database stays until the next restore. Nobody, not even a superuser, comes in between."""
    if _swapped(world):
        return
    sql(world, "postgres", "DROP DATABASE IF EXISTS prosaas_replaced;")
    _closed(world, "prosaas")
    sql(world, "postgres", "ALTER DATABASE prosaas RENAME TO prosaas_replaced;")
    sql(world, "postgres", "ALTER DATABASE prosaas_restored RENAME TO prosaas;")
    forget_what_was_carried(world.root)


def _swap_back(world: World) -> None:
    there = _databases(world)
    if "prosaas_replaced" in there and ("prosaas" not in there or "prosaas_restored" not in there):
        if "prosaas" in there:
            _closed(world, "prosaas")
            sql(world, "postgres", "ALTER DATABASE prosaas RENAME TO prosaas_restored;")
        sql(world, "postgres", "ALTER DATABASE prosaas_replaced RENAME TO prosaas;")
    sql(world, "postgres", "ALTER DATABASE prosaas ALLOW_CONNECTIONS true;")


def _swapped(world: World) -> bool:
    return {"prosaas", "prosaas_replaced"} <= _databases(world) and "prosaas_restored" not in _databases(world)


def _databases(world: World) -> set[str]:
    return set(sql(world, "postgres", "SELECT datname FROM pg_database").split())


def _closed(world: World, database: str) -> None:
    sql(world, "postgres", f"ALTER DATABASE {database} ALLOW_CONNECTIONS false;")
    sql(world, "postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}';")


def _start(world: World, services: Sequence[str]) -> None:
    sql(world, "postgres", "ALTER DATABASE prosaas ALLOW_CONNECTIONS true;")
    if not services:
        return
    # An older backup is brought to the newest schema first.
    world.compose("up", "--detach", "--no-build", "migrate")
    for migrate in world.containers("migrate"):
        if world.docker("wait", migrate.id).out.strip() != "0":
            raise Problem(str(words.NOT_MIGRATED))
    generations = Generations(world)
    for service in ORDER:
        if service in services:
            ended = [one for one in world.containers(service) if one.state != "running"]
            generations.renew(service)
            for one in ended:
                generations.bury(one)


def _files_back(world: World, memory: dict[str, Any]) -> None:
    path, key = world.root / memory["file"], memory.get("key")
    try:
        forgotten = {call for one in _forgotten(world, path.parent) for call in one.calls}
        beside.put_back(world, path, world.root / key if key else None, forgotten)
    except (Problem, OSError, ValueError) as error:
        # The database is restored: that is not undone for a certificate.
        world.warn(str(error))


def _require_container(world: World) -> None:
    if not any(found.state == "running" for found in world.containers("postgres")):
        raise problem(str(words.NO_POSTGRES), str(words.ITS_PROVIDER), "docs/operations.md")


def _readable(world: World, path: Path) -> None:
    with path.open("rb") as file:
        if _piped(world, ["pg_restore", "--file=/dev/null"], feed=file).returncode:
            raise problem(words.NOT_WHOLE(name=path.name), str(words.ANOTHER))


def _piped(
    world: World, words: Sequence[str], *, feed: Any = None, out: Any = None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*_IN_POSTGRES, *words],
        cwd=world.root,
        env={**os.environ, **world.overrides},
        stdin=feed or subprocess.DEVNULL,
        stdout=out or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    return (done.stderr or b"").decode("utf-8", "replace").strip()[-500:]
