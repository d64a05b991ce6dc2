"""`make forget`: one person removed from everything within reach, and an honest word on what is not."""

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prosaas_core.privacy import ledger, person
from prosaas_logging.redact import redact
from prosaas_ops.audited import note
from prosaas_ops.conduct.database import COPIES
from prosaas_ops.conduct.files import problem
from prosaas_ops.masks import settings_in
from prosaas_ops.options import FINE, NOTHING, Options, Problem, Refused, complain
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.stack import left
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.person import Whole, in_volumes, pattern_of, whole
from prosaas_ops.stack.records import asked
from prosaas_ops.stack.swarm import opened
from prosaas_ops.standing import on_a_swarm, own_database
from prosaas_ops.texts import machine
from prosaas_ops.texts import people as words

if TYPE_CHECKING:
    import asyncpg

OPTIONS = ("PHONE", "CUSTOMER", "YES")

# What a restore leaves on purpose: the second where it was in service for a moment, and is closed since.
_ASIDE = "SELECT datname FROM pg_database WHERE datname = 'prosaas_replaced' OR datname = ANY($1) AND NOT datallowconn"
_COPIED = "SELECT datname FROM pg_database WHERE datname = ANY($1) AND datallowconn"
_BACKUPS = Path("backups")
_HERE = ("json-file", "local")


def run(options: Options) -> int:
    engine, screen = opened(), Screen()
    theirs = whole(engine, options)
    if theirs.empty:
        complain(words.UNKNOWN(command="forget"))
        return NOTHING
    screen.say(str(words.THERE_IS), *(f"  {row}" for row in told(theirs)))
    if theirs.live:
        raise Refused(str(words.STILL_LIVE))
    if copied := _databases(_COPIED):
        by_hand = on_a_swarm() or not own_database()
        fix = words.DROP(names=", ".join(copied)) if by_hand else str(machine.DROPPED_BY)
        raise Refused(str(problem(words.COPIED(names=", ".join(copied)), fix, "docs/privacy.md")))
    if not _agreed(options):
        raise Refused(str(words.NOTHING_CHANGED))
    receipt, at = secrets.token_hex(6), datetime.now(UTC)
    note("forgotten", f"receipt {receipt}", options.text("WHY"))
    # A call of which no row was made, as the database was away, is known by its file.
    files = sorted({Path(name).stem for name in theirs.recordings})
    shown = [redact(id) for id in person.ids_of(theirs.rows) if redact(id) != id]
    known = {**theirs.rows, ledger.FILES: files, **({ledger.SHOWN: shown} if shown else {})}
    _forget(engine, theirs, ledger.Forgotten.of(receipt, at, known))
    remaining = whole(engine, options)
    if not remaining.empty:
        screen.say(screen.bad(str(words.CAME_MEANWHILE)), *told(remaining))
        raise Problem(str(words.AGAIN))
    screen.say(
        words.FORGOTTEN(receipt=receipt, at=f"{at:%Y-%m-%d %H:%M:%S}"),
        *(words.REMOVED(row=row) for row in told(theirs)),
    )
    # After the receipt: whatever cannot be asked now, what is gone is gone.
    screen.say(str(words.OUT_OF_REACH), *(Prose(f"  {row}") for row in out_of_reach(engine)))
    return FINE


def told(theirs: Whole) -> list[str]:
    """How much there is of what, without a word of it."""
    rows = [words.TABLES[table](count=len(keys)) for table, keys in theirs.rows.items()]
    rows += [words.RECORDINGS(count=len(theirs.recordings))] if theirs.recordings else []
    rows += [f"{path}" for path in theirs.files]
    return [*rows, *(words.LINES_IN(count=count, path=path) for path, count in theirs.lines.items())]


def out_of_reach(engine: Engine) -> list[str]:
    """Where the person may still be, and until when."""
    rows, drivers = [], set()
    logs: dict[str, list[str]] = {}
    for container in engine.containers():
        try:
            driver, bound = engine.log_driver(container)
        except Problem as error:
            rows.append(words.LOG_UNSEEN(name=container.name, why=error))
            continue
        drivers.add(driver)
        if driver in _HERE:
            size = f"{bound.get('max-file', '1')} × {bound['max-size']}" if "max-size" in bound else str(words.NO_SIZE)
            logs.setdefault(size, []).append(container.name)
    rows += [words.LOG_OF(names=", ".join(names), size=size) for size, names in logs.items()]
    if elsewhere := sorted(drivers - set(_HERE) - {"none"}):
        rows.append(words.WENT_TO(drivers=", ".join(elsewhere)))
    # Those that a restore makes have another beginning: their names do not sort by their age.
    dumps = sorted(_BACKUPS.glob("*.dump*"), key=lambda path: path.stat().st_mtime)
    if dumps:
        rows.append(words.BACKUPS(count=len(dumps), oldest=dumps[0].name))
    if settings_in(Path(".env"), os.environ).get("BUSINESS_WEBHOOK_URL"):
        rows.append(str(words.WEBHOOK))
    rows.append(str(words.COPIES))
    try:
        aside = _databases(_ASIDE)
    except Problem:
        aside = ["prosaas_replaced"]
    rows += [words.REPLACED(name=name) for name in aside]
    return [*rows, str(words.FREED), str(words.PROVIDERS)]


def _databases(question: str) -> list[str]:
    async def ask(connection: "asyncpg.Connection[Any]") -> list[str]:
        return [row[0] for row in await connection.fetch(question, list(COPIES))]

    return asked(ask)


def _forget(engine: Engine, theirs: Whole, forgotten: ledger.Forgotten) -> None:
    """Files go first: they are found by the ids of calls, which the database then no longer knows to be theirs."""
    _BACKUPS.mkdir(mode=0o700, exist_ok=True)
    ledger.note(_BACKUPS, forgotten)
    in_volumes(engine, theirs.person, theirs.rows, "erase")
    if pattern := pattern_of(theirs.person, theirs.rows):
        left.take_away(pattern)

    async def erase(connection: "asyncpg.Connection[Any]") -> None:
        await person.erase(connection, theirs.rows, forgotten.at)

    asked(erase)


def _agreed(options: Options) -> bool:
    if options.flag("YES", default=False):
        return True
    if not sys.stdin.isatty() and os.environ.get("OPS_TERMINAL") != "1":
        raise Refused(str(words.NOBODY_THERE))
    print(words.SURE, end="", flush=True)
    return sys.stdin.readline().strip() == "yes"
