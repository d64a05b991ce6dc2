"""The story of one call: every service's lines, container events and the record, on the call's own clock."""

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prosaas_core.facts.endings import HANDED_OVER, EndReason
from prosaas_ops.options import OTHERS, SERVICES, Problem
from prosaas_ops.stack.buried import file_of
from prosaas_ops.stack.engine import GONE, Container, Engine
from prosaas_ops.stack.follow import Happening, down_since, happenings
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import DOOR, DOOR_GAVE_UP, RANK, Line, chosen, naming, perhaps, read
from prosaas_ops.stack.live_calls import live_calls
from prosaas_ops.stack.records import Record, call_record
from prosaas_ops.stories.errors import troubles
from prosaas_ops.stories.moment import Entry, bare, from_happening, from_line, from_record, order, place_speech, stamp
from prosaas_ops.texts.told import NO_LINE_KNOWS

# What a service says of itself as a whole is around every call of its time.
_AROUND = ("SERVICE_START", "SERVICE_STOP", "DRAIN_START", "DRAIN_END", "LOG_LEVEL_CHANGED", "LOG_LEVEL_REVERTED",
           "LOG_DROPPED", "QUEUE_LOST", "QUEUE_BACK", "CIRCUIT_OPEN", "CIRCUIT_CLOSED")  # fmt: skip
HAPPENINGS = ("start", "restart", "kill", "die", "oom", "stop", "pause", "unpause", "destroy")
# Lines of the call can precede its record's start (the webhook) and follow its end, those of its jobs for long.
_BEFORE, _AFTER, _JOBS_AFTER = 15.0, 60.0, 3600.0
# How a call ends that never reached the agent; where the agent transfers one, it had its stream.
_WITHOUT_US = ("", EndReason.MISSED, EndReason.TRANSFERRED)
# A call without a record is most likely live, and no call is longer than this.
_RECENT = 2 * 3600.0
# What happens to the services counts as the call's surroundings a little beyond its own lines.
_MARGIN = 5.0
# An api that stands still takes a call in when it goes on, long after the front door gave the call's webhook up.
_STOOD_STILL = 45.0
# Where a provider tells that a call begins, and that its caller is back from a transfer.
_RINGS, _BACK = "/twilio/voice", "/twilio/transferred"
# Instructions that were changed longer ago have answered other calls since.
_CHANGED, _CHANGED_BEFORE = "BUSINESS_CHANGED", 3600.0


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
    # How the container of prosaas-calls that had it ended in the middle of it, where it did.
    killed: Happening | None = None
    # What was changed of its business shortly before.
    changed: list[Line] = field(default_factory=list)
    # When the oldest event is of that the engine still has, where the call came before it.
    events_from: float | None = None

    @property
    def reached(self) -> bool:
        """Whether prosaas-calls ever had the call, or nobody needed it to."""
        record = self.record
        # Without a record there are no metrics but that it had its stream.
        if record is not None and (record.metrics or record.end_reason not in _WITHOUT_US):
            return True
        return any(entry.event == "CALL_START" for entry in self.entries)

    def rows(self, source: str) -> int:
        """How many rows the service printed of the call, those of stack traces too, as `make call` counts them."""
        return sum(
            entry.rows
            for entry in self.entries
            if entry.source == source and entry.origin == "log" and entry.event not in _AROUND
        )


def tell(engine: Engine, call_sid: str) -> Story | None:
    """Gathers the story; None where neither a log line nor a record knows the call.

    Problem where no line does, and the database could not be asked.
    """
    # The record first: it says when the call was, and the engine skips lines far faster than it sends them.
    record, without_record = _record(call_sid)
    entries: list[Entry] = []
    for since, ended in _windows(record):
        raws = _read_logs(engine, call_sid, since, ended)
        said = {one.id: _of(one, lines_of_call(part, call_sid)) for one, part in raws.items()}
        if entries := [from_line(line) for lines in said.values() for line in lines]:
            break
    if record is not None:
        entries += from_record(record, entries)
    if not entries and record is None:
        if without_record and not OTHERS:
            raise Problem(NO_LINE_KNOWS(call_sid=call_sid, why=without_record))
        return None
    started = _start(entries, record)
    if record is not None:
        place_speech(record, entries, started)
    first, last = _surrounded(entries, started)
    around = [line for one, part in raws.items() for line in _of(one, _surroundings(part, first, last))]
    entries += [from_line(line, kind="around") for line in around if line.event in _AROUND]
    happened = happenings(engine, first, min(last, time.time()))
    entries += [
        from_happening(told)
        for told in happened
        if told.what in HAPPENINGS and told.service in (*SERVICES.values(), "postgres")
    ]
    entries.sort(key=order)
    _tell_apart(entries, raws)
    others = len(troubles([line for line in around if line.event not in _AROUND]))
    live = _is_live(engine, call_sid, entries, record)
    story = Story(call_sid, entries, record, started, without_record, live, others)
    began_in = {container for container, lines in said.items() if any(line.event == "CALL_START" for line in lines)}
    died = (told for told in happened if told.failed and told.service == "prosaas-calls" and told.at > started)
    # Another replica's end, or that of one of which no line is left, is no end of this call.
    story.killed = next((told for told in died if any(map(told.is_of, began_in))), None)
    story.changed = _changed(engine, record, started)
    oldest = engine.remembers_since()
    story.events_from = oldest if oldest is not None and oldest > first else None
    if not story.reached:
        story.down_since = down_since(engine, "prosaas-calls", started)
        story.entries += _given_up(engine, _RINGS, started - _STOOD_STILL, last + _AFTER)
    if record is not None and record.end_reason in HANDED_OVER:
        story.entries += _given_up(engine, _BACK, started, last + _AFTER)
    story.entries.sort(key=order)
    return story


def _given_up(engine: Engine, path: str, since: float, until: float) -> list[Entry]:
    """The webhooks that the front door gave up then: whose, its lines do not say, and nobody else knows of them."""
    containers = [] if OTHERS else engine.with_kept(engine.containers(DOOR), DOOR)
    said = (line for one in containers for line in read(engine.logs(one, since, until)))
    found = [line for line in said if line.event == DOOR_GAVE_UP and line.fields.get("path") == path]
    return [replace(from_line(line), kind="around") for line in found]


def _changed(engine: Engine, record: Record | None, started: float) -> list[Line]:
    """What prosaas-api wrote of changes of the call's business in the time before it, the newest last."""
    business = record.business.partition(" ")[0] if record is not None else ""
    if not business or OTHERS:
        return []
    containers = engine.with_kept(engine.containers("prosaas-api"), "prosaas-api")
    raws = (raw for one in containers for raw in engine.logs(one, started - _CHANGED_BEFORE, started))
    said = read(raw for raw in raws if _CHANGED in raw.text)
    theirs = [line for line in said if line.event == _CHANGED and f"business_id={business}," in line.text]
    return sorted(theirs, key=lambda line: line.stamp)


def _is_live(engine: Engine, call_sid: str, entries: list[Entry], record: Record | None) -> bool | None:
    """The service is asked about a call that has begun and of which nothing says that it ended."""
    said = {entry.event for entry in entries}
    if "CALL_END" in said or "CALL_START" not in said or (record is not None and record.end_reason):
        return False
    calls = live_calls(engine)
    return None if calls is None else any(call.call_sid == call_sid for call in calls)


def _of(container: Container, lines: Iterable[Line]) -> list[Line]:
    found = list(lines)
    for line in found:
        line.container = container.id
    return found


def _tell_apart(entries: list[Entry], containers: Iterable[Container]) -> None:
    """Which container each moment is of, where a service has several in the story: a deploy's old one and its new one.

    By its number, as Compose counts them; one that is gone by the beginning of its id.
    """
    numbers = {_file(one.service, one.id): one.name.rpartition("-")[2] for one in containers if one.state != GONE}
    told = [(each, _file(each.source, each.container)) for each in entries if each.container and not each.place]
    several = Counter(service for service, _ in {(each.source, file) for each, file in told})
    for each, file in told:
        if several[each.source] > 1:
            each.place = numbers.get(file) or Path(file).name.split(".")[1][:6]


def _file(service: str, container: str) -> str:
    """What a container is known by, also once its lines alone are left."""
    return container if container.endswith(".gz") else str(file_of(service, container))


def _read_logs(
    engine: Engine, call_sid: str, since: float | None, ended: float | None
) -> dict[Container, list[RawLine]]:
    """By the container that wrote them, the lines that name the call, and those that may be of its surroundings."""
    notable = perhaps(_AROUND)

    def read_log(container: Container) -> list[RawLine]:
        after = _JOBS_AFTER if container.service == "worker" else _AFTER
        found = engine.logs(container, since, None if ended is None else ended + after)
        return list(chosen(found, lambda text: call_sid in text or notable(text)))

    with ThreadPoolExecutor(max_workers=4) as pool:
        services = tuple(SERVICES.values())
        found = engine.with_kept(engine.containers(*services), *services)
        return dict(zip(found, pool.map(read_log, found), strict=True))


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


def lines_of_call(raws: Iterable[RawLine], call_sid: str) -> Iterable[Line]:
    """Only the lines that name the call, and the stacks below them, are worth parsing."""
    return (line for line in read(chosen(raws, naming(call_sid))) if line.call_sid == call_sid)


def _surroundings(raws: Iterable[RawLine], first: float, last: float) -> Iterable[Line]:
    """What the services said during the call that belongs to no call: starts, drains, warnings."""
    opening, closing = stamp(first), stamp(last)
    near = (raw for raw in raws if opening <= raw.stamp <= closing)
    for line in read(chosen(near, perhaps(_AROUND))):
        if line.call_sid or line.job_id or "request_id" in line.fields:
            continue
        if line.event in _AROUND or RANK[line.level] >= RANK["WARNING"]:
            yield line


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


def transcript(story: Story) -> list[dict[str, Any]]:
    """Who said what and when (`at_ms` from the start): the record's, or what the log lines tell of a live call."""
    if story.record is not None and story.record.transcript:
        return story.record.transcript
    said = []
    for entry in story.entries:
        if entry.kind == "speech":
            who, _, words = bare(entry.text, story.call_sid).partition(": ")
            at_ms = round((entry.at - story.started) * 1000)
            said.append({"who": "ai" if who == "AI" else "customer", "text": words.strip('"'), "at_ms": at_ms})
    return said
