"""`make audit`: who looked at people, took them along or changed what is kept of them, and why."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from prosaas_ops.audited import Entry, carry, on_this_machine
from prosaas_ops.options import FINE, NOTHING, Options, complain
from prosaas_ops.screen.terminal import Screen, table
from prosaas_ops.stack.records import asked
from prosaas_ops.texts import people as words

if TYPE_CHECKING:
    import asyncpg

OPTIONS = ("SINCE", "MAX")


def run(options: Options) -> int:
    screen = Screen()
    since, most = options.since("SINCE", "30d"), options.number("MAX", 50)
    assert since is not None
    everywhere = carry()
    found = _in_database(since, most + 1) if everywhere else on_this_machine()
    found = [entry for entry in found if entry.at >= since]
    if not everywhere:
        complain(str(words.NO_DATABASE))
    if not found:
        complain(words.NOTHING_SINCE(since=f"{since:%Y-%m-%d %H:%M}"))
        return NOTHING
    rows = [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.operator, one.act, one.target, one.why or "-") for one in found[:most]]
    screen.say(*table([tuple(map(str, words.AUDIT_HEAD)), *rows]))
    if len(found) > most:
        screen.say(screen.dim(words.NEWEST(most=most)))
    return FINE


def _in_database(since: datetime, most: int) -> list[Entry]:
    async def ask(connection: "asyncpg.Connection[Any]") -> list[Entry]:
        rows = await connection.fetch(
            "SELECT id, at, operator, act, target, why FROM audit WHERE at >= $1 ORDER BY at DESC LIMIT $2", since, most
        )
        return [Entry(*row) for row in rows]

    return asked(ask)
