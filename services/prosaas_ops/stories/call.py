"""The story of one call: every service's lines, container events and the record, on the call's own clock."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prosaas_logging.render import escape
from prosaas_ops.options import OTHERS, SERVICES, Problem
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.follow import Happening, down_since, happenings
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import RANK, Line, dress, is_continuation, read
from prosaas_ops.stack.live_calls import live_calls
from prosaas_ops.stack.records import Record, call_record
from prosaas_ops.texts.told import NO_LINE_KNOWS

# By the beginning of the event's name or tag; the first that fits.
_KINDS = (
    (("TRANSCRIPT",), "speech"),
    (("REALTIME", "RESPONSE"), "model"),
    (("TOOL_",), "tool"),
    (("DB",), "database"),
    (("JOB_",), "job"),
    (("CALL_", "GREETING", "BARGE_IN", "DTMF", "VOICE_"), "call"),
)
# What a service says of itself as a whole is around every call of its time.
_AROUND = ("SERVICE_START", "SERVICE_STOP", "DRAIN_START", "DRAIN_END", "LOG_LEVEL_CHANGED", "LOG_LEVEL_REVERTED",
           "LOG_DROPPED", "QUEUE_LOST", "QUEUE_BACK", "CIRCUIT_OPEN", "CIRCUIT_CLOSED")  # fmt: skip
_NAMES_AROUND = re.compile("|".join(_AROUND))
_HAPPENINGS = ("start", "restart", "kill", "die", "oom", "stop", "destroy")
# Lines of the call can precede its record's start (the webhook) and follow its end, those of its jobs for long.
_BEFORE, _AFTER, _JOBS_AFTER = 15.0, 60.0, 3600.0
# A call without a record is most likely live, and no call is longer than this.
_RECENT = 2 * 3600.0
# What happens to the services counts as the call's surroundings a little beyond its own lines.
_MARGIN = 5.0


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
    # Of a Swarm: which replica, on which node.
    place: str = ""

    @property
    def reason(self) -> str:
        """Of a CALL_END: why, as its line says it in either language."""
        found = re.search(r"(?:סיבה|reason)=(\w+)", self.text)
        return found[1] if found else ""


@dataclass(slots=True)
class Story:
    """Everything that is known of the call."""

    call_sid: str
    entries: list[Entry]
    record: Record | None
    started: float
    # Why the database could not be asked, when it could not.
    without_record: str = ""
    # Whether the call is up now; None where it seems so and nobody could say.
    live: bool | None = False
    # Warnings of others in the call's time: no part of it, and perhaps a hint.
    others: int = 0
    # When prosaas-calls had ended, where it did not run as a call came that never reached it.
    down_since: float | None = None

    @property
    def reached(self) -> bool:
        """Whether prosaas-calls ever had the call."""
        recorded = self.record is not None and bool(self.record.end_reason or self.record.metrics.get("streamed"))
        return recorded or any(entry.event == "CALL_START" for entry in self.entries)

    def count(self, source: str, origin: str = "log") -> int:
        return sum(entry.source == source and entry.origin == origin for entry in self.entries)


def tell(engine: Engine, call_sid: str) -> Story | None:
    """Gathers the story; None where neither a log line nor a record knows the call.

    Problem where no line does, and the database could not be asked.
    """
    # The record first: it says when the call was, and the engine skips lines far faster than it sends them.
    record, without_record = _record(call_sid)
    entries: list[Entry] = []
    for since, ended in _windows(record):
        raws = _read_logs(engine, since, ended)
        entries = [_entry(line) for part in raws for line in lines_of_call(part, call_sid)]
        if entries:
            break
    if record is not None:
        entries += _from_record(record, entries)
    if not entries and record is None:
        if without_record and not OTHERS:
            raise Problem(NO_LINE_KNOWS(call_sid=call_sid, why=without_record))
        return None
    started = _start(entries, record)
    if record is not None:
        _place_speech(record, entries, started)
    first, last = _surrounded(entries, started)
    around = [line for part in raws for line in _surroundings(part, first, last)]
    entries += [_entry(line, kind="around") for line in around if line.event in _AROUND]
    entries += [
        _from_happening(told)
        for told in happenings(engine, first, min(last, time.time()))
        if told.what in _HAPPENINGS and told.service in (*SERVICES.values(), "postgres")
    ]
    entries.sort(key=lambda entry: entry.at)
    others = sum(line.event not in _AROUND for line in around)
    live = _is_live(engine, call_sid, entries, record)
    story = Story(call_sid, entries, record, started, without_record, live, others)
    if not story.reached:
        story.down_since = down_since(engine, "prosaas-calls", started)
    return story


def _is_live(engine: Engine, call_sid: str, entries: list[Entry], record: Record | None) -> bool | None:
    """The service is asked about a call that has begun and of which nothing says that it ended."""
    said = {entry.event for entry in entries}
    if "CALL_END" in said or "CALL_START" not in said or (record is not None and record.end_reason):
        return False
    calls = live_calls(engine)
    return None if calls is None else any(call.call_sid == call_sid for call in calls)


def _read_logs(engine: Engine, since: float | None, ended: float | None) -> list[list[RawLine]]:
    def read_log(container: Container) -> list[RawLine]:
        after = _JOBS_AFTER if container.service == "worker" else _AFTER
        return engine.logs(container, since, None if ended is None else ended + after)

    with ThreadPoolExecutor(max_workers=4) as pool:
        services = tuple(SERVICES.values())
        return list(pool.map(read_log, [*engine.kept(*services), *engine.containers(*services)]))


def _windows(record: Record | None) -> list[tuple[float | None, float | None]]:
    """Between which moments to look for the call's lines, the likeliest place first."""
    if record is not None and record.started_at is not None:
        started = record.started_at.timestamp()
        # A record without an end is of a call that is live, or that nobody saw end.
        ended = record.ended_at.timestamp() if record.ended_at is not None else started + _RECENT
        return [(started - _BEFORE, ended)]
    return [(time.time() - _RECENT, None), (None, None)]


def _record(call_sid: str) -> tuple[Record | None, str]:
    try:
        return call_record(call_sid), ""
    except Problem as problem:
        return None, str(problem)


def lines_of_call(raws: Sequence[RawLine], call_sid: str) -> Iterable[Line]:
    """Only the lines that name the call, and the stacks below them, are worth parsing."""
    chosen: list[RawLine] = []
    inside = False
    for raw in raws:
        inside = (inside and is_continuation(raw.text)) or call_sid in raw.text
        if inside:
            chosen.append(raw)
    return (line for line in read(chosen) if line.call_sid == call_sid)


def _surroundings(raws: Sequence[RawLine], first: float, last: float) -> Iterable[Line]:
    """What the services said during the call that belongs to no call: starts, drains, warnings."""
    opening, closing = _stamp(first), _stamp(last)
    notable = [raw for raw in raws if opening <= raw.stamp <= closing and _notable(raw.text)]
    for line in read(notable):
        if line.call_sid or line.job_id or "request_id" in line.fields:
            continue
        if line.event in _AROUND or RANK[line.level] >= RANK["WARNING"]:
            yield line


def _notable(text: str) -> bool:
    """Whether the line can be one of those, seen without parsing it; the rows of a stack trace are."""
    if text.startswith(("[INFO]", "[DEBUG]")) or '"INFO"' in text or '"DEBUG"' in text:
        return bool(_NAMES_AROUND.search(text))
    return True


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _entry(line: Line, kind: str = "") -> Entry:
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
    )


def kind_of(level: str, event: str) -> str:
    """What sort of moment it is; trouble outranks everything."""
    if RANK[level] >= RANK["ERROR"]:
        return "error"
    if RANK[level] == RANK["WARNING"]:
        return "warning"
    if level == "DEBUG":
        return "detail"
    return next((kind for beginnings, kind in _KINDS if event.startswith(beginnings)), "other")


def _from_record(record: Record, known: list[Entry]) -> list[Entry]:
    """The record's moments that no log line tells: folded by the line budget, or rotated away."""
    if record.started_at is None:
        return []
    logged = Counter(
        (entry.event, _core(entry.text, record.call_sid)) for entry in known if entry.source == "prosaas-calls"
    )
    started = record.started_at.timestamp()
    entries = []
    for event in record.events:
        tag, emoji = dress(str(event.get("event") or ""))
        text, level = str(event.get("text", "")), str(event.get("level", "INFO"))
        key = (tag, _core(text, record.call_sid))
        if logged[key]:
            logged[key] -= 1
            continue
        at = started + float(event.get("t_ms", 0)) / 1000
        kind = kind_of(level, tag)
        entries.append(Entry(at, "prosaas-calls", kind, level, tag, text, emoji=emoji, origin="record"))
    return entries


def lines_of_record(record: Record, known: Iterable[Line]) -> list[Line]:
    """The same as lines, beside those of the call that are `known`: the log may have counted them with others'."""
    told = _from_record(record, [_entry(line) for line in known])
    return [
        Line(f"{_stamp(one.at)}Z", one.source, one.level, one.event, one.text, one.emoji, record.call_sid)
        for one in told
    ]


def _core(text: str, call_sid: str) -> str:
    return text.replace(f" · call_sid={call_sid}", "").strip()


def _from_happening(told: Happening) -> Entry:
    level = "WARNING" if told.what in ("kill", "die", "oom") else "INFO"
    text = f"container {told.what}" + (f", {told.detail}" if told.detail else "")
    return Entry(told.at, told.service, "container", level, "", text, origin="engine")


def _start(entries: list[Entry], record: Record | None) -> float:
    for entry in sorted(entries, key=lambda entry: entry.at):
        if entry.event == "CALL_START":
            return entry.at
    if record is not None and record.started_at is not None:
        return record.started_at.timestamp()
    return min((entry.at for entry in entries), default=0.0)


def _surrounded(entries: list[Entry], started: float) -> tuple[float, float]:
    """From the call's first moment to its last, and not to its jobs, which may run long after."""
    moments = [entry.at for entry in entries if entry.source != "worker"] or [started]
    return min(moments) - _MARGIN, max(moments) + _MARGIN


def _place_speech(record: Record, entries: list[Entry], started: float) -> None:
    """Puts what was said where it was said: a line is written when its words are known, the record has their time.

    Who and the whole text must agree, each turn takes one line, and a turn without a line gets one.
    """
    waiting: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.at):
        if entry.kind == "speech":
            waiting.setdefault(_core(entry.text, record.call_sid), []).append(entry)
    for turn in record.transcript:
        who, said = turn.get("who"), escape(str(turn.get("text", "")))
        names = ("AI",) if who == "ai" else ("לקוח", "customer")
        lines = next((found for name in names if (found := waiting.get(f'{name}: "{said}"'))), None)
        if lines:
            entry = lines.pop(0)
        else:
            entry = Entry(0.0, "prosaas-calls", "speech", "INFO", "TRANSCRIPT", f'{names[-1]}: "{said}"', "💬")
            entry.origin = "record"
            entries.append(entry)
        entry.at = started + _milliseconds(turn.get("at_ms"))
        entry.until = started + _milliseconds(turn["until_ms"]) if turn.get("until_ms") is not None else None
        entry.interrupted = bool(turn.get("interrupted"))
        entry.wait = _milliseconds(turn["wait_ms"]) if turn.get("wait_ms") is not None else None


def _milliseconds(value: Any) -> float:
    return float(value or 0) / 1000


def transcript(story: Story) -> list[dict[str, Any]]:
    """Who said what and when (`at_ms` from the start): the record's, or what the log lines tell of a live call."""
    if story.record is not None and story.record.transcript:
        return story.record.transcript
    said = []
    for entry in story.entries:
        if entry.kind == "speech":
            who, _, words = _core(entry.text, story.call_sid).partition(": ")
            at_ms = round((entry.at - story.started) * 1000)
            said.append({"who": "ai" if who == "AI" else "customer", "text": words.strip('"'), "at_ms": at_ms})
    return said


def spoken_text(entry: Entry, call_sid: str) -> str:
    """The moment as its log line has it, without what every line of this story would repeat."""
    tag = f"[{entry.event}] " if entry.event else ""
    emoji = f"{entry.emoji} " if entry.emoji else ""
    level = f"{entry.level} " if entry.level not in ("INFO", "DEBUG") and entry.kind != "container" else ""
    text = entry.text.replace(f" · call_sid={call_sid}", "").replace(f"call_sid={call_sid}, ", "")
    return f"{level}{emoji}{tag}{text}"
