"""`make checklist`: the guide's deployment checklist, each of its seven points checked on the running stack."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prosaas_ops.options import FINE, PROBLEM, SERVICES, Options, Problem, spoken_duration
from prosaas_ops.screen.terminal import Screen, short
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.follow import merged
from prosaas_ops.stack.lines import Line, debug_tags
from prosaas_ops.stack.simulate import BUDGET, new_call_sid, place

OPTIONS = ("SINCE", "SPEED", "SCENARIO")

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
    engine, screen = Engine(), Screen()
    containers = [engine.running(name) for name in SERVICES.values()]
    details = {container.service: engine.inspect(container.id) for container in containers}
    screen.say(f"checklist of {engine.project}: one simulated call, and the log since {since:%Y-%m-%d %H:%M} UTC")
    call_sid = new_call_sid()
    call = place(engine, call_sid, scenario=options.text("SCENARIO", "demo"), speed=options.decimal("SPEED", 4.0))
    lines = merged(engine, list(SERVICES.values()), since.timestamp())
    checks = [
        level_is_info(details, {found.service: live_switch.status(engine, found) for found in containers}),
        unbuffered(details),
        production_file(model, details),
        budget(sum(map(call.rows, SERVICES.values())), call_sid),
        *noise(lines, spoken_duration(lines[-1].at - lines[0].at) if lines else "0s"),
        stack_traces({found.service: _raised(engine, found) for found in containers}),
    ]
    screen.say()
    for check in checks:
        screen.say(f"{screen.good('✅') if check.good else screen.bad('❌')} {check.point}")
        screen.say(f"   {screen.dim(check.evidence)}")
        if not check.good:
            screen.say(f"   fix: {check.remedy}")
    bad = sum(not check.good for check in checks)
    screen.say()
    screen.say(f"{len(checks) - bad} of {len(checks)} hold")
    return PROBLEM if bad else FINE


def _model() -> dict[str, Any]:
    """The rendered production model, which the wrapper sends."""
    try:
        model = json.loads("" if sys.stdin.isatty() else sys.stdin.read())
    except ValueError:
        raise Problem("the production files do not render: `docker compose config` says why") from None
    return model if isinstance(model, dict) else {}


def _environment(detail: dict[str, Any]) -> dict[str, str]:
    return dict(item.partition("=")[::2] for item in detail["Config"]["Env"] or [])


def level_is_info(details: dict[str, Any], states: dict[str, Any]) -> Checked:
    """The setting, and the level that is really in force."""
    found, good = [], True
    for service, detail in details.items():
        setting = _environment(detail).get("LOG_LEVEL", "(unset)")
        level = str(states[service].get("level", "?"))
        good = good and setting == level == "INFO"
        found.append(f"{short(service)} {setting}" + ("" if level == setting else f" but {level} in force"))
    return Checked(
        "LOG_LEVEL=INFO is set",
        good,
        ", ".join(found),
        "LOG_LEVEL=INFO in env/prod.env, then make up-prod; make quiet-calls ends a debug session",
    )


def unbuffered(details: dict[str, Any]) -> Checked:
    values = {service: _environment(detail).get("PYTHONUNBUFFERED", "(unset)") for service, detail in details.items()}
    return Checked(
        "PYTHONUNBUFFERED=1 is set",
        set(values.values()) == {"1"},
        ", ".join(f"{short(service)} {value}" for service, value in values.items()),
        "PYTHONUNBUFFERED=1 in env/prod.env, then make up-prod",
    )


def production_file(model: dict[str, Any], details: dict[str, Any]) -> Checked:
    """The file says INFO for the three services, and the containers were made from it."""
    services = model.get("services", {})
    levels = {name: str(services.get(name, {}).get("environment", {}).get("LOG_LEVEL", "(unset)")) for name in details}
    used = {
        name: "docker-compose.prod.yml" in detail["Config"]["Labels"].get("com.docker.compose.project.config_files", "")
        for name, detail in details.items()
    }
    evidence = "renders LOG_LEVEL " + ", ".join(f"{short(name)} {level}" for name, level in levels.items())
    stale = [short(name) for name, made in used.items() if not made]
    evidence += f"; made without it: {', '.join(stale)}" if stale else "; the running containers were made from it"
    return Checked(
        "docker-compose.prod.yml is up to date",
        set(levels.values()) == {"INFO"} and not stale,
        evidence,
        "make up-prod",
    )


def budget(rows: int, call_sid: str) -> Checked:
    return Checked(
        "one call = 10–30 lines",
        rows in BUDGET,
        f"{rows} lines in all services for the simulated call {call_sid}",
        f"make log-budget shows which events they are; make trace CALL={call_sid}",
    )


def noise(lines: list[Line], window: str) -> list[Checked]:
    """Neither empty sweeps nor frames, apart from the time in which an operator had switched to DEBUG."""
    quiet = list(_undebugged(lines))
    left_out = (
        f", {len(lines) - len(quiet)} written while an operator debugged not counted" if len(quiet) < len(lines) else ""
    )
    looked = f"in {len(quiet)} lines of {window}{left_out}"
    sweeps = [line for line in quiet if _FOUND_NOTHING.search(line.text)]
    frames = [line for line in quiet if line.event in debug_tags()]
    remedy = "LOG_LEVEL=INFO for the service that writes them: make logs GREP='{}' SINCE=1h"
    return [
        Checked('no "Found 0" spam', not sweeps, f"{len(sweeps)} {looked}", remedy.format("Found 0")),
        Checked(
            "no frame-by-frame spam", not frames, f"{len(frames)} {looked}", remedy.format("AUDIO_DELTA|MEDIA_IN|RMS")
        ),
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
        f"{short(service)} {'whole' if not words else 'without ' + ', '.join(words)}"
        for service, words in missing.items()
    ]
    return Checked(
        "errors are logged with their full stack trace",
        not any(missing.values()),
        f"a deliberate error inside each container: {', '.join(found)}",
        "the service must start with prosaas_logging.bootstrap() and log with log.exception()",
    )
