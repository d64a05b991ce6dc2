"""The story of a call as one page: both sides' speech on a time line, the words, and every line by its kind."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prosaas_core.facts.endings import ending_of
from prosaas_core.facts.hindsight import LETTERS_PER_SECOND
from prosaas_core.facts.measures import SLOW_MS, shown
from prosaas_core.facts.troubles import opening, sentence, verdict
from prosaas_ops.screen.page import COLOURS, page, scroll, table, tag, tiles
from prosaas_ops.screen.piece import isolated, prose, quoted, tagged
from prosaas_ops.screen.terminal import short
from prosaas_ops.stack.records import Record
from prosaas_ops.stories.call import Story, transcript
from prosaas_ops.stories.judged import changed_before, disputed, facts_of, paid
from prosaas_ops.stories.lasted import lasted
from prosaas_ops.stories.moment import Entry, spoken_text
from prosaas_ops.texts import Text
from prosaas_ops.texts import language as spoken
from prosaas_ops.texts.pages import (
    AGENT,
    CALL_TITLE,
    CUSTOMER,
    DURATION,
    ENDED,
    ESTIMATED,
    EVENTS,
    FROM_RECORD,
    INTERRUPTED,
    KIND,
    KINDS,
    LINE,
    LINES,
    LOG,
    NO_RECORD_YET,
    PAID,
    SECONDS,
    SERVICE,
    TIMELINE,
    TIMELINE_NAME,
    TRANSCRIPT,
    TROUBLES,
    WAITED,
)  # fmt: skip
from prosaas_ops.texts.told import NOT_THE_RECORD, NOT_TRANSCRIBED, SUMMARY

_WIDTH, _LEFT = 1040, 76
_LANES = (("customer", CUSTOMER, "call"), ("ai", AGENT, "speech"))


@dataclass(frozen=True, slots=True)
class Span:
    """One side speaking, in seconds from the call's start."""

    start: float
    end: float
    text: str
    interrupted: bool


def render(story: Story, language: str = "") -> str:
    """The page as a file."""
    language = language or spoken()
    return page(CALL_TITLE.say(language, call_sid=story.call_sid), body(story, language), language)


def body(story: Story, language: str = "", *, with_boxes: bool = True) -> str:
    """What the page says, for a frame of somebody else's, which may keep the boxes of the kinds elsewhere."""
    when = f"{datetime.fromtimestamp(story.started, UTC):%Y-%m-%d %H:%M:%S} UTC"
    parts = [
        f"<h1>{quoted(story.call_sid)}</h1>",
        f'<p class="dim"><bdi dir="ltr">{when}</bdi>{_parties(story, language)}</p>',
        *(f'<p class="dim">{isolated(row)}</p>' for row in changed_before(story, language)),
        *_verdict(story, language),
        tiles(_numbers(story, language)),
    ]
    if story.record is not None and (bill := paid(story.record, language)):
        parts.append(f'<p class="dim">{PAID.say(language)}: {isolated(bill)}</p>')
    parts += [f"<h2>{TIMELINE.say(language)}</h2>", _timeline(story, language)]
    if said := transcript(story):
        parts += [f"<h2>{TRANSCRIPT.say(language)}</h2>", *[_turn(turn, language) for turn in said]]
    if story.record is not None and story.record.summary:
        parts += [f"<h2>{SUMMARY.say(language)}</h2>", f'<p dir="auto">{quoted(story.record.summary)}</p>']
        parts += [f'<p class="bad">{NOT_THE_RECORD.say(language)}</p>'] if disputed(story) else []
    parts += [f"<h2>{LOG.say(language)}</h2>", _log(story, language, with_boxes)]
    return "\n".join(parts)


def _verdict(story: Story, language: str) -> list[str]:
    facts = facts_of(story)
    troubles = verdict(facts)
    rows = "".join(f"<li>{isolated(sentence(trouble, facts, language))}</li>" for trouble in troubles[1:])
    look = "bad" if troubles else "dim" if facts.forgotten else "good"
    words = f'<p class="{look}"><b>{isolated(opening(facts, language))}</b></p>'
    return [words, f"<ul>{rows}</ul>" if rows else ""]


def _parties(story: Story, language: str) -> str:
    record = story.record
    if record is None:
        return f" · {NO_RECORD_YET.say(language)}"
    numbers = f"{record.from_number} → {record.to_number}"
    told = [name for name in (record.direction, record.business, record.customer) if name]
    return f' · <bdi dir="ltr">{quoted(numbers)}</bdi>' + "".join(f" · {isolated(name)}" for name in told)


def _numbers(story: Story, language: str) -> list[tuple[str, str]]:
    numbers = []
    record = story.record
    if record is not None:
        if time := lasted(record.duration_s, record.end_reason):
            numbers.append((DURATION.say(language), time))
        if story.live is False:
            numbers.append((ENDED.say(language), _ending(record, language)))
        numbers += [(Text(measure.he, measure.en).say(language), value) for measure, value in shown(record.metrics)]
    troubles = sum(entry.kind in ("error", "warning") for entry in story.entries)
    return [*numbers, (TROUBLES.say(language), str(troubles)), (LINES.say(language), str(len(story.entries)))]


def _ending(record: Record, language: str) -> str:
    ending = ending_of(record.end_reason or "")
    return Text(ending.he, ending.en).say(language) if ending else (record.end_reason or record.status)


def activity(story: Story) -> dict[str, list[Span]]:
    """When each side spoke."""
    said = transcript(story)
    spans: dict[str, list[Span]] = {"customer": [], "ai": []}
    for turn in said:
        lane = spans["ai" if turn.get("who") == "ai" else "customer"]
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


def _timeline(story: Story, language: str) -> str:
    spans = activity(story)
    # Of a call that was forgotten there may be none.
    offsets = [entry.at - story.started for entry in story.entries] or [0.0]
    ends = [span.end for lane in spans.values() for span in lane]
    # What comes long after the call would squeeze the call itself: the axis ends a little after the call does.
    spoken_of = [entry for entry in story.entries if entry.source == "prosaas-calls"]
    ended = [entry for entry in spoken_of if entry.event == "CALL_END"] or spoken_of
    call_end = max([entry.at - story.started for entry in ended] + ends + [1.0])
    first, last = max(min(offsets), -5.0), min(max([*offsets, *ends]), call_end * 1.25 + 2)
    scale = (_WIDTH - _LEFT - 10) / max(last - first, 0.001)

    def x(at: float) -> float:
        return round(_LEFT + (min(max(at, first), last) - first) * scale, 1)

    name = TIMELINE_NAME.say(language)
    parts = [f'<svg viewBox="0 0 {_WIDTH} 190" role="img" aria-label="{quoted(name)}" direction="ltr">']
    step = _step(last - first)
    tick = int(first / step) * step
    while tick <= last:
        parts.append(f'<line class="grid" x1="{x(tick)}" x2="{x(tick)}" y1="8" y2="160"/>')
        parts.append(f'<text x="{x(tick)}" y="178" text-anchor="middle">{tick:g}s</text>')
        tick += step
    for row, (who, words, kind) in enumerate(_LANES):
        y = 16 + row * 44
        parts.append(f'<text x="0" y="{y + 20}">{quoted(words.say(language))}</text>')
        for span in spans[who]:
            width = max(2.0, x(span.end) - x(span.start))
            look = f"speech k-{kind}{' broken' if span.interrupted else ''}"
            box = f'x="{x(span.start)}" y="{y}" width="{width:.1f}" height="30" rx="4" class="{look}"'
            parts.append(f"<rect {box}><title>{quoted(span.text)}</title></rect>")
    parts.append(f'<text x="0" y="130">{EVENTS.say(language)}</text>')
    dots = [
        (at, entry)
        for at, entry in zip(offsets, story.entries, strict=False)
        if entry.kind not in ("speech", "detail") and first <= at <= last
    ]
    # Trouble is drawn last, over what lies at the same moment, and in a shape of its own.
    for at, entry in sorted(dots, key=lambda dot: dot[1].kind in ("warning", "error")):
        title = f"{at:+.3f}s {_who(entry)} {spoken_text(entry, story.call_sid)}"
        parts.append(_dot(x(at), entry.kind, f"<title>{quoted(title)}</title>"))
    parts = [scroll(name, "".join([*parts, "</svg>"]), begins="left")]
    estimated = not all("until_ms" in turn for turn in transcript(story))
    if estimated and any(spans.values()):
        parts.append(f'<p class="dim">{ESTIMATED.say(language)}</p>')
    return "".join(parts)


def _step(length: float) -> float:
    for step in (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600):
        if length / step <= 14:
            return step
    return 1800


def _dot(x: float, kind: str, title: str) -> str:
    if kind in ("warning", "error"):
        return f'<path d="M{x} 117l9 9-9 9-9-9z" class="moment k-{kind}">{title}</path>'
    return f'<circle cx="{x}" cy="126" r="4.5" class="moment k-{kind}">{title}</circle>'


def _turn(turn: dict[str, Any], language: str) -> str:
    who = "ai" if turn.get("who") == "ai" else "customer"
    note = f" · {INTERRUPTED.say(language)}" if turn.get("interrupted") else ""
    at = f'<bdi dir="ltr">{float(turn.get("at_ms", 0)) / 1000:.1f}s</bdi>'
    said = turn.get("text") or ("" if turn.get("transcribed", True) else NOT_TRANSCRIBED.say(language))
    words = f'<span dir="auto">{quoted(said)}</span>'
    name = (AGENT if who == "ai" else CUSTOMER).say(language)
    return f'<div class="turn {who}"><p>{words}<small>{name} · {at}{note}</small></p></div>'


def boxes(story: Story, language: str = "") -> str:
    """A box for each kind of moment that there is; a live call may still have them all."""
    kinds = {entry.kind for entry in story.entries} if story.live is False else set(COLOURS)
    return "".join(_box(kind, language) for kind in COLOURS if kind in kinds)


def _log(story: Story, language: str, with_boxes: bool) -> str:
    rows = "".join(_row(entry, story, language) for entry in story.entries)
    columns = (("n", SECONDS), ("", SERVICE), ("", KIND), ("", LINE))
    head = [(css, text.say(language)) for css, text in columns]
    return (boxes(story, language) if with_boxes else "") + scroll(LOG.say(language), table(head, rows, "wide"))


def _box(kind: str, language: str) -> str:
    """Frame by frame is there for whoever asks for it."""
    checked = "" if kind == "detail" else " checked"
    return f'<label class="kind"><input type="checkbox" id="k-{kind}"{checked}> {KINDS[kind].say(language)}</label>'


def _row(entry: Entry, story: Story, language: str) -> str:
    stack = f"<pre>{quoted(chr(10).join(entry.stack))}</pre>" if entry.stack else ""
    note = f' <span class="dim">{FROM_RECORD.say(language)}</span>' if entry.origin == "record" else ""
    if entry.wait is not None:
        slow = "bad" if entry.wait * 1000 >= SLOW_MS else "dim"
        waited = f'<bdi dir="ltr">{entry.wait * 1000:.0f} ms</bdi>'
        note += f' <span class="{slow}">{WAITED.say(language, waited=waited)}</span>'
    return (
        f'<tr class="k-{entry.kind}"><td class="n">{entry.at - story.started:+.3f}</td><td>{quoted(_who(entry))}</td>'
        f"<td>{tag(entry.kind, KINDS[entry.kind].say(language))}</td>"
        f'<td class="t">{tagged(entry.emoji, entry.event)}{prose(_core(entry, story))}{note}{stack}</td></tr>'
    )


def _who(entry: Entry) -> str:
    return f"{short(entry.source)}.{entry.place}" if entry.place else short(entry.source)


def _core(entry: Entry, story: Story) -> str:
    """The line without its tag, which stands apart, and without what every line would repeat."""
    tag = f"[{entry.event}] "
    before, found, after = spoken_text(entry, story.call_sid).partition(tag)
    return after if found and entry.event else before
