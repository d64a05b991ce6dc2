"""Charts as inline SVG, each with its name and its table: no script, and no colour alone tells the story."""

from collections.abc import Mapping, Sequence

from prosaas_ops.screen.page import scroll, table
from prosaas_ops.screen.piece import quoted
from prosaas_ops.texts.pages import AS_TABLE


def bars(
    title: str, rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], unit: str = "", language: str = ""
) -> str:
    """Horizontal bars, one group a row and one bar a name, each with its number at its end."""
    most = max((value for _, values in rows for value in values), default=0) or 1
    thick, gap, left, width = 18, 14, 200, 1040
    group = thick * len(names) + gap
    parts = [_legend(names, left)]
    for row, (label, values) in enumerate(rows):
        top = 24 + row * group
        middle = top + thick * len(names) / 2 + 4
        parts.append(f'<text x="{left - 10}" y="{middle:.0f}" text-anchor="end" class="value">{quoted(label)}</text>')
        for place, value in enumerate(values):
            length = max(1.0, value / most * (width - left - 90)) if value else 0.0
            y = top + place * thick
            parts.append(
                f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{thick - 3}" rx="3" class="s{place}"/>'
            )
            parts.append(
                f'<text x="{left + length + 6:.1f}" y="{y + thick - 6}" class="value">{value:,.0f}{unit}</text>'
            )
    drawn = _drawing(title, width, group * len(rows) + 24, parts, "left")
    return drawn + _as_table(title, ["", *names], [(label, values) for label, values in rows], language)


def columns(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    unit: str = "",
    every: int = 1,
    language: str = "",
) -> str:
    """Stacked columns over time, one colour a series; one label of `every` stands under its column."""
    names = list(series)
    totals = [sum(series[name][slot] for name in names) for slot in range(len(labels))]
    most = max(totals, default=0) or 1
    width, height, left, top = 1040, 150, 64, 26
    step = (width - left) / max(len(labels), 1)
    parts = [_legend(names, left)]
    parts.append(f'<text x="{left - 8}" y="{top + 10}" text-anchor="end">{most:,.0f}{unit}</text>')
    parts.append(f'<line class="grid" x1="{left}" x2="{width}" y1="{top + height}" y2="{top + height}"/>')
    for slot, label in enumerate(labels):
        y = float(top + height)
        for place, name in enumerate(names):
            tall = series[name][slot] / most * height
            y -= tall
            if tall:
                box = f'x="{left + slot * step + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{tall:.1f}"'
                told = f"<title>{quoted(name)} {series[name][slot]:,.0f}{unit}</title>"
                parts.append(f'<rect {box} class="s{place % 6}">{told}</rect>')
        if slot % every == 0:
            parts.append(f'<text x="{left + slot * step:.1f}" y="{top + height + 18}">{quoted(label)}</text>')
    rows = [(label, [series[name][slot] for name in names]) for slot, label in enumerate(labels) if totals[slot]]
    return _drawing(title, width, height + top + 24, parts, "right") + _as_table(title, ["", *names], rows, language)


def _drawing(title: str, width: int, height: int, parts: Sequence[str], begins: str) -> str:
    """Numbers run from left to right in every language; a narrow screen `begins` with what is asked for first."""
    svg = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{quoted(title)}" direction="ltr">'
    return scroll(title, f"{svg}{''.join(parts)}</svg>", begins=begins)


def _as_table(title: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], language: str = "") -> str:
    body = "".join(
        f'<tr><th scope="row">{quoted(label)}</th>{"".join(f"<td class=n>{value:,.0f}</td>" for value in values)}</tr>'
        for label, values in rows
    )
    head = [("", names[0] or title), *(("n", name) for name in names[1:])]
    words = AS_TABLE.say(language)
    return f"<details><summary>{words}</summary>{scroll(f'{title}, {words}', table(head, body))}</details>"


def _legend(names: Sequence[str], left: int) -> str:
    parts, x = [], float(left)
    for place, name in enumerate(names):
        parts.append(f'<rect x="{x:.0f}" y="2" width="12" height="12" rx="2" class="s{place % 6}"/>')
        parts.append(f'<text x="{x + 18:.0f}" y="12">{quoted(name)}</text>')
        x += 40 + 7.5 * len(name)
    return "".join(parts)
