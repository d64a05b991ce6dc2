"""A backup in the place of the database: examined beside it first, and back to what was when it fails."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from prosaas_core.privacy import ledger
from prosaas_ops.audited import forget_what_was_carried
from prosaas_ops.conduct import beside, encrypted
from prosaas_ops.conduct.backup import FOLDER, backup, dumps
from prosaas_ops.conduct.database import (
    among,
    aside,
    bring_ended,
    came_after,
    copies,
    counted,
    databases,
    drop,
    made_at,
    migrate,
    readable,
    sql,
    tables,
)
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.plan import ORDER
from prosaas_ops.conduct.run import Plan, Step, Stopped, unfinished
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import Problem, Refused, Untouched, Usage
from prosaas_ops.texts import kept as words


def examined(world: World, name: str, *, force: bool, key: str = "") -> dict[str, Any]:
    """What must be true before anything stops; and the backup restored beside the database, where it harms nothing."""
    path = _named(world, name, dumps(world))
    if world.recorded("DATABASE_URL"):
        raise Problem(str(words.MANAGED))
    world.say(words.EXAMINING(name=name))
    made = ExitStack()
    try:
        return _examined(world, path, name, made, force=force, key=key)
    except BaseException as end:
        with suppress(Problem):
            made.close()
        if not isinstance(end, KeyboardInterrupt):
            raise
        world.say(str(words.UNTOUCHED))
        raise Untouched from None


def _examined(world: World, path: Path, name: str, made: ExitStack, *, force: bool, key: str) -> dict[str, Any]:
    if not any(found.state == "running" for found in world.containers("postgres")):
        world.compose("up", "--detach", "--no-build", "--no-deps", "--wait", "--quiet-pull", "postgres")
    with encrypted.opened(path, world.root / key if key else None) as plain:
        readable(world, plain)
        beside.examine(path, world.root / key if key else None)
        rows = _rows(world)
        if rows and not force:
            live = words.IS_LIVE(counted=counted(world, "prosaas"))
            raise Refused(str(problem(live, words.BY_FORCE(name=name), "docs/operations.md")))
        world.say(words.RESTORING(name=name))
        made.callback(drop, world, "prosaas_restored")
        aside(world, plain, "prosaas_restored")
        since = made_at(world, plain)
    _known_schema(world)
    if forgotten := _forget_again(world, "prosaas_restored", path.parent):
        world.say(words.STAY_FORGOTTEN(count=forgotten))
    if rows:
        goes = came_after(world, "prosaas", since) or words.NO_ROW
        world.say(words.GOES(made=since, counted=goes))
    running = [one.service for one in world.containers(*OURS) if one.state == "running"]
    told = sql(world, "postgres", "SELECT now()")
    return {"file": name, "key": key, "live": bool(rows), "running": sorted(set(running)), "told": told}


def drop_copies(world: World) -> None:
    """Take away what was filled beside the database and a kill left. Under the lock nobody needs it."""
    with suppress(Problem):
        if unfinished(world) is None:
            for name in copies(world):
                drop(world, name)


def files_only(world: World, name: str, *, key: str = "") -> None:
    """What lies beside a backup, into what runs; the database stays as it is."""
    whole = [path for path in dumps(world) if beside.files_of(path).is_file()]
    archive = beside.files_of(_named(world, name, whole))
    if not archive.is_file():
        told = words.NO_FILES_BESIDE(name=name, archive=archive.name)
        raise _which(world, f"{told}\n{words.WITH_FILES}" if whole else told, whole)
    world.acted = True
    _put_back(world, {"file": name, "key": key})


def restore(world: World, memory: dict[str, Any]) -> Plan:
    """Services stop writing, then the last backup, then the swap; services start again whatever happens."""
    # Before either swap nobody takes a call any more: its record would be in the other database.
    drain = Step("drain", Generations(world).let_drain, prepares=True)
    stop = Step("stop", lambda: _stop(world))
    start = Step("start", lambda: _start(world, memory["running"]), starts=True)
    swap_back = Step("swap back", lambda: _swap_back(world))
    return Plan(
        "restore",
        [
            drain,
            stop,
            Step("last backup", lambda: _last_backup(world, memory)),
            Step("swap", lambda: _swap(world, memory)),
            start,
            Step("files", lambda: _files_back(world, memory)),
        ],
        memory,
        # Before the swap those who run were all there before it, and their calls are theirs.
        lambda remembered: [drain, stop, swap_back, start] if _swapped(world) else [swap_back, start],
        str(words.BACK_TO),
    )


def _named(world: World, name: str, known: Sequence[Path]) -> Path:
    path = world.root / name
    if name and path.is_file():
        return path
    raise _which(world, words.NO_FILE(name=name) if name else str(words.WHICH_FILE), known)


def _which(world: World, told: str, known: Sequence[Path]) -> Usage:
    """What is wrong with the name, and below it those that are right."""
    return Usage("\n".join([told, *sorted(str(path.relative_to(world.root)) for path in known)]))


def _rows(world: World) -> int:
    """What makes a database live; what a new stack has of its own, the demo's business, does not."""
    there = tables(world, "prosaas")
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
        raise problem(words.OTHER_SCHEMA(schema=newest), str(words.ITS_VERSION), "docs/operations.md")


def _forget_again(world: World, database: str, beside: Path) -> int:
    """Who was forgotten since the backup is in it, and stays forgotten: also by the file that lies beside it."""
    try:
        forgotten = _forgotten(world, beside)
    except ValueError as error:
        fix = words.REPAIR(path=f"{FOLDER}/{ledger.FILE}")
        raise problem(words.WOULD_COME_BACK(why=error), fix, "docs/privacy.md") from None
    there = tables(world, database)
    if script := "\n".join(ledger.again(one, there) for one in forgotten):
        sql(world, database, f"BEGIN;\n{script}\nCOMMIT;")
    return len(forgotten)


def _forgotten(world: World, beside: Path) -> list[ledger.Forgotten]:
    """All whom the ledgers know. ValueError for one that cannot be read."""
    return [one for folder in {beside, world.root / FOLDER} for one in ledger.noted(folder)]


def _stop(world: World) -> None:
    world.say(str(words.NOBODY_ANSWERS))
    generations = Generations(world)
    for one in world.containers(*OURS):
        # The engine goes on with it after a Ctrl-C: the way back starts another beside it.
        generations.note_asked(one)
        world.docker("stop", one.id, check=False)


def _last_backup(world: World, memory: dict[str, Any]) -> None:
    """Not once the swap has begun: then it is made, and its database is closed, or has another name."""
    if not databases(world).get("prosaas") or _swapped(world):
        return
    ended = _ended_meanwhile(world, memory)
    if memory["live"] or ended:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        ending = encrypted.ENDING if world.setting("BACKUP_RECIPIENT") else ""
        name = f"{FOLDER}/before-restore-{stamp}.dump{ending}"
        backup(world, name, over=True)
        if ended:
            world.say(words.ENDED_MEANWHILE(name=name, calls=" ".join(ended)))


def _ended_meanwhile(world: World, memory: dict[str, Any]) -> list[str]:
    """The calls that were recorded since it was told what goes, and are not in the backup.

    A call that was live at the backup is open in it, and would be told of as lost: it gets the record of its end.
    """
    if "calls" not in tables(world, "prosaas") & tables(world, "prosaas_restored"):
        return []
    # Who of them was forgotten is forgotten again after the swap.
    if brought := bring_ended(world):
        world.say(words.ENDED_SINCE(count=brought))
    late = "SELECT call_sid FROM calls WHERE recorded_at > :'told' ORDER BY recorded_at, call_sid"
    ended = sql(world, "prosaas", late, told=memory["told"]) if memory.get("told") else ""
    there = sql(
        world,
        "prosaas_restored",
        f"SELECT call_sid FROM calls WHERE {among('call_sid')}",
        these=" ".join(ended.split()),
    )
    return [call_sid for call_sid in ended.split() if call_sid not in there.split()]


def _swap(world: World, memory: dict[str, Any]) -> None:
    """The replaced database stays until the next restore. Nobody, not even a superuser, comes in between."""
    if not _swapped(world):
        there = databases(world)
        if {"prosaas", "prosaas_restored"} <= there.keys():
            drop(world, "prosaas_replaced")
            _closed(world, "prosaas")
        _renamed(world, "prosaas", "prosaas_replaced", "prosaas_restored", "prosaas")
    # Also who was forgotten since the look at the backup: whoever is from now on, is in this one.
    _forget_again(world, "prosaas", (world.root / memory["file"]).parent)
    forget_what_was_carried(world.root)


def _swap_back(world: World) -> None:
    there = databases(world)
    if "prosaas_replaced" in there and not {"prosaas", "prosaas_restored"} <= there.keys():
        for name in ("prosaas", "prosaas_replaced"):
            if name in there:
                _closed(world, name)
        _renamed(world, "prosaas", "prosaas_restored", "prosaas_replaced", "prosaas")
    _let_in(world)


def _swapped(world: World) -> bool:
    there = databases(world).keys()
    return {"prosaas", "prosaas_replaced"} <= there and "prosaas_restored" not in there


def _renamed(world: World, first: str, to: str, second: str, then_to: str) -> None:
    """Both or neither; the first only where it is still there."""
    there = databases(world)
    moves = [f"ALTER DATABASE {second} RENAME TO {then_to};"]
    if first in there:
        moves.insert(0, f"ALTER DATABASE {first} RENAME TO {to};")
    sql(world, "postgres", " ".join(["BEGIN;", *moves, "COMMIT;"]))


def _closed(world: World, database: str) -> None:
    sql(world, "postgres", f"ALTER DATABASE {database} ALLOW_CONNECTIONS false;")
    sql(world, "postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}';")


def _let_in(world: World) -> None:
    """Into the database that is in use, and for a look into the one that it replaced."""
    for name in databases(world).keys() & {"prosaas", "prosaas_replaced"}:
        sql(world, "postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true;")


def _start(world: World, services: list[str]) -> None:
    _let_in(world)
    if not services:
        return
    # An older backup is brought to the newest schema first.
    migrate(world)
    generations = Generations(world)
    for service in ORDER:
        if service in services:
            ended = [one for one in world.containers(service) if one.state != "running"]
            generations.renew(service)
            for one in ended:
                generations.bury(one)


def _files_back(world: World, memory: dict[str, Any]) -> None:
    try:
        _put_back(world, memory)
    except (Problem, OSError, ValueError, Stopped) as error:
        # The database is restored, and serves: that is not undone for a certificate, nor for a Ctrl-C.
        world.warn(str(words.FILES_LEFT) if isinstance(error, Stopped) else str(error))


def _put_back(world: World, memory: dict[str, Any]) -> None:
    path, key = world.root / memory["file"], memory.get("key")
    forgotten = {call for one in _forgotten(world, path.parent) for call in one.calls}
    beside.put_back(world, path, world.root / key if key else None, forgotten)
