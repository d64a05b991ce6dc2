"""`make calls`: the calls of a time from their records, with what was wrong with each, the worst first when asked."""

from datetime import UTC, datetime

from prosaas_core.facts.measures import SLOW_MS
from prosaas_core.facts.troubles import opening, verdict
from prosaas_core.phones import caller_id, is_withheld
from prosaas_ops.options import FINE, NOTHING, Options, Problem, complain
from prosaas_ops.screen.piece import width
from prosaas_ops.screen.terminal import Prose, Screen, until_now
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.found import ORDERS, Asked, Row, find
from prosaas_ops.stack.live_calls import live_ids
from prosaas_ops.stack.records import Away, business_known, searched
from prosaas_ops.stack.swarm import opened
from prosaas_ops.started import is_demo
from prosaas_ops.stories.lasted import lasted
from prosaas_ops.texts import language
from prosaas_ops.texts import told as words

# The columns before the last one.
_BEFORE_TROUBLE = 62

OPTIONS = ("SINCE", "UNTIL", "PHONE", "BUSINESS", "BAD", "SORT", "MAX")


def run(options: Options) -> int:
    screen = Screen()
    bad = options.flag("BAD", default=False)
    business, (since, until) = options.business(), options.window("1d")
    order = options.choice("SORT", ORDERS, "worst" if bad else "newest")
    engine = opened()
    phone = searched(options.phone_typed())
    asked = Asked(
        since, until, phone, business, bad, order, options.number("MAX", 30), live_ids(engine), is_demo(engine)
    )
    try:
        found = find(asked)
    except Away as away:
        raise Problem(words.WITHOUT_DATABASE(away=away)) from None
    if not found.every:
        complain(f"calls: {_nothing(options, asked, engine)}")
        return NOTHING
    whole = f"{since:%Y-%m-%d %H:%M} – {until_now(until):%m-%d %H:%M} UTC"
    screen.say(
        Prose(
            words.COUNTED(window=whole, calls=found.calls, bad=found.bad, unreached=found.unreached)
            + (words.AND_SIMULATED(count=found.simulated) if found.simulated else "")
        ),
        screen.dim(str(words.CALLS_HEAD)),
        *(told for row in found.rows for told in _rows(row, screen)),
    )
    if (fitting := found.simulated + (found.bad if bad else found.calls)) > len(found.rows):
        screen.say(screen.dim(words.MORE(shown=len(found.rows), all=fitting)))
    if found.rows:
        other = "BAD=1" if order == "slowest" else "SORT=slowest"
        commands = f"make trace CALL={found.rows[0].facts.call_sid[:8]} · make calls {other}"
        screen.say(Prose(screen.dim(words.NEXT(commands=commands))))
    return FINE


def _nothing(options: Options, asked: Asked, engine: Engine) -> str:
    """Why there may be no call, and where else to look in the window that was asked for."""
    if asked.business and not business_known(asked.business):
        return words.NO_BUSINESS(business=asked.business)
    window = " ".join(f"{name}={options.text(name)}" for name in ("SINCE", "UNTIL") if options.text(name))
    born = min((found.created for found in engine.containers("prosaas-api") if found.created), default=0)
    # Lines of generations that are gone are kept for a while, from a time that only reading them all would tell.
    late = born > asked.since.timestamp() and not engine.kept("prosaas-api")
    first = words.LINES_FROM(first=f"{datetime.fromtimestamp(born, UTC):%m-%d %H:%M}") if late else ""
    return words.NO_CALL(
        since=f"{asked.since:%Y-%m-%d %H:%M}",
        until=f"{until_now(asked.until):%Y-%m-%d %H:%M}",
        window=window or "SINCE=1d",
        lines=first,
    )


def _rows(row: Row, screen: Screen) -> list[str]:
    """One row; where the terminal is too narrow for the trouble that ends it, that stands below."""
    facts = row.facts
    time = lasted(row.duration_s, facts.end_reason) or "-"
    number = _number(row, screen)
    head = f"{row.started_at:%m-%d %H:%M}  {facts.call_sid[:8]:<8}  {number:<7}  {time:>6}"
    times = f"  {_seconds(facts.first_audio_ms, screen, 11)}  {_seconds(facts.slowest_ms, screen, 7)}"
    said = opening(facts, language())
    trouble = screen.warn(screen.value(said)) if verdict(facts) else screen.value(said)
    if screen.width and _BEFORE_TROUBLE + width(said) > screen.width:
        return [head + times, Prose(f"{'':13}{trouble}")]
    return [f"{head}{times}  {trouble}"]


def _number(row: Row, screen: Screen) -> str:
    """The end of who called, where that is a number; what else they call by is cut, and so is nobody's number."""
    if is_withheld(row.from_number) or not row.from_number:
        return str(words.ERASED if row.facts.forgotten else words.WITHHELD)
    return f"…{row.from_number[-4:]}" if caller_id(row.from_number) else screen.value(f"{row.from_number[:6]}…")


def _seconds(milliseconds: float | None, screen: Screen, most: int) -> str:
    if milliseconds is None:
        return "-".rjust(most)
    text = f"{milliseconds / 1000:.1f} s".rjust(most)
    return screen.warn(text) if milliseconds >= SLOW_MS else text
