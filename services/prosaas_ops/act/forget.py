"""`make forget`: one person removed from everything within reach, and an honest word on what is not."""

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prosaas_core.privacy import ledger, person
from prosaas_ops.audited import note
from prosaas_ops.options import FINE, NOTHING, PROBLEM, Options, Problem, complain
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack import left
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.person import Whole, in_volumes, pattern_of, whole
from prosaas_ops.stack.records import asked
from prosaas_ops.stack.swarm import opened

if TYPE_CHECKING:
    import asyncpg

OPTIONS = ("PHONE", "CUSTOMER", "YES")

_BACKUPS = Path("backups")
_HERE = ("json-file", "local")
# What of each table is said to be there.
_WORDS = {
    "pgqueuer": "jobs in the queue",
    "message_fates": "what providers told of messages",
    "outbound_messages": "messages to send or sent",
    "messages": "WhatsApp messages",
    "conversations": "WhatsApp conversations",
    "call_messages": "messages left in calls",
    "appointments": "appointments",
    "calls": "calls, of which how long they were and how they ended stays",
    "customers": "customers",
}


def run(options: Options) -> int:
    engine, screen = opened(), Screen()
    theirs = whole(engine, options)
    if theirs.empty:
        complain("forget: nothing is known of that person")
        return NOTHING
    screen.say("what there is of this person:", *(f"  {row}" for row in told(theirs)))
    if theirs.live:
        raise Problem(
            "they are on the phone, or were just now: a call is kept when it ends. Run this again in two minutes"
        )
    if not _agreed(options):
        screen.say("nothing was changed")
        return PROBLEM
    receipt, at = secrets.token_hex(6), datetime.now(UTC)
    note("forgotten", f"receipt {receipt}", options.text("WHY"))
    _forget(engine, theirs, ledger.Forgotten.of(receipt, at, theirs.rows))
    remaining = whole(engine, options)
    if not remaining.empty:
        screen.say(screen.bad("something came while this ran, and is still there:"), *told(remaining))
        raise Problem("run this again")
    screen.say(
        f"forgotten. Receipt {receipt}, {at:%Y-%m-%d %H:%M:%S} UTC",
        *(f"  removed: {row}" for row in told(theirs)),
        "out of reach:",
        *(f"  {row}" for row in out_of_reach(engine)),
    )
    return FINE


def told(theirs: Whole) -> list[str]:
    """How much there is of what, without a word of it."""
    rows = [f"{len(keys)} {_WORDS[table]}" for table, keys in theirs.rows.items()]
    rows += [f"{len(theirs.recordings)} black boxes or records of calls on disk"] if theirs.recordings else []
    rows += [f"{path}" for path in theirs.files]
    return [*rows, *(f"{count} lines in {path}" for path, count in theirs.lines.items())]


def out_of_reach(engine: Engine) -> list[str]:
    """Where the person may still be, and until when."""
    rows, drivers = [], set()
    for container in engine.containers():
        log = engine.inspect(container.id)["HostConfig"]["LogConfig"]
        drivers.add(log["Type"])
        if log["Type"] in _HERE:
            bound = log["Config"] or {}
            size = f"{bound.get('max-file', '1')} × {bound['max-size']}" if "max-size" in bound else "no size"
            rows.append(f"log of {container.name}: until {size} are full, or a deploy or a restart replaces it")
    if elsewhere := sorted(drivers - set(_HERE) - {"none"}):
        rows.append(f"what went to {', '.join(elsewhere)}: as long as the collector keeps it; its own search finds it")
    # Those that a restore makes have another beginning: their names do not sort by their age.
    dumps = sorted(_BACKUPS.glob("*.dump*"), key=lambda path: path.stat().st_mtime)
    if dumps:
        rows.append(
            f"{len(dumps)} backups, the oldest {dumps[0].name}: until BACKUP_KEEP or you remove them; "
            "make restore forgets this person again"
        )
    rows.append("copies of backups, captures and exports elsewhere: wherever you took them")
    rows.append("a database that a restore replaced: until the next restore")
    return [*rows, "OpenAI, Twilio and Meta: as long as their terms and your settings there say"]


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
        raise Problem("there is no terminal to ask on: YES=1 agrees beforehand")
    print("remove all of it? It cannot be brought back. Type yes: ", end="", flush=True)
    return sys.stdin.readline().strip() == "yes"
