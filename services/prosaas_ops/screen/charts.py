"""Charts as inline SVG: readable without a script and without a colour alone telling the story."""

from collections.abc import Mapping, Sequence

from prosaas_ops.screen.piece import quoted

_PALETTE = ("#2f6feb", "#8250df", "#0a7f76", "#b45309", "#57606a", "#cf222e")


def bars(rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], unit: str = "") -> str:
    """Horizontal bars, one group a row and one bar a name, each with its number at its end."""
    most = max((value for _, values in rows for value in values), default=0) or 1
    thick, gap, left, width = 18, 14, 200, 1040
    group = thick * len(names) + gap
    parts = [f'<svg viewBox="0 0 {width} {group * len(rows) + 24}" role="img">', _legend(names, left)]
    for row, (label, values) in enumerate(rows):
        top = 24 + row * group
        middle = top + thick * len(names) / 2 + 4
        parts.append(f'<text x="{left - 10}" y="{middle:.0f}" text-anchor="end" class="value">{quoted(label)}</text>')
        for place, value in enumerate(values):
            length = max(1.0, value / most * (width - left - 90)) if value else 0.0
            y = top + place * thick
            parts.append(
                f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{thick - 3}" rx="3" fill="{_PALETTE[place]}"/>'
            )
            parts.append(
                f'<text x="{left + length + 6:.1f}" y="{y + thick - 6}" class="value">{value:,.0f}{unit}</text>'
            )
    return "".join([*parts, "</svg>"])


def columns(labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> str:
    """Stacked columns over time, one colour a series."""
    names = list(series)
    count = len(labels)
    totals = [sum(series[name][slot] for name in names) for slot in range(count)]
    most = max(totals, default=0) or 1
    width, height, left, top = 1040, 150, 50, 26
    step = (width - left) / max(count, 1)
    parts = [f'<svg viewBox="0 0 {width} {height + top + 24}" role="img">', _legend(names, left)]
    parts.append(f'<text x="{left - 8}" y="{top + 10}" text-anchor="end">{most}</text>')
    parts.append(f'<line class="grid" x1="{left}" x2="{width}" y1="{top + height}" y2="{top + height}"/>')
    for slot, label in enumerate(labels):
        y = float(top + height)
        for place, name in enumerate(names):
            tall = series[name][slot] / most * height
            y -= tall
            if tall:
                title = f"<title>{quoted(name)} {series[name][slot]}</title>"
                colour = _PALETTE[place % len(_PALETTE)]
                place_and_size = (
                    f'x="{left + slot * step + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{tall:.1f}"'
                )
                parts.append(f'<rect {place_and_size} fill="{colour}">{title}</rect>')
        if label:
            parts.append(f'<text x="{left + slot * step:.1f}" y="{top + height + 18}">{quoted(label)}</text>')
    return "".join([*parts, "</svg>"])


def _legend(names: Sequence[str], left: int) -> str:
    parts, x = [], float(left)
    for place, name in enumerate(names):
        parts.append(
            f'<rect x="{x:.0f}" y="2" width="12" height="12" rx="2" fill="{_PALETTE[place % len(_PALETTE)]}"/>'
        )
        parts.append(f'<text x="{x + 18:.0f}" y="12">{quoted(name)}</text>')
        x += 40 + 7.5 * len(name)
    return "".join(parts)
