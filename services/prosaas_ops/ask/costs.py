"""`make costs`: what calls, summaries and messages have cost, by day, month, business, model or ending."""

import csv
import sys
from collections.abc import Sequence
from datetime import timedelta

from prosaas_ops.options import FINE, NOTHING, Options, complain
from prosaas_ops.screen.piece import piece, width
from prosaas_ops.screen.terminal import Prose, Screen, until_now
from prosaas_ops.stack.records import business_known
from prosaas_ops.stack.spent import GROUPS, NO_CALL, OF_TIME, SIMULATED, Sum, Wanted, spent
from prosaas_ops.stack.swarm import opened
from prosaas_ops.started import is_demo
from prosaas_ops.texts import status as words
from prosaas_ops.texts import told

# The columns behind the name, and the least of it.
_NUMBERS, _LEAST_NAME = 62, 8
# Further back than the lines of any log go: the ledger is kept.
_LONGEST = timedelta(days=366)

OPTIONS = ("SINCE", "UNTIL", "BY", "BUSINESS", "CSV")


def run(options: Options) -> int:
    business, (since, until) = options.business(), options.window("30d", _LONGEST)
    by = options.choice("BY", GROUPS, "day")
    found = spent(Wanted(since, until, by, business, is_demo(opened())))
    sums = [row for row in found if row.name != SIMULATED]
    apart = [row for row in found if row.name == SIMULATED]
    if not found and business and not business_known(business):
        complain(f"costs: {told.NO_BUSINESS(business=business)}")
        return NOTHING
    if not sums:
        window = {"since": f"{since:%Y-%m-%d %H:%M}", "until": f"{until_now(until):%Y-%m-%d %H:%M}"}
        complain(f"costs: {words.NOTHING_PAID(**window)}{f'; {_apart(apart)}' if apart else ''}")
        return NOTHING
    if options.flag("CSV", default=False):
        _csv(by, sums)
    else:
        _table(by, sums, f"{since:%Y-%m-%d %H:%M} – {until_now(until):%Y-%m-%d %H:%M} UTC", apart)
    return FINE


def _csv(by: str, sums: list[Sum]) -> None:
    """For a spreadsheet, which takes a cell that begins like a formula for one: such a name gets an apostrophe.

    It may be a terminal's after all, which takes what is in a name for an order.
    """
    writer = csv.writer(sys.stdout)
    writer.writerow((by, *Sum._fields[1:]))
    for row in sums:
        name = piece(f"'{row.name}" if row.name[:1] in "=+-@\t\r" else row.name)
        writer.writerow((name, *row[1:3], round(row.minutes, 1), *row[4:7], round(row.cost, 6), *row[8:]))


def _table(by: str, sums: list[Sum], when: str, apart: Sequence[Sum] = ()) -> None:
    screen = Screen()
    group, names = str(words.GROUPED[by]), [str(words.UNGROUPED.get(row.name, row.name)) for row in sums]
    longest = max(width(piece(name)) for name in (group, *names))
    # Where the terminal is narrow the name gives way, and not what it cost.
    most = min(longest, max(_LEAST_NAME, screen.width - _NUMBERS)) if screen.width else longest
    head = (
        f"{group:<{most}}  {words.CALLS!s:>6}  {words.MINUTES!s:>8}  {words.TOKENS_IN!s:>9}  {words.CACHED!s:>6}"
        f"  {words.OUT!s:>9}  {words.COST!s:>12}"
    )
    rows = (_row(name, row, most, screen) for name, row in zip(names, sums, strict=True))
    screen.say(Prose(f"{when}: {_together(sums)}"), screen.dim(head), *rows)
    if by in OF_TIME:
        screen.say(Prose(screen.dim(str(words.OWN_DAYS))))
    if any(row.name == NO_CALL for row in sums):
        screen.say(Prose(screen.dim(str(words.WITHOUT_CALL))))
    if unpriced := sum(row.unpriced for row in sums):
        screen.say(Prose(screen.warn(words.UNPRICED(count=unpriced))))
    if estimated := sum(row.estimated for row in sums):
        screen.say(Prose(screen.dim(words.ESTIMATED(count=estimated))))
    if apart:
        screen.say(Prose(screen.dim(_apart(apart))))
    command = f"make costs BY={'business' if by == 'day' else 'day'}"
    screen.say(Prose(screen.dim(told.NEXT(commands=words.SPREADSHEET(command=command)))))


def _apart(simulated: Sequence[Sum]) -> str:
    return words.SIMULATED(count=sum(row.calls for row in simulated), paid=_together(simulated))


def _together(sums: Sequence[Sum]) -> str:
    totals: dict[str, float] = {}
    for row in sums:
        totals[row.currency] = totals.get(row.currency, 0.0) + row.cost
    return ", ".join(f"{cost:.2f} {currency}" for currency, cost in totals.items())


def _row(name: str, row: Sum, most: int, screen: Screen) -> str:
    cached = f"{100 * row.tokens_cached / row.tokens_in:.0f}%" if row.tokens_in else "-"
    return (
        f"{screen.cell(name, most)}  {row.calls:>6}  {row.minutes:>8.1f}  {row.tokens_in:>9}  {cached:>6}"
        f"  {row.tokens_out:>9}  {row.cost:>8.4f} {row.currency}"
    )
