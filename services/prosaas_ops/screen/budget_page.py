"""The page of `make log-budget`: how much quieter production is, and what is left of each event."""

from statistics import median

from prosaas_ops.options import SERVICES
from prosaas_ops.screen.charts import bars
from prosaas_ops.screen.page import page, scroll, table, tiles
from prosaas_ops.screen.piece import quoted
from prosaas_ops.screen.terminal import short
from prosaas_ops.stories.measured import Measured, reduction
from prosaas_ops.texts import pages as words


def render(before: Measured, after: Measured) -> str:
    calls = len(after.per_call)
    numbers = [
        (words.OF_ONE_CALL(level="INFO"), f"{median(after.per_call):.0f}"),
        (words.OF_ONE_CALL(level="DEBUG"), f"{median(before.per_call):,.0f}"),
        (str(words.FEWER_LINES), f"{reduction(before.rows(), after.rows()):.1f}%"),
        (str(words.FEWER_BYTES), f"{reduction(before.size(), after.size()):.1f}%"),
        (str(words.CALLS_EACH), str(calls)),
    ]
    old, new = before.by_event(), after.by_event()
    loud = [(event, (float(old[event]), float(new[event]))) for event, _ in old.most_common(12)]
    services = [(short(name), (float(before.rows(name)), float(after.rows(name)))) for name in SERVICES.values()]
    sizes = [(short(name), (float(before.size(name)), float(after.size(name)))) for name in SERVICES.values()]
    names = (str(words.BEFORE), str(words.AFTER))
    parts = [
        f"<h1>{words.BUDGET}</h1>",
        f'<p class="dim">{words.BUDGET_OF}</p>',
        tiles(numbers),
        f"<h2>{words.BY_SERVICE}</h2>",
        bars(str(words.BY_SERVICE), services, names),
        f"<h2>{words.BYTES_BY_SERVICE}</h2>",
        bars(str(words.BYTES_BY_SERVICE), sizes, names),
        f"<h2>{words.LOUDEST}</h2>",
        bars(str(words.LOUD_NAME), loud, names),
        f"<h2>{words.EVERY_EVENT}</h2>",
        _event_table(before, after),
    ]
    return page(str(words.BUDGET), "\n".join(parts))


def _event_table(before: Measured, after: Measured) -> str:
    old, new = before.by_event(), after.by_event()
    rows = "".join(
        f'<tr><td>{quoted(event)}</td><td class="n">{old[event]:,}</td><td class="n">{new[event]:,}</td>'
        f'<td class="n">{f"{reduction(old[event], new[event]):.1f}%" if old[event] else ""}</td></tr>'
        for event, _ in (old | new).most_common()
    )
    head = [("", str(words.EVENT)), ("n", "DEBUG"), ("n", "INFO"), ("n", str(words.FEWER_BY))]
    return scroll(str(words.EVERY_EVENT), table(head, rows))
