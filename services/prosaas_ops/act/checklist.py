"""`make checklist`: the guide's deployment checklist, each of its seven points checked on the running stack."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from prosaas_core.facts.simulated import new_call_sid
from prosaas_ops.act.simulate import BUDGET, place
from prosaas_ops.options import FINE, PROBLEM, SERVICES, Options, Problem, spoken_duration
from prosaas_ops.screen.terminal import Prose, Screen, short
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.follow import merged
from prosaas_ops.stack.lines import Line, debug_tags
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import Text
from prosaas_ops.texts import checks as words

OPTIONS = ("SINCE", "SPEED", "SCENARIO")

T = TypeVar("T")

_FOUND_NOTHING = re.compile(r"\bFound 0\b")

# Raises in the service's own image and environment: the line goes to this command, not into the service's log.
_RAISE = """
from prosaas_logging import bootstrap, flush, get_logger
bootstrap("checklist")
def third(): return 1 / 0
def second(): return third()
def first(): return second()
try:
    first()
except ZeroDivisionError:
    get_logger("checklist").exception("checklist: a deliberate error")
flush()
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """One point of the guide's list, what was found, and what to do where it does not hold."""

    point: str
    good: bool
    evidence: str
    remedy: str = ""


def run(options: Options) -> int:
    model = _model()
    since = options.since("SINCE", "1h")
    assert since is not None
    engine, screen = opened(), Screen()
    containers = {_label(one): one for name in SERVICES.values() for one in engine.serving(name)}
    details = _of_each(containers, lambda found: engine.inspect(found.id))
    screen.say(words.CHECKLIST(project=engine.project, since=f"{since:%Y-%m-%d %H:%M}"))
    one_call = _simulated(engine, options) if _is_demo(engine) else None
    lines = merged(engine, list(SERVICES.values()), since.timestamp())
    checks = [
        level_is_info(details, _of_each(containers, partial(live_switch.status, engine))),
        unbuffered(details),
        production_file(model, details),
        one_call or newest_call(lines),
        *noise(lines, spoken_duration(lines[-1].at - lines[0].at) if lines else "0s"),
        stack_traces(_of_each(containers, partial(_raised, engine))),
    ]
    screen.say()
    for check in checks:
        screen.say(f"{screen.good('✅') if check.good else screen.bad('❌')} {check.point}")
        screen.say(Prose(f"   {screen.dim(check.evidence)}"))
        if not check.good:
            screen.say(Prose(f"   {words.FIX(remedy=check.remedy)}"))
    bad = sum(not check.good for check in checks)
    screen.say()
    screen.say(words.HOLD(good=len(checks) - bad, all=len(checks)))
    return PROBLEM if bad else FINE


def _label(container: Container) -> str:
    """The service, and which of its replicas where there are several."""
    return f"{container.service}.{container.place}" if container.place else container.service


def _of_each(containers: Mapping[str, Container], ask: Callable[[Container], T]) -> dict[str, T]:
    """Asked at once: each look into another node takes a second or two."""
    with ThreadPoolExecutor(8) as asking:
        return dict(zip(containers, asking.map(ask, containers.values()), strict=True))


def _is_demo(engine: Engine) -> bool:
    return any(container.state == "running" for container in engine.containers("simulator"))


def _simulated(engine: Engine, options: Options) -> Checked:
    call_sid = new_call_sid()
    call = place(engine, call_sid, scenario=options.text("SCENARIO", "demo"), speed=options.decimal("SPEED", 4.0))
    return budget(sum(map(call.rows, SERVICES.values())), call_sid, whole=not call.missing)


def newest_call(lines: list[Line]) -> Checked:
    """The call that ended last, of those whose beginning is known and during which nobody debugged."""
    quiet = list(_undebugged(lines))
    loud = {line.call_sid for line in lines if line.level == "DEBUG"}
    began = {line.call_sid for line in quiet if line.event == "CALL_START"} - loud
    ended = [line.call_sid for line in quiet if line.event == "CALL_END" and line.call_sid in began]
    if not ended:
        return Checked(str(words.ONE_CALL), False, str(words.NO_CALL), str(words.CALL_FIRST))
    return budget(
        sum(line.rows for line in quiet if line.call_sid == ended[-1]), ended[-1], words.REAL_ROWS, whole=True
    )


def _model() -> dict[str, Any]:
    """The rendered production model, which the wrapper sends."""
    try:
        model = json.loads("" if sys.stdin.isatty() else sys.stdin.read())
    except ValueError:
        raise Problem(str(words.NOT_RENDERED)) from None
    return model if isinstance(model, dict) else {}


def _environment(detail: dict[str, Any]) -> dict[str, str]:
    return dict(item.partition("=")[::2] for item in detail["Config"]["Env"] or [])


def level_is_info(details: dict[str, Any], states: dict[str, Any]) -> Checked:
    """The setting, and the level that is really in force."""
    found, good = [], True
    for service, detail in details.items():
        setting = _environment(detail).get("LOG_LEVEL", str(words.UNSET))
        level = str(states[service].get("level", "?"))
        good = good and setting == level == "INFO"
        found.append(f"{short(service)} {setting}" + ("" if level == setting else words.IN_FORCE(level=level)))
    return Checked(
        words.IS_SET(setting="LOG_LEVEL=INFO"),
        good,
        ", ".join(found),
        str(words.SET_LEVEL),
    )


def unbuffered(details: dict[str, Any]) -> Checked:
    values = {
        service: _environment(detail).get("PYTHONUNBUFFERED", str(words.UNSET)) for service, detail in details.items()
    }
    return Checked(
        words.IS_SET(setting="PYTHONUNBUFFERED=1"),
        set(values.values()) == {"1"},
        ", ".join(f"{short(service)} {value}" for service, value in values.items()),
        str(words.SET_UNBUFFERED),
    )


def production_file(model: dict[str, Any], details: dict[str, Any]) -> Checked:
    """The file says INFO for the three services, and the containers were made from it."""
    services = model.get("services", {})
    levels = {
        name: str(services.get(name.partition(".")[0], {}).get("environment", {}).get("LOG_LEVEL", str(words.UNSET)))
        for name in details
    }
    used = {
        name: "docker-compose.prod.yml" in detail["Config"]["Labels"].get("com.docker.compose.project.config_files", "")
        for name, detail in details.items()
    }
    evidence = words.RENDERS(levels=", ".join(f"{short(name)} {level}" for name, level in levels.items()))
    stale = [short(name) for name, made in used.items() if not made]
    evidence += words.MADE_WITHOUT(stale=", ".join(stale)) if stale else str(words.MADE_FROM)
    return Checked(
        str(words.FILE_CURRENT),
        set(levels.values()) == {"INFO"} and not stale,
        evidence,
        "make up-prod",
    )


def budget(rows: int, call_sid: str, found: Text = words.ROWS, *, whole: bool = False) -> Checked:
    """Of a whole call, its beginning and end among the lines, fewer are no fault: a short one has little to tell."""
    return Checked(
        str(words.ONE_CALL),
        rows in BUDGET or (whole and rows < BUDGET.start),
        found(rows=rows, call_sid=call_sid),
        words.WHICH_EVENTS(call_sid=call_sid),
    )


def noise(lines: list[Line], window: str) -> list[Checked]:
    """Neither empty sweeps nor frames, apart from the time in which an operator had switched to DEBUG."""
    quiet = list(_undebugged(lines))
    left_out = words.LEFT_OUT(count=len(lines) - len(quiet)) if len(quiet) < len(lines) else ""
    looked = partial(words.LOOKED, lines=len(quiet), window=window, left_out=left_out)
    sweeps = [line for line in quiet if _FOUND_NOTHING.search(line.text)]
    frames = [line for line in quiet if line.event in debug_tags()]
    return [
        Checked(str(point), not found, looked(count=len(found)), words.WHO_WRITES(pattern=pattern))
        for point, found, pattern in (
            (words.NO_FOUND, sweeps, "Found 0"),
            (words.NO_FRAMES, frames, "AUDIO_DELTA|MEDIA_IN|RMS"),
        )
    ]


def _undebugged(lines: list[Line]) -> Iterator[Line]:
    """Without the lines of times at which an operator had a service at DEBUG, by the live switch or by a restart."""
    switched: dict[str, int] = {}
    for line in lines:
        if line.event in ("SERVICE_START", "WORKER_START"):
            switched[line.service] = int("level=DEBUG" in line.text)
        elif line.event == "LOG_LEVEL_CHANGED" and "DEBUG" in line.text:
            switched[line.service] = switched.get(line.service, 0) + 1
        elif line.event == "LOG_LEVEL_REVERTED":
            switched[line.service] = max(0, switched.get(line.service, 0) - 1)
        if line.level != "DEBUG" or not switched.get(line.service):
            yield line


def _raised(engine: Engine, container: Container) -> str:
    _, out, err = engine.run(container, "python", "-c", _RAISE)
    return out + err


def stack_traces(outputs: dict[str, str]) -> Checked:
    """Every frame of the deliberate error, and the error itself, at level ERROR."""
    wanted = ("ERROR", "a deliberate error", "Traceback", "in first", "in second", "in third", "ZeroDivisionError")
    missing = {service: [word for word in wanted if word not in output] for service, output in outputs.items()}
    found = [
        f"{short(service)} {words.WITHOUT(words=', '.join(lost)) if lost else words.WHOLE}"
        for service, lost in missing.items()
    ]
    return Checked(
        str(words.STACKS),
        not any(missing.values()),
        words.RAISED(found=", ".join(found)),
        str(words.START_WITH),
    )
