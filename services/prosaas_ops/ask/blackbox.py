"""`make blackbox`: the black box of a call, from the file of a failed one or from the memory of a live one."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from prosaas_ops.options import FINE, LEVELS, NOTHING, OTHERS, Options, Problem, complain
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.frames import RawLine
from prosaas_ops.stack.lines import Line, debug_tags, parse, seconds
from prosaas_ops.stack.naming import one_call
from prosaas_ops.stack.records import call_record
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stack.switch import logctl
from prosaas_ops.stories.call import lines_of_call, lines_of_record
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
    service, (code, out, err) = _ask(engine, call_sid)
    if code == _NOTHING_RECORDED:
        missing = words.NOTHING_RECORDED(call_sid=call_sid) if call_sid else words.NO_RECORDINGS
        complain(f"blackbox: {words.TRACE_TELLS(missing=missing)}")
        return NOTHING
    if code:
        raise Problem(err.strip() or refused.LOGCTL_FAILED(code=code))
    if not call_sid:
        rows = sorted(out.splitlines(), reverse=True)
        screen.say(screen.dim(str(words.RECORDED_HEAD)), *rows)
        screen.say(screen.dim(told.NEXT(commands=f"make blackbox CALL={rows[0].split()[-1]}")) if rows else "")
        return FINE
    screen.say(*describe(recordings(out.splitlines(), _lines_of(engine, service, call_sid)), screen, whole))
    command = f"make trace CALL={call_sid}"
    screen.say(Prose(screen.dim(told.NEXT(commands=command if whole else words.EACH_FRAME(command=command)))))
    return FINE


def recorded(engine: Engine, call_sid: str) -> list["Recording"]:
    """The dumps of one call, from its file or a live call's memory; none where nothing was recorded."""
    service, (code, out, err) = _ask(engine, call_sid)
    if code not in (FINE, _NOTHING_RECORDED):
        raise Problem(err.strip() or refused.LOGCTL_FAILED(code=code))
    return recordings(out.splitlines(), _lines_of(engine, service, call_sid)) if code == FINE else []


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
        except ValueError:
            continue
        if "blackbox" in body:
            title = {"kind": body["kind"], "records": body["records"], "reason": body["reason"]}
            found.append(Recording(words.RECORDED(name=body["blackbox"], **title)))
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


def _ask(engine: Engine, call_sid: str) -> tuple[str, tuple[int, str, str]]:
    """The service that recorded, in another stack whichever did, and what its logctl says."""
    answer = (_NOTHING_RECORDED, "", "")
    for service in OTHERS or (_SERVICE,):
        # Beside those that log through us another stack has a database, say, that does not.
        with suppress(Problem) if OTHERS else nullcontext():
            # Files are every generation's; what is still in memory only the one has that holds the call.
            for container in engine.generations(service):
                answer = logctl(engine, container, "blackbox", *([call_sid] if call_sid else []))
                if answer[0] != _NOTHING_RECORDED:
                    return service, answer
    return _SERVICE, answer


def _lines_of(engine: Engine, service: str, call_sid: str) -> list[Line]:
    """What the log says of the call above DEBUG: orientation between the frames, and the trigger."""
    parts = [engine.logs(container) for container in (*engine.kept(service), *engine.containers(service))]
    lines = [line for part in parts for line in lines_of_call(part, call_sid) if line.level != "DEBUG"]
    # A warning that other calls gave at that time, too, is counted in their line; the record has it.
    with suppress(Problem):
        record = call_record(call_sid)
        lines += lines_of_record(record, lines) if record is not None else []
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
