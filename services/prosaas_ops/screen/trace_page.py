"""The story of a call as one page: both sides' speech on a time line, the words, and every line by its kind."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prosaas_core.facts.endings import ending_of
from prosaas_core.facts.measures import MEASURES, SLOW_MS
from prosaas_core.facts.troubles import opening, sentence, verdict
from prosaas_ops.options import spoken_duration
from prosaas_ops.screen.page import COLOURS, page, tiles
from prosaas_ops.screen.piece import isolated, prose, quoted, tagged
from prosaas_ops.screen.terminal import short
from prosaas_ops.stack.records import Record
from prosaas_ops.stories.call import Entry, Story, spoken_text, transcript
from prosaas_ops.stories.judged import LETTERS_PER_SECOND, facts_of
from prosaas_ops.texts import Text, language
from prosaas_ops.texts import pages as words

_WIDTH, _LEFT = 1040, 76
_LANES: tuple[tuple[str, Text, str], ...] = (("customer", words.CUSTOMER, "#2f6feb"), ("ai", words.AGENT, "#8250df"))


@dataclass(frozen=True, slots=True)
class Span:
    """One side speaking, in seconds from the call's start."""

    start: float
    end: float
    text: str
    interrupted: bool


def render(story: Story) -> str:
    when = f"{datetime.fromtimestamp(story.started, UTC):%Y-%m-%d %H:%M:%S} UTC"
    parts = [
        f"<h1>{quoted(story.call_sid)}</h1>",
        f'<p class="dim"><bdi dir="ltr">{when}</bdi>{_parties(story)}</p>',
        *_verdict(story),
        tiles(_numbers(story)),
    ]
    parts += [f"<h2>{words.TIMELINE}</h2>", _timeline(story)]
    if said := transcript(story):
        parts += [f"<h2>{words.TRANSCRIPT}</h2>", *[_turn(turn) for turn in said]]
    if story.record is not None and story.record.summary:
        parts += [f"<h2>{words.SUMMARY}</h2>", f'<p dir="auto">{isolated(story.record.summary)}</p>']
    parts += [f"<h2>{words.LOG}</h2>", _log(story)]
    return page(words.CALL_TITLE(call_sid=story.call_sid), "\n".join(parts))


def _verdict(story: Story) -> list[str]:
    facts = facts_of(story)
    troubles = verdict(facts)
    rows = "".join(f'<li dir="auto">{isolated(sentence(trouble, facts, language()))}</li>' for trouble in troubles[1:])
    first = f'<p class="{"bad" if troubles else "good"}"><b>{isolated(opening(facts, language()))}</b></p>'
    return [first, f"<ul>{rows}</ul>" if rows else ""]


def _parties(story: Story) -> str:
    record = story.record
    if record is None:
        return f" · {words.NO_RECORD_YET}"
    direction = str(words.DIRECTIONS.get(record.direction, record.direction))
    names = [direction, record.from_number, "→", record.to_number, record.business, record.customer]
    return "".join(f" · {isolated(name)}" for name in names if name)


def _numbers(story: Story) -> list[tuple[str, str]]:
    numbers = []
    record = story.record
    if record is not None:
        if record.duration_s is not None:
            numbers.append((str(words.DURATION), spoken_duration(record.duration_s)))
        numbers.append((str(words.ENDED), _ended(record)))
        for measure in MEASURES:
            if record.metrics.get(measure.name) is not None:
                numbers.append(
                    (
                        measure.he if language() == "he" else measure.en,
                        f"{record.metrics[measure.name]} {measure.unit}".strip(),
                    )
                )
    troubles = sum(entry.kind in ("error", "warning") for entry in story.entries)
    return [*numbers, (str(words.TROUBLES), str(troubles)), (str(words.LINES), str(len(story.entries)))]


def _ended(record: Record) -> str:
    ending = ending_of(record.end_reason or "")
    if ending is not None:
        return ending.he if language() == "he" else (record.end_reason or "").replace("_", " ")
    return record.end_reason or record.status or str(words.LIVE)


def activity(story: Story) -> dict[str, list[Span]]:
    """When each side spoke."""
    said = transcript(story)
    spans: dict[str, list[Span]] = {"customer": [], "ai": []}
    for turn in said:
        lane = spans[str(turn.get("who"))]
        # Words can be sent while earlier ones are still being played: nobody speaks twice at once.
        start = max(float(turn.get("at_ms", 0)) / 1000, lane[-1].end if lane and "until_ms" in turn else 0.0)
        text = str(turn.get("text", ""))
        end = (
            float(turn["until_ms"]) / 1000
            if turn.get("until_ms") is not None
            else start + max(0.4, len(text) / LETTERS_PER_SECOND)
        )
        lane.append(Span(start, max(end, start + 0.05), text, bool(turn.get("interrupted"))))
    return spans


def _timeline(story: Story) -> str:
    spans = activity(story)
    offsets = [entry.at - story.started for entry in story.entries] or [0.0]
    ends = [span.end for lane in spans.values() for span in lane]
    # A job long after the call would squeeze the call itself: the axis ends a little after the call does.
    call_end = max(
        [at for at, entry in zip(offsets, story.entries, strict=True) if entry.source == "prosaas-calls"] + ends + [1.0]
    )
    first, last = max(min(offsets), -5.0), min(max([*offsets, *ends]), call_end * 1.25 + 2)
    scale = (_WIDTH - _LEFT - 10) / max(last - first, 0.001)

    def x(at: float) -> float:
        return round(_LEFT + (min(max(at, first), last) - first) * scale, 1)

    parts = [f'<svg viewBox="0 0 {_WIDTH} 190" role="img" aria-label="{words.TIMELINE}">']
    step = _step(last - first)
    tick = int(first / step) * step
    while tick <= last:
        parts.append(f'<line class="grid" x1="{x(tick)}" x2="{x(tick)}" y1="8" y2="160"/>')
        parts.append(f'<text x="{x(tick)}" y="178" text-anchor="middle">{tick:g}s</text>')
        tick += step
    for row, (who, name, colour) in enumerate(_LANES):
        y = 16 + row * 44
        parts.append(f'<text x="0" y="{y + 20}">{name}</text>')
        for span in spans[who]:
            width = max(2.0, x(span.end) - x(span.start))
            dash = ' stroke="#cf222e" stroke-width="2" stroke-dasharray="4 3"' if span.interrupted else ""
            box = f'x="{x(span.start)}" y="{y}" width="{width:.1f}" height="30" rx="4"{dash}'
            parts.append(f'<rect {box} fill="{colour}" opacity="0.8"><title>{quoted(span.text)}</title></rect>')
    parts.append('<text x="0" y="130">' + f"{words.EVENTS}</text>")
    for at, entry in zip(offsets, story.entries, strict=True):
        if entry.kind not in ("speech", "detail") and first <= at <= last:
            title = f"{at:+.3f}s {short(entry.source)} {spoken_text(entry, story.call_sid)}"
            parts.append(
                f'<circle cx="{x(at)}" cy="126" r="{6 if entry.kind in ("error", "warning") else 4.5}" '
                f'fill="{COLOURS[entry.kind]}" opacity="0.85"><title>{quoted(title)}</title></circle>'
            )
    parts.append("</svg>")
    estimated = not all("until_ms" in turn for turn in transcript(story))
    if estimated and any(spans.values()):
        parts.append(f'<p class="dim">{words.ESTIMATED}</p>')
    return "".join(parts)


def _step(length: float) -> float:
    for step in (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600):
        if length / step <= 14:
            return step
    return 1800


def _turn(turn: dict[str, Any]) -> str:
    who = "ai" if turn.get("who") == "ai" else "customer"
    note = f" · {words.INTERRUPTED}" if turn.get("interrupted") else ""
    at_s = float(turn.get("at_ms", 0)) / 1000
    label = f"{words.AGENT if who == 'ai' else words.CUSTOMER} · <bdi>{at_s:.1f}s</bdi>{note}"
    said = isolated(turn.get("text", ""))
    return f'<div class="turn {who}"><p dir="auto">{said}<small>{label}</small></p></div>'


def _log(story: Story) -> str:
    kinds = sorted({entry.kind for entry in story.entries}, key=list(COLOURS).index)
    boxes = "".join(map(_box, kinds))
    # Showing and hiding by kind needs no script: the style looks at the boxes.
    hide = "".join(f"main:has(#k-{kind}:not(:checked)) tr.k-{kind}{{display:none}}" for kind in kinds)
    rows = "".join(_row(entry, story) for entry in story.entries)
    head = f'<tr><th class="n">s</th><th>{words.SERVICE}</th><th>{words.KIND}</th><th>{words.LINE}</th></tr>'
    return f'<style>{hide}</style>{boxes}<div class="scroll"><table class="wide">{head}{rows}</table></div>'


def _box(kind: str) -> str:
    """Frame by frame is there for whoever asks for it."""
    checked = "" if kind == "detail" else " checked"
    return f'<label class="kind"><input type="checkbox" id="k-{kind}"{checked}> {words.KINDS[kind]}</label>'


def _row(entry: Entry, story: Story) -> str:
    stack = f"<pre>{quoted(chr(10).join(entry.stack))}</pre>" if entry.stack else ""
    note = f' <span class="dim">{words.FROM_RECORD}</span>' if entry.origin == "record" else ""
    if entry.wait is not None:
        slow = " bad" if entry.wait * 1000 >= SLOW_MS else ""
        waited = f'<bdi dir="ltr">{entry.wait * 1000:.0f} ms</bdi>'
        note += f' <span class="dim{slow}">{words.WAITED(waited=waited)}</span>'
    return (
        f'<tr class="k-{entry.kind}"><td class="n" dir="ltr">{entry.at - story.started:+.3f}</td>'
        f"<td>{short(entry.source)}</td>"
        f'<td><span class="tag" style="background:{COLOURS[entry.kind]}">{words.KINDS[entry.kind]}</span></td>'
        f'<td class="t">{tagged(entry.emoji, entry.event)}{prose(_core(entry, story))}{note}{stack}</td></tr>'
    )


def _core(entry: Entry, story: Story) -> str:
    """The line without its tag, which stands apart, and without what every line would repeat."""
    tag = f"[{entry.event}] "
    before, found, after = spoken_text(entry, story.call_sid).partition(tag)
    return after if found and entry.event else before
