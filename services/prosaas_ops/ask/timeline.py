"""The moments of a call as rows of text, each at its time, with the waits and the silences between them."""

import textwrap

from prosaas_core.facts.measures import SLOW_MS, VERY_SLOW_MS
from prosaas_ops.screen.piece import width
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.lines import RANK
from prosaas_ops.stories.call import Story
from prosaas_ops.stories.judged import greeting_wait, silences
from prosaas_ops.stories.moment import Entry, spoken_text
from prosaas_ops.texts import Text
from prosaas_ops.texts import told as words

_KIND = {
    "error": "1;31",
    "warning": "33",
    "container": "33",
    "call": "1",
    "speech": "",
    "tool": "36",
    "detail": "2",
    "around": "2",
}
# What may stand behind a moment: that it was interrupted, and known from the record alone.
_MARKS = 26


def timeline(story: Story, screen: Screen, least: int) -> list[str]:
    """Without what is below the least level, which is counted."""
    rows: list[tuple[float, list[str]]] = []
    greeting = greeting_wait(story)
    for entry in story.entries:
        if RANK[entry.level] < least:
            continue
        told = _moment(entry, story, screen)
        told += [screen.bad(f"{'':20}{row}") for row in entry.stack]
        if entry.wait is not None:
            told.append(_waited(entry.wait * 1000, words.WAITED, screen))
        elif greeting is not None and entry.kind == "speech" and entry.text.startswith("AI"):
            told.append(_waited(greeting, words.GREETED, screen))
        if entry.kind == "speech" and entry.text.startswith("AI"):
            greeting = None
        rows.append((entry.at, told))
    for pause in silences(story):
        mark = f"{'':12}┄┄ {words.SILENCE(seconds=f'{pause.seconds:.1f}')} ┄┄"
        rows.append((pause.at, [screen.warn(mark)]))
    lines = [line for _, told in sorted(rows, key=lambda row: round(row[0], 3)) for line in told]
    if hidden := sum(RANK[entry.level] < least for entry in story.entries):
        lines.append(screen.dim(f"{'':12}{words.HIDDEN(count=hidden)}"))
    if story.others:
        lines.append(screen.dim(f"{'':12}{words.OTHERS(count=story.others)}"))
    return lines


def _waited(milliseconds: float, what: Text, screen: Screen) -> str:
    colour = "31" if milliseconds >= VERY_SLOW_MS else "33" if milliseconds >= SLOW_MS else "2"
    return screen.paint(f"{'':20}└ {what(ms=f'{milliseconds:.0f}')}", colour)


def _moment(entry: Entry, story: Story, screen: Screen) -> list[str]:
    """One row, whole, over as many rows of a narrow terminal as it needs; only what is said frame by frame is cut."""
    text = spoken_text(entry, story.call_sid)
    head = f"{screen.dim(f'{entry.at - story.started:+10.3f}')}  {screen.name(entry.source, entry.place)} "
    left = 29 if entry.place else 20
    parts = textwrap.wrap(text, max(20, screen.width - left - 4)) if screen.width and entry.kind != "detail" else [text]
    painted = [screen.paint(screen.value(part), _KIND.get(entry.kind, "")) for part in parts]
    rows = [head + painted[0], *(f"{'':20}{row}" for row in painted[1:])]
    marks = [screen.warn(f"  {words.INTERRUPTED}")] if entry.interrupted else []
    marks += [screen.dim(f"  {words.RECORD}")] if entry.origin == "record" else []
    if marks and screen.width and left + width(parts[-1]) + _MARKS > screen.width:
        rows.append(" " * 18)
    rows[-1] += "".join(marks)
    return rows
