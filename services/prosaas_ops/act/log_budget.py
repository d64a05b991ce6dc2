"""`make log-budget`: the same calls at INFO and at DEBUG, as the guide's table and as a page of charts."""

import io
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import BinaryIO

from prosaas_core.facts.simulated import new_call_sid
from prosaas_logging.adopt import noise
from prosaas_ops.act.simulate import BUDGET, LONGEST_CALL_SECONDS, Placed, place
from prosaas_ops.files import output_folder, replace
from prosaas_ops.options import FINE, OTHERS, PROBLEM, SERVICES, Nothing, Options
from prosaas_ops.screen.budget_page import render
from prosaas_ops.screen.terminal import Screen, short, table
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.follow import merged
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stories.measured import Measured, reduction
from prosaas_ops.texts import checks as words
from prosaas_ops.texts import pages, refused, told

OPTIONS = ("CALLS", "SCENARIO", "SPEED", "OUT", "FILE", "SINCE")

# The guide promises 90–95 % fewer lines.
REDUCTION_LEAST = 90.0


def run(options: Options) -> int:
    if OTHERS or options.text("FILE"):
        return _made_of(options)
    count, speed = options.number("CALLS", 2), options.decimal("SPEED", 4.0)
    scenario = options.text("SCENARIO", "demo")
    engine, screen = opened(), Screen()
    containers = [found for name in SERVICES.values() for found in engine.generations(name)]

    def call(level: str) -> Placed:
        call_sid = new_call_sid()
        raised = containers if level == "DEBUG" else []
        with live_switch.raised(engine, raised, live_switch.Target(call_sid=call_sid), LONGEST_CALL_SECONDS):
            return place(engine, call_sid, scenario=scenario, speed=speed)

    screen.say(words.BUDGET_CALLS(count=count, scenario=scenario, speed=f"{speed:g}"))
    screen.say(screen.dim(str(words.BUDGET_ALONE)))
    after = measure("INFO", count, call, screen)
    before = measure("DEBUG", count, call, screen)
    screen.say("", *comparison(before, after))
    good = verdict(before, after, screen)
    if options.choice("OUT", ("html", "none"), "html") == "html":
        target = output_folder() / f"log-budget-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.html"
        replace(target, render(before, after))
        screen.say(told.WROTE(target=target))
    return FINE if good else PROBLEM


def _made_of(options: Options) -> int:
    """What lines that are there already are made of: a file's (standard input), or those of another stack."""
    lines: BinaryIO = sys.stdin.buffer
    if not options.text("FILE"):
        since = options.since("SINCE", "1h")
        assert since is not None
        found = merged(opened(), list(SERVICES.values()), since.timestamp())
        if not found:
            raise Nothing(str(refused.NO_LINE))
        lines = io.BytesIO("".join(f"{line.human()}\n" for line in found).encode("utf-8", "backslashreplace"))
    Screen().say(*noise.tell(lines, BUDGET.stop - 1))
    return FINE


def measure(level: str, count: int, call: Callable[[str], Placed], screen: Screen) -> Measured:
    """Places the calls one after another and takes what the services wrote of them, and of nobody else."""
    measured = Measured(level)
    for number in range(1, count + 1):
        placed = call(level)
        rows = placed.rows()
        measured.per_call.append(rows)
        measured.failed += not placed.result.get("ok")
        measured.lines += placed.lines
        shown = {"level": level, "number": number, "count": count, "rows": rows, "seconds": f"{placed.seconds:.1f}"}
        screen.say(screen.dim(f"  {words.MEASURED(**shown, call_sid=placed.call_sid)}"))
    return measured


def comparison(before: Measured, after: Measured) -> list[str]:
    """The guide's table: development against production, in all, by service and by event."""
    rows = [
        ["", str(pages.BEFORE), str(pages.AFTER), str(pages.FEWER_BY)],
        _compared(str(words.LINES_OF_ONE), median(before.per_call), median(after.per_call)),
        _compared(str(words.LINES_OF_ALL), before.rows(), after.rows()),
        _compared(str(words.BYTES_OF_ALL), before.size(), after.size()),
        *[
            _compared(words.LINES_OF(service=short(name)), before.rows(name), after.rows(name))
            for name in SERVICES.values()
        ],
    ]
    old, new = before.by_event(), after.by_event()
    events = [[str(pages.EVENT), "DEBUG", "INFO", str(pages.FEWER_BY)]]
    events += [_compared(event, old[event], new[event]) for event, _ in (old | new).most_common(30)]
    return [*table(rows, {1, 2, 3}), "", *table(events, {1, 2, 3})]


def _compared(name: str, before: float, after: float) -> list[str]:
    return [name, f"{before:,.0f}", f"{after:,.0f}", f"{reduction(before, after):.1f}%" if before else ""]


def verdict(before: Measured, after: Measured, screen: Screen) -> bool:
    """The two promises of the guide, and that the calls themselves went well."""
    least, most = min(after.per_call), max(after.per_call)
    each = f"{least}" if least == most else f"{least}–{most}"
    saved = reduction(before.rows(), after.rows())
    checks: Sequence[tuple[bool, str]] = (
        (least in BUDGET and most in BUDGET, words.IS_LINES(each=each)),
        (saved >= REDUCTION_LEAST, words.IS_FEWER(saved=f"{saved:.1f}")),
        (not before.failed + after.failed, words.WENT_WRONG(count=before.failed + after.failed)),
    )
    screen.say()
    for good, text in checks:
        screen.say(f"{screen.good('✅') if good else screen.bad('❌')} {text}")
    return all(good for good, _ in checks)
