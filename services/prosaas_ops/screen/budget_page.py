"""The page of `make log-budget`: how much quieter production is, and what is left of each event."""

from statistics import median

from prosaas_ops.options import SERVICES
from prosaas_ops.screen.charts import bars
from prosaas_ops.screen.page import page, scroll, table, tiles
from prosaas_ops.screen.piece import quoted
from prosaas_ops.screen.terminal import short
from prosaas_ops.stories.measured import Measured, reduction


def render(before: Measured, after: Measured) -> str:
    calls = len(after.per_call)
    numbers = [
        ("lines of one call at INFO", f"{median(after.per_call):.0f}"),
        ("lines of one call at DEBUG", f"{median(before.per_call):,.0f}"),
        ("fewer lines", f"{reduction(before.rows(), after.rows()):.1f}%"),
        ("fewer bytes", f"{reduction(before.size(), after.size()):.1f}%"),
        ("calls at each level", str(calls)),
    ]
    old, new = before.by_event(), after.by_event()
    loud = [(event, (float(old[event]), float(new[event]))) for event, _ in old.most_common(12)]
    services = [(short(name), (float(before.rows(name)), float(after.rows(name)))) for name in SERVICES.values()]
    sizes = [(short(name), (float(before.size(name)), float(after.size(name)))) for name in SERVICES.values()]
    names = ("before (DEBUG)", "after (INFO)")
    parts = [
        "<h1>Log budget</h1>",
        '<p class="dim">The same simulated calls, everything that the three services wrote of them.</p>',
        tiles(numbers),
        "<h2>Lines by service</h2>",
        bars("lines by service", services, names),
        "<h2>Bytes by service</h2>",
        bars("bytes by service", sizes, names),
        "<h2>The loudest events of development, and what is left of them</h2>",
        bars("lines of the loudest events", loud, names),
        "<h2>Every event</h2>",
        _event_table(before, after),
    ]
    return page("log budget", "\n".join(parts))


def _event_table(before: Measured, after: Measured) -> str:
    old, new = before.by_event(), after.by_event()
    rows = "".join(
        f'<tr><td>{quoted(event)}</td><td class="n">{old[event]:,}</td><td class="n">{new[event]:,}</td>'
        f'<td class="n">{f"{reduction(old[event], new[event]):.1f}%" if old[event] else ""}</td></tr>'
        for event, _ in (old | new).most_common()
    )
    head = [("", "event"), ("n", "DEBUG"), ("n", "INFO"), ("n", "fewer by")]
    return scroll("every event", table(head, rows))
