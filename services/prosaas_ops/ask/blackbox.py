"""`make blackbox`: the black box of a call, from the file of a failed one or from the memory of a live one."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from prosaas_ops.options import FINE, LEVELS, NOTHING, OTHERS, Options, Problem, complain
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, debug_tags, parse, seconds
from prosaas_ops.stack.naming import one_call
from prosaas_ops.stack.records import call_record
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stack.switch import logctl
from prosaas_ops.stories import boxes
from prosaas_ops.stories.call import lines_of_call
from prosaas_ops.stories.moment import lines_of_record
from prosaas_ops.texts import lines as words
from prosaas_ops.texts import refused, told

OPTIONS = ("CALL", "LEVEL")

_SERVICE = "prosaas-calls"
_NOTHING_RECORDED = 3
# The error that had the recorder written comes within a moment of its last entry.
_AROUND_SECONDS = 2.0


def run(options: Options) -> int:
    engine, screen = opened(), Screen()
    call_sid = one_call(engine, options)
    whole = options.choice("LEVEL", LEVELS, "INFO") == "DEBUG"
    if not call_sid:
        return _list(engine, screen)
    rows, logged = _rows(engine, call_sid)
    if not rows:
        missing = words.NOTHING_RECORDED(call_sid=call_sid)
        complain(f"blackbox: {words.TRACE_TELLS(missing=missing)}")
        return NOTHING
    screen.say(*describe(recordings(rows, logged), screen, whole))
    command = f"make trace CALL={call_sid}"
    screen.say(Prose(screen.dim(told.NEXT(commands=command if whole else words.EACH_FRAME(command=command)))))
    return FINE


def recorded(engine: Engine, call_sid: str) -> list["Recording"]:
    """The dumps of one call, from its file or a live call's memory; none where nothing was recorded."""
    return recordings(*_rows(engine, call_sid))


def _list(engine: Engine, screen: Screen) -> int:
    """Each once, the newest first; of a Swarm with the node that wrote it."""
    found: dict[tuple[str, str], str] = {}
    for node, rows in _on_disk(engine, boxes.listed())[1].items():
        found |= {(node, row.split()[-1]): f"{row}  {node}".rstrip() for row in rows}
    if not found:
        complain(f"blackbox: {words.TRACE_TELLS(missing=words.NO_RECORDINGS)}")
        return NOTHING
    latest = sorted(found, key=found.__getitem__, reverse=True)
    screen.say(screen.dim(str(words.RECORDED_HEAD)), *(found[key] for key in latest))
    screen.say(screen.dim(told.NEXT(commands=f"make blackbox CALL={latest[0][1]}")))
    return FINE


def _rows(engine: Engine, call_sid: str) -> tuple[list[str], list[Line]]:
    """What the recorders wrote of the call, node by node, and what the log says of it; nothing where nobody did."""
    kept = {node: content.splitlines() for node, content in boxes.kept(call_sid).items()}
    service, found = _on_disk(engine, kept, call_sid)
    rows = [row for each in found.values() for row in each]
    return rows, _lines_of(engine, service, call_sid, rows) if rows else []


@dataclass(slots=True)
class Recording:
    """One dump of the recorder: why it was written, and what happened, log lines among the entries, by time."""

    title: str
    moments: list[tuple[float, Line]] = field(default_factory=list)


def recordings(rows: Iterable[str], logged: Sequence[Line]) -> list[Recording]:
    """The dumps in the recorder's file, each with the call's log lines of its time and the error that triggered it."""
    found: list[Recording] = []
    for row in rows:
        try:
            body: dict[str, Any] = json.loads(row)
        except (ValueError, RecursionError):
            continue
        if not isinstance(body, dict):
            continue
        if "blackbox" in body:
            title = {name: body.get(name, "?") for name in ("kind", "records", "reason")}
            place = f" · {body['place']}" if body.get("place") else ""
            found.append(Recording(words.RECORDED(name=body["blackbox"], **title) + place))
            continue
        stamp = next((str(body[name]) for name in ("timestamp", "@timestamp", "time") if name in body), "")
        if found and stamp:
            found[-1].moments.append((seconds(stamp), parse(RawLine(stamp, _SERVICE, row))))
    for recording in found:
        if recording.moments:
            first, last = recording.moments[0][0], recording.moments[-1][0]
            between = [(line.at, line) for line in logged if first <= line.at <= last + _AROUND_SECONDS]
            recording.moments = sorted([*recording.moments, *between], key=lambda moment: moment[0])
    return found


def _on_disk(engine: Engine, kept: Mapping[str, list[str]], *call: str) -> tuple[str, dict[str, list[str]]]:
    """The service that recorded, in another stack whichever did, and by node what logctl there or the database has.

    A node's own word goes before what is kept of it: it has the newest, and a live call's memory. One that does not
    answer is a problem where nothing else is found.
    """
    refusal: Problem | None = None
    answers: dict[str, list[str]] = {}
    for service in OTHERS or (_SERVICE,):
        containers: list[Container] = []
        try:
            containers = engine.generations(service)
        except Problem as problem:
            refusal = problem
        # Files are every generation's; what is still in memory only the one has that holds the call.
        for container in containers:
            node = container.place.partition("@")[2]
            try:
                if node not in answers and (rows := _asked(engine, container, *call)):
                    answers[node] = rows
            except Problem as problem:
                refusal = problem
        if answers:
            break
    # Beside those that log through us another stack has a database, say, that does not.
    if refusal is not None and not (answers or kept or OTHERS):
        raise refusal
    if call:
        return service, {**kept, **answers}
    return service, {node: [*kept.get(node, ()), *answers.get(node, ())] for node in {**kept, **answers}}


def _asked(engine: Engine, container: Container, *call: str) -> list[str]:
    code, out, err = logctl(engine, container, "blackbox", *call)
    if code not in (FINE, _NOTHING_RECORDED):
        raise Problem(err.strip() or refused.LOGCTL_FAILED(code=code))
    return out.splitlines() if code == FINE else []


def _lines_of(engine: Engine, service: str, call_sid: str, rows: Iterable[str]) -> list[Line]:
    """What the log says of the call above DEBUG: orientation between the frames, and the trigger."""
    parts = [engine.logs(container) for container in engine.with_kept(engine.containers(service), service)]
    lines = [line for part in parts for line in lines_of_call(part, call_sid) if line.level != "DEBUG"]
    # A warning that other calls gave at that time, too, is counted in their line; the record has it.
    with suppress(Problem):
        record = call_record(call_sid)
        # What was folded away the box itself has.
        known = lines + [line for recording in recordings(rows, []) for _, line in recording.moments]
        lines += lines_of_record(record, known) if record is not None else []
    return lines


def describe(found: Iterable[Recording], screen: Screen, whole: bool = False) -> Iterator[str]:
    """Each dump's reason, then its moments from its first one on; frames in runs unless all are wanted."""
    for recording in found:
        yield screen.bold(recording.title)
        start = recording.moments[0][0] if recording.moments else 0.0
        run: list[tuple[float, Line]] = []
        for at, line in recording.moments:
            if not whole and line.level == "DEBUG" and line.event in debug_tags():
                run.append((at, line))
                continue
            yield from _run(run, start, screen)
            run = []
            yield from _moment(at - start, line, screen)
        yield from _run(run, start, screen)


def _run(run: list[tuple[float, Line]], start: float, screen: Screen) -> Iterator[str]:
    """Frames that follow one another, as one row; a lone one as it is."""
    if len(run) == 1:
        yield from _moment(run[0][0] - start, run[0][1], screen)
    elif run:
        counts = Counter(line.event for _, line in run)
        frames = ", ".join(f"{event} ×{count}" for event, count in counts.most_common())
        lasted = words.FRAMES(told=frames, seconds=f"{run[-1][0] - run[0][0]:.2f}")
        yield screen.dim(f"{run[0][0] - start:+10.3f}  {lasted}")


def _moment(offset: float, line: Line, screen: Screen) -> Iterator[str]:
    text = line.human().replace(f" · call_sid={line.call_sid}", "")
    yield f"{screen.dim(f'{offset:+10.3f}')}  {screen.paint_level(screen.value(text), line.level)}"
    yield from (screen.bad(f"{'':12}{row}") for row in line.stack)
