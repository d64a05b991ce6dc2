"""`make levels`: which level is in force where, who switched what until when, and what eats the disk."""

import re
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prosaas_ops.options import FINE, PROBLEM, SERVICES, Options, Problem, spoken_duration
from prosaas_ops.screen.terminal import Prose, Screen, fitted, short
from prosaas_ops.stack import sessions
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.engine import DEV, Container, Engine, Gone
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import checks as words

OPTIONS = ("QUIET",)


def run(options: Options) -> int:
    """With QUIET=1 (for doctor) only what is louder than INFO is told, and it is a problem."""
    engine, screen = opened(), Screen()
    containers = [found for found in engine.containers(*SERVICES.values()) if found.state == "running"]
    if not containers and options.flag("QUIET", default=False):
        return FINE
    if not containers:
        raise Problem(str(words.NONE_RUNS))
    # Of two, during a restart, each is named.
    several = [name for name, count in Counter(found.service for found in containers).items() if count > 1]
    rows = [
        row
        for container in containers
        for row in _levels(engine, container, container.name if container.service in several else "")
    ]
    loud = [row for row in rows if row[1] == "DEBUG"]
    if options.flag("QUIET", default=False):
        if engine.project.endswith(DEV):
            # Development is at DEBUG by its own file: only a switch is anybody's to take back.
            loud = [row for row in loud if row[3]]
        if loud:
            screen.say(*map(_loud, loud))
        return PROBLEM if loud else FINE
    heading = [str(head) for head in (words.WHERE, words.LEVEL, words.SOURCE, words.UNTIL_HEAD, words.BY)]
    first, rule, *others = fitted([heading, *rows], most=screen.width)
    screen.say(*first, *rule)
    for row, lines in zip(rows, others, strict=True):
        screen.say(*(map(screen.warn, lines) if row[1] == "DEBUG" else lines))
    quiet = sorted({re.split("[ ,]", row[0], maxsplit=1)[0] for row in loud if row[3]})
    if quiet:
        screen.say(Prose(screen.dim(words.TAKES_BACK(commands=" · ".join(f"make quiet-{name}" for name in quiet)))))
    screen.say("", screen.bold(str(words.DISK)), *_disk(engine, screen.width))
    return FINE


def _loud(row: list[str]) -> str:
    until = words.UNTIL(moment=row[3]) if row[3] else ""
    short, name = re.split("[ ,]", row[0], maxsplit=1)[0], row[2].partition(" ")[0]
    # A switch is taken back; else it is a setting. One service's own may be of a restart alone, and then in no file.
    in_file = words.SET_AND_RESTART if name == "LOG_LEVEL" else words.UNSET_AND_RESTART
    fix = f"make quiet-{short}" if row[3] else in_file(name=name, fix=f"make restart-{short}")
    return f"{words.IS_AT(where=row[0], level=row[1], source=row[2], until=until)}; {words.FIX(remedy=fix)}"


def _levels(engine: Engine, container: Container, which: str = "") -> list[list[str]]:
    """A row for the service, and one for each thing in it that is switched for a while."""
    name = short(container.service)
    where = f"{name} ({which})" if which else name
    try:
        known = live_switch.status(engine, container)
    except (Problem, ValueError) as problem:
        return [[where, "?", str(problem), "", ""]]
    debugging = sessions.others(engine, f"debug-{name}")
    rows = []
    whole = next((switch for switch in known["switches"] if switch["target"] == "service"), None)
    left = _until(whole) if whole else ""
    by = _by(live_switch.Target(), debugging) if whole else ""
    # As it was when the container was made; else it is the file that was edited since.
    source = str(known["source"]).replace("(environment)", str(words.AS_MADE))
    rows.append([where, str(known["level"]), source, left, by])
    for switch in known["switches"]:
        if switch["target"] != "service":
            value = str(switch["value"])
            target = live_switch.Target(**{{"call": "call_sid"}.get(switch["target"], switch["target"]): value})
            rows.append(
                [
                    f"{where}, {target}",
                    str(switch["level"]),
                    str(words.LIVE_SWITCH),
                    _until(switch),
                    _by(target, debugging),
                ]
            )
    return rows


def _until(switch: dict[str, Any]) -> str:
    left = float(switch["left_s"])
    at = datetime.fromtimestamp(time.time() + left, UTC)
    return f"{at:%H:%M:%S} UTC ({spoken_duration(left)})"


def _by(target: live_switch.Target, debugging: list[sessions.Session]) -> str:
    """Who: the terminal that debugs it, which the engine knows; logctl itself writes no name down."""
    for session in debugging:
        if session.target == target:
            return session.user or str(words.OTHER_TERMINAL)
    return str(words.GONE)


def _disk(engine: Engine, most: int = 0) -> list[str]:
    """What eats the disk, the largest first, each with the command that frees it."""
    used = engine.get("/system/df")
    volumes = [
        (words.VOLUME(name=volume["Name"]), int((volume.get("UsageData") or {}).get("Size", 0)), _frees(volume["Name"]))
        for volume in used.get("Volumes") or []
        if (volume.get("Labels") or {}).get("com.docker.compose.project") == engine.project
    ]
    # The engine's own sums: images share layers, and so does the cache.
    images = int(used.get("LayersSize") or 0)
    unused = [image for image in used.get("Images") or [] if not image.get("Containers")]
    cache = sum(int(layer["Size"]) for layer in used.get("BuildCache") or [] if not layer.get("Shared"))
    folder = sum(path.stat().st_size for path in Path("logs").glob("*") if path.is_file())
    rows = [
        *volumes,
        (words.IMAGES(count=len(unused)), images, str(words.FREES_IMAGES)),
        (str(words.CACHE), cache, "docker builder prune"),
        (str(words.FOLDER), folder, "rm logs/*"),
        (_kept_logs(engine), 0, str(words.KEPT)),
    ]
    sized = [[f"{size / 1e6:,.1f} MB" if size else "-", what, free] for what, size, free in rows]
    largest = sorted(sized, key=lambda row: -float(_number(row[0])))
    shown = fitted([[str(words.SIZE), str(words.WHAT), str(words.FREES)], *largest], {0}, most)
    return [line for lines in shown for line in lines]


def _number(text: str) -> str:
    return text.removesuffix(" MB").replace(",", "") if text != "-" else "0"


def _frees(volume: str) -> str:
    return str(words.SHRINKS if "log" in volume or "blackbox" in volume else words.HOLDS_DATA)


def _kept_logs(engine: Engine) -> str:
    """The most that the engine keeps of the containers' output; how much it is, only the engine's folder tells."""
    limits = set()
    for container in engine.containers(*SERVICES.values()):
        try:
            driver, kept = engine.log_driver(container)
        except Gone:
            continue
        size = kept.get("max-size", words.NO_LIMIT)
        limits.add(words.EACH(driver=driver, size=size, files=kept.get("max-file", "1")))
    return words.CONTAINER_LOGS(limits="; ".join(sorted(limits)))
