"""`make diff`: what a deploy would recreate and which settings change, with secrets masked and live calls counted."""

import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from prosaas_ops.masks import hidden, is_secret_name
from prosaas_ops.options import FINE, Options, Problem
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.live_calls import LiveCall, live_calls
from prosaas_ops.texts import lines as words
from prosaas_ops.texts.told import NEXT

OPTIONS = ()

# The wrapper sends the rendered model, this line, and what `docker compose --dry-run up -d` says.
SEPARATOR = "--- dry run ---"
ONE_SHOT = "runs once"
SECRETS = Path("/run/secrets")

_DRY_RUN = re.compile(r"Container (\S+)\s+(Recreated?|Created?|Creating|Recreating|Starting|Started|Running)\b")
_ACTION = {
    "Recreate": "recreate",
    "Recreated": "recreate",
    "Recreating": "recreate",
    "Create": "create",
    "Created": "create",
    "Creating": "create",
}


@dataclass(slots=True)
class Change:
    """What a deploy does to one service, and why."""

    service: str
    action: str
    reasons: list[str] = field(default_factory=list)


def run(_options: Options) -> int:
    model, dry_run = _input()
    engine, screen = Engine(), Screen()
    changes = compare(engine, model, dry_run)
    touched = [change for change in changes if change.action not in ("keep", ONE_SHOT)]
    for change in changes:
        mark = {"keep": screen.dim("="), ONE_SHOT: screen.dim("="), "create": screen.good("+")}.get(
            change.action, screen.warn("~")
        )
        action = words.ACTIONS.get(change.action, change.action)
        shown = screen.dim(str(words.UNCHANGED)) if change.action == "keep" else action
        screen.say(f"{mark} {change.service:<16} {shown}")
        for reason in change.reasons:
            screen.say(f"    {reason}")
    screen.say()
    screen.say(_touched(live_calls(engine), {change.service for change in touched}))
    screen.say(screen.dim(NEXT(commands="make up-prod") if touched else str(words.NOTHING_TO_DEPLOY)))
    return FINE


def _touched(calls: list[LiveCall] | None, changed: set[str]) -> str:
    """What a deploy does to the calls that are up: a new front door alone cuts them, and waits for their end."""
    if calls is None:
        return words.LIVE(calls=words.UNKNOWN)
    if not calls or not changed & {"gateway", "prosaas-calls"}:
        return words.TOUCHED(calls=words.NONE_OF(all=len(calls)))
    if "gateway" in changed:
        return words.TOUCHED(calls=words.CUT(calls=len(calls)))
    return words.TOUCHED(calls=words.KEPT(none=words.NONE_OF(all=len(calls))))


def _input() -> tuple[dict[str, Any], str]:
    text = sys.stdin.read()
    rendered, _, dry_run = text.partition(SEPARATOR)
    try:
        model = json.loads(rendered)
    except ValueError:
        raise Problem(str(words.NOT_RENDERED)) from None
    if not isinstance(model, dict):
        raise Problem(str(words.NOT_RENDERED))
    return model, dry_run


def compare(engine: Engine, model: dict[str, Any], dry_run: str) -> list[Change]:
    """The rendered model against the containers as they run."""
    running = {container.service: container for container in engine.containers() if container.state == "running"}
    exists = {container.name: container.service for container in engine.containers()}
    planned = {exists.get(name, name): _ACTION.get(verb, "keep") for name, verb in _DRY_RUN.findall(dry_run)}
    changes = []
    for name, service in sorted(model.get("services", {}).items()):
        container = running.get(name)
        if container is None:
            one_shot = service.get("restart", "no") == "no"
            action = ONE_SHOT if one_shot else "create"
            changes.append(Change(name, action, [] if one_shot else [str(words.NOT_RUNNING)]))
            continue
        detail = engine.inspect(container.id)
        reasons = [
            *_image_change(engine, container, detail, service),
            *_setting_changes(engine, detail, service),
            *_secret_changes(engine, container, detail, service, model),
        ]
        if planned.get(name) == "recreate" and not reasons:
            reasons.append(str(words.DEFINITION))
        changes.append(Change(name, "recreate" if reasons else "keep", reasons))
    for name, container in sorted(running.items()):
        if name not in model.get("services", {}):
            changes.append(Change(name, "remove", [words.NOT_IN_MODEL(name=container.name)]))
    return changes


def _image_change(engine: Engine, container: Container, detail: dict[str, Any], service: dict[str, Any]) -> list[str]:
    wanted = service.get("image") or detail["Config"]["Image"]
    try:
        image = engine.get(f"/images/{wanted}/json")
    except Problem:
        return [words.NOT_HERE(image=wanted)]
    if image["Id"] == detail["Image"]:
        return []
    return [
        words.BUILT(
            image=wanted,
            old=_short(detail["Image"]),
            new=_short(image["Id"]),
            built=str(image.get("Created", ""))[:19],
        )
    ]


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def _setting_changes(engine: Engine, detail: dict[str, Any], service: dict[str, Any]) -> list[str]:
    """Environment that differs; what the image itself sets is no setting of ours."""
    now = _pairs(detail["Config"]["Env"])
    built_in = _pairs(engine.get(f"/images/{detail['Image']}/json")["Config"].get("Env") or [])
    # Without a value the variable is passed on if the shell has it: here it has not.
    wanted = {name: str(value) for name, value in (service.get("environment") or {}).items() if value is not None}
    lines = []
    for name in sorted({*now, *wanted}):
        if name not in wanted:
            if built_in.get(name) != now[name]:
                lines.append(f"{name}: {hidden(name, now[name])} → {words.UNSET}")
        elif now.get(name) != wanted[name]:
            if is_secret_name(name):
                lines.append(f"{name}: {words.CHANGED}")
            else:
                lines.append(f"{name}: {hidden(name, now.get(name, str(words.UNSET)))} → {hidden(name, wanted[name])}")
    return lines


def _pairs(assignments: list[str]) -> dict[str, str]:
    return dict(item.split("=", 1) for item in assignments if "=" in item)


def _secret_changes(
    engine: Engine, container: Container, detail: dict[str, Any], service: dict[str, Any], model: dict[str, Any]
) -> list[str]:
    """A changed secret file recreates nothing by itself, and a process read it when it started."""
    started = datetime.fromisoformat(detail["State"]["StartedAt"][:19] + "+00:00").timestamp()
    files = {}
    for use in service.get("secrets") or []:
        path = SECRETS / Path(model["secrets"][use["source"]]["file"]).name
        if path.is_file():
            # An absolute target stands for itself.
            files[str(Path("/run/secrets") / (use.get("target") or use["source"]))] = (use["source"], path)
    if not files:
        return []
    _, out, _ = engine.run(container, "sha256sum", *files)
    held = {row.split(maxsplit=1)[1]: row.split()[0] for row in out.splitlines()}
    return [
        words.SECRET(source=source)
        for target, (source, path) in files.items()
        if held.get(target) != hashlib.sha256(path.read_bytes()).hexdigest() or path.stat().st_mtime > started
    ]
