"""One moment of a call's story, from wherever it is known: a line of the log, the record, or the engine."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prosaas_logging.render import escape
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import RANK, Line, dress
from prosaas_ops.stack.records import Record
from prosaas_ops.texts.told import DECIDED, NOT_TRANSCRIBED

# By the beginning of the event's name or tag; the first that fits.
_KINDS = (
    (("TRANSCRIPT",), "speech"),
    (("REALTIME", "RESPONSE"), "model"),
    (("TOOL_",), "tool"),
    (("DB",), "database"),
    (("JOB_",), "job"),
    (("CALL_", "GREETING", "BARGE_IN", "DTMF", "VOICE_"), "call"),
)


@dataclass(slots=True)
class Entry:
    """One moment of the story."""

    at: float
    source: str
    kind: str
    level: str
    event: str
    text: str
    emoji: str = ""
    stack: list[str] = field(default_factory=list)
    # Where the moment is known from: the log, the database's record (folded or rotated away), or the engine.
    origin: str = "log"
    # Of speech: when it ended, whether it was broken off, and how long the caller had waited for its first sound.
    until: float | None = None
    interrupted: bool = False
    wait: float | None = None
    # Of a Swarm: which replica, on which node; elsewhere which container, where the story has several of the service.
    place: str = ""
    container: str = ""
    # How many the line was printed as: a stack is rows below it, or within it where lines are JSON.
    rows: int = 1

    @property
    def reason(self) -> str:
        """Of a CALL_END: why, as its line says it in either language."""
        found = re.search(r"(?:סיבה|reason)=(\w+)", self.text)
        return found[1] if found else ""


def order(entry: Entry) -> tuple[float, bool]:
    """By the moments as a story shows them; of two at one moment the carrier's ring is the first."""
    return round(entry.at, 3), entry.event != "VOICE_WEBHOOK"


def kind_of(level: str, event: str) -> str:
    """What sort of moment it is; trouble outranks everything."""
    if RANK[level] >= RANK["ERROR"]:
        return "error"
    if RANK[level] == RANK["WARNING"]:
        return "warning"
    if level == "DEBUG":
        return "detail"
    return next((kind for beginnings, kind in _KINDS if event.startswith(beginnings)), "other")


def from_line(line: Line, kind: str = "") -> Entry:
    """What a line of the log tells; trouble stays trouble whatever *kind* it is asked for as."""
    return Entry(
        at=line.at,
        source=line.service,
        kind=kind_of(line.level, line.event) if not kind or RANK[line.level] >= RANK["ERROR"] else kind,
        level=line.level,
        event=line.event,
        text=line.text,
        emoji=line.emoji,
        stack=line.stack,
        place=line.place,
        container=line.container,
        rows=line.rows,
    )


def from_record(record: Record, known: list[Entry]) -> list[Entry]:
    """The record's moments that no log line tells: folded by the line budget, or rotated away."""
    if record.started_at is None:
        return []
    logged = Counter(
        (entry.event, bare(entry.text, record.call_sid)) for entry in known if entry.source == "prosaas-calls"
    )
    started = record.started_at.timestamp()
    entries = []
    for event in record.events:
        tag, emoji = dress(str(event.get("event") or ""))
        text, level = str(event.get("text", "")), str(event.get("level", "INFO"))
        key = (tag, bare(text, record.call_sid))
        if logged[key]:
            logged[key] -= 1
            continue
        at = started + float(event.get("t_ms", 0)) / 1000
        kind = kind_of(level, tag)
        entries.append(Entry(at, "prosaas-calls", kind, level, tag, text, emoji=emoji, origin="record"))
    return entries


def lines_of_record(record: Record, known: Iterable[Line]) -> list[Line]:
    """The same as lines, beside those of the call that are `known`: the log may have counted them with others'."""
    told = from_record(record, [from_line(line) for line in known])
    return [
        Line(f"{stamp(one.at)}Z", one.source, one.level, one.event, one.text, one.emoji, record.call_sid)
        for one in told
    ]


def from_happening(told: Happening) -> Entry:
    """What the engine told of a container."""
    level = "WARNING" if told.what in ("kill", "die", "oom", "pause") else "INFO"
    text = f"container {told.what}" + (f", {told.detail}" if told.detail else "")
    return Entry(told.at, told.service, "container", level, "", text, origin="engine", container=told.container)


def place_speech(record: Record, entries: list[Entry], started: float) -> None:
    """Puts what was said where it was said: a line is written when its words are known, the record has their time.

    Who and the whole text must agree, each turn takes one line, and a turn without a line gets one. An interruption
    stays where it was decided, and so after the words that it was decided by: the first one says why.
    """
    waiting: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.at):
        if entry.kind == "speech":
            waiting.setdefault(bare(entry.text, record.call_sid), []).append(entry)
    for turn in record.transcript:
        who, said = turn.get("who"), escape(str(turn.get("text", "")))
        names = ("AI",) if who == "ai" else ("לקוח", "customer")
        lines = next((found for name in names if (found := waiting.get(f'{name}: "{said}"'))), None)
        if lines:
            entry = lines.pop(0)
        else:
            words = f'"{said}"' if said or turn.get("transcribed", True) else str(NOT_TRANSCRIBED)
            entry = Entry(0.0, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", f"{names[-1]}: {words}", "💬")
            entry.origin = "record"
            entries.append(entry)
        entry.at = started + _milliseconds(turn.get("at_ms"))
        entry.until = started + _milliseconds(turn["until_ms"]) if turn.get("until_ms") is not None else None
        entry.interrupted = bool(turn.get("interrupted"))
        entry.wait = _milliseconds(turn["wait_ms"]) if turn.get("wait_ms") is not None else None
    interruptions = [entry for entry in entries if entry.event == "BARGE_IN"]
    if record.transcript and interruptions:
        min(interruptions, key=lambda entry: entry.at).text += f" ({DECIDED})"


def spoken_text(entry: Entry, call_sid: str) -> str:
    """The moment as its log line has it, without what every line of this story would repeat."""
    tag = f"[{entry.event}] " if entry.event else ""
    emoji = f"{entry.emoji} " if entry.emoji else ""
    level = f"{entry.level} " if entry.level not in ("INFO", "DEBUG") and entry.kind != "container" else ""
    text = entry.text.replace(f" · call_sid={call_sid}", "").replace(f"call_sid={call_sid}, ", "")
    return f"{level}{emoji}{tag}{text}"


def bare(text: str, call_sid: str) -> str:
    """A line's text without the call that this story is about."""
    return text.replace(f" · call_sid={call_sid}", "").strip()


def stamp(at: float) -> str:
    """As the engine stamps lines, which sort as text."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _milliseconds(value: Any) -> float:
    return float(value or 0) / 1000
