"""`make audit`: who looked at people, took them along or changed what is kept of them, and why."""

import textwrap
from collections import Counter
from collections.abc import Hashable, Iterable
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from prosaas_logging.redact import HIDDEN
from prosaas_ops.audited import COMMANDS, ENDED, LOOKS, Entry, carry, on_this_machine
from prosaas_ops.options import FINE, NOTHING, Options, complain
from prosaas_ops.screen.terminal import Prose, Screen, fitted
from prosaas_ops.stack.records import asked
from prosaas_ops.texts import people as words

if TYPE_CHECKING:
    import asyncpg

OPTIONS = ("SINCE", "EACH", "MAX")

_MOST = 100_000
# Of an outcome, where no edge of a terminal folds it: in a pipe one long reason would set all rows apart.
_WIDEST = 36
# What is left of a number, and may be left of another one as well.
_MASKS = ("...", HIDDEN)


def run(options: Options) -> int:
    screen = Screen()
    since, most = options.since("SINCE", "30d"), options.number("MAX", 50)
    assert since is not None
    everywhere = carry()
    found = [entry for entry in (_in_database(since) if everywhere else on_this_machine()) if entry.at >= since]
    if everywhere and len(found) > _MOST:
        del found[_MOST:]
        complain(words.CUT_AT(most=f"{_MOST:,}", first=f"{found[-1].at:%Y-%m-%d %H:%M}"))
    if not everywhere:
        complain(str(words.NO_DATABASE))
    came_of = {entry.target: entry.why for entry in found if entry.act.endswith(ENDED)}
    found = [entry for entry in found if not entry.act.endswith(ENDED)]
    if not found:
        complain(words.NOTHING_SINCE(since=f"{since:%Y-%m-%d %H:%M}"))
        return NOTHING
    told = [(one, 1) for one in found] if options.flag("EACH", default=False) else folded(found)
    rows = [
        row
        for one, times in told[:most]
        for row in _rows(
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            one.operator,
            f"{one.act} ×{times}" if times > 1 else one.act,
            one.target,
            _outcome(one, came_of.get(str(one.id))),
            one.why or "-",
            widest=0 if screen.width else _WIDEST,
        )
    ]
    shown = fitted([tuple(map(str, words.AUDIT_HEAD)), *rows], most=screen.width, whole={0})
    screen.say(*(line for lines in shown for line in lines))
    if len(told) > most:
        screen.say(Prose(screen.dim(words.NEWEST(most=most))))
    if len(told) < len(found):
        screen.say(Prose(screen.dim(str(words.LOOKED_ALIKE))))
    return FINE


def _outcome(entry: Entry, told: str | None) -> str:
    """What came of it, in the operator's words; of what is no command of its own, and of a look, nothing is told."""
    if told is None:
        return str(words.NOT_TOLD) if entry.act in COMMANDS - LOOKS else "-"
    how, sign, why = told.partition(":")
    return f"{words.OUTCOMES.get(how, how)}{sign}{why}"


def _rows(*cells: str, widest: int) -> list[tuple[str, ...]]:
    """The row, and below it what of its outcome goes beyond the widest; 0: as it is."""
    *before, outcome, why = cells
    parts = textwrap.wrap(outcome, widest, break_on_hyphens=False) if widest else [outcome]
    return [tuple(row) for row in zip_longest(*([cell] for cell in before), parts, [why], fillvalue="")]


def folded(entries: Iterable[Entry]) -> list[tuple[Entry, int]]:
    """Each entry and how often it came, the newest first: who looked at the same again and again looked once.

    Of whom no more than a mask is noted, nobody knows whether it was the same.
    """
    newest: dict[Hashable, Entry] = {}
    times: Counter[Hashable] = Counter()
    for entry in entries:
        # Which service's lines it was does not make it another look.
        seen = " ".join(word for word in entry.target.split() if not word.startswith("S="))
        alike = entry.act in LOOKS and not any(mask in seen for mask in _MASKS)
        key = (entry.operator, entry.act, seen, entry.why) if alike else entry.id
        newest.setdefault(key, entry)
        times[key] += 1
    return [(entry, times[key]) for key, entry in newest.items()]


def _in_database(since: datetime) -> list[Entry]:
    async def ask(connection: "asyncpg.Connection[Any]") -> list[Entry]:
        # One more than is told: whether there is one tells whether anything is missing.
        rows = await connection.fetch(
            "SELECT id, at, operator, act, target, why FROM audit WHERE at >= $1 ORDER BY at DESC LIMIT $2",
            since,
            _MOST + 1,
        )
        return [Entry(*row) for row in rows]

    return asked(ask)
