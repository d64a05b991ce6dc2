"""The page of a capture: how much each service said over time, the calls in the window, and every warning and error."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from prosaas_ops.options import spoken_duration
from prosaas_ops.screen.charts import columns
from prosaas_ops.screen.page import page, scroll, table, tag, tiles
from prosaas_ops.screen.piece import isolated, prose, quoted, tagged
from prosaas_ops.screen.terminal import short
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import RANK, Line, clock
from prosaas_ops.stories.moment import kind_of
from prosaas_ops.texts import pages as words

# The page shows this many lines of each call or of the stack; events.jsonl beside it has all.
_MOST_ROWS = 2000


def render(lines: Sequence[Line], happenings: Sequence[Happening]) -> str:
    first, last = lines[0].at, lines[-1].at
    troubles = [line for line in lines if RANK[line.level] >= RANK["WARNING"]]
    calls = _calls(lines)
    when = f"{datetime.fromtimestamp(first, UTC):%Y-%m-%d %H:%M:%S} – {datetime.fromtimestamp(last, UTC):%H:%M:%S} UTC"
    numbers = [
        (str(words.LINES), str(len(lines))),
        (str(words.CALLS), str(len(calls))),
        (str(words.WARNINGS), str(sum(line.level == "WARNING" for line in troubles))),
        (str(words.ERRORS), str(sum(RANK[line.level] >= RANK["ERROR"] for line in troubles))),
        (str(words.CONTAINER_EVENTS), str(len(happenings))),
        (str(words.WINDOW), spoken_duration(last - first)),
    ]
    parts = [f"<h1>{words.CAPTURE}</h1>", f'<p class="dim"><bdi dir="ltr">{when}</bdi></p>', tiles(numbers)]
    parts += [f"<h2>{words.OVER_TIME}</h2>", _volume(lines, first, last)]
    if calls:
        parts += [f"<h2>{words.CALLS}</h2>", _call_table(calls)]
    parts += [
        f"<h2>{words.TROUBLES}</h2>",
        _rows(str(words.TROUBLES), troubles) if troubles else f'<p class="good">{words.NONE}</p>',
    ]
    if happenings:
        parts += [f"<h2>{words.CONTAINERS}</h2>", _happened(happenings)]
    cut = words.FIRST_OF(shown=_MOST_ROWS, all=len(lines), file=isolated("events.jsonl"))
    note = f'<p class="dim">{cut}</p>' if len(lines) > _MOST_ROWS else ""
    parts += [f"<h2>{words.LINES}</h2>", note, _rows(str(words.LINES), lines[:_MOST_ROWS])]
    return page(str(words.CAPTURE), "\n".join(parts))


def _calls(lines: Sequence[Line]) -> dict[str, list[Line]]:
    calls: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.call_sid:
            calls[line.call_sid].append(line)
    return calls


def _volume(lines: Sequence[Line], first: float, last: float) -> str:
    count = 48
    width = max((last - first) / count, 0.001)
    series: dict[str, Counter[int]] = defaultdict(Counter)
    for line in lines:
        series[short(line.service)][min(count - 1, int((line.at - first) / width))] += 1
    labels = [clock(first + slot * width)[:8] for slot in range(count)]
    named = {name: [slots[slot] for slot in range(count)] for name, slots in sorted(series.items())}
    return columns(str(words.OVER_TIME), labels, named, every=12)


def _call_table(calls: dict[str, list[Line]]) -> str:
    rows = []
    for call_sid, lines in calls.items():
        ending = next((line.text for line in lines if line.event == "CALL_END"), str(words.NOT_ENDED))
        ending = ending.removesuffix(f" · call_sid={call_sid}")
        rows.append(
            f'<tr><td>{quoted(call_sid)}</td><td class="n">{clock(lines[0].at)}</td><td class="n">{len(lines)}</td>'
            f'<td class="t">{prose(ending)}</td></tr>'
        )
    head = [("", str(words.CALL)), ("n", str(words.FIRST_LINE)), ("n", str(words.LINES)), ("", str(words.ENDING))]
    return scroll(str(words.CALLS), table(head, "".join(rows), "wide"))


def _happened(happenings: Sequence[Happening]) -> str:
    rows = "".join(
        f'<tr><td class="n">{clock(told.at)}</td><td>{short(told.service)}</td>'
        f"<td>{quoted(told.what)} {quoted(told.detail)}</td></tr>"
        for told in happenings
    )
    head = [("n", "UTC"), ("", str(words.SERVICE)), ("", str(words.WHAT))]
    return scroll(str(words.CONTAINERS), table(head, rows, "wide"))


def _rows(name: str, lines: Sequence[Line]) -> str:
    rows = []
    for line in lines:
        kind = kind_of(line.level, line.event)
        stack = f"<pre>{quoted(chr(10).join(line.stack))}</pre>" if line.stack else ""
        rows.append(
            f'<tr><td class="n">{clock(line.at)}</td><td>{short(line.service)}</td>'
            f"<td>{tag(kind, str(words.KINDS[kind]))}</td>"
            f'<td class="t">{tagged(line.emoji, line.event)}{prose(line.text)}{stack}</td></tr>'
        )
    head = [("n", "UTC"), ("", str(words.SERVICE)), ("", str(words.KIND)), ("", str(words.LINE))]
    return scroll(name, table(head, "".join(rows), "wide"))
