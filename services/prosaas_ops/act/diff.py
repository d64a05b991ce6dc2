"""`make diff`: what `make up-prod` would recreate and why, secrets masked, and the live calls of each container.

It goes the way of a deploy as far as nothing changes: what that would refuse is refused, images are built aside, and
what follows from .env is reckoned, not written.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prosaas_ops.act.up import allowed
from prosaas_ops.conduct import secrets
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.images import Images
from prosaas_ops.conduct.world import World
from prosaas_ops.masks import hidden, is_secret_name
from prosaas_ops.options import FINE, Options, Problem
from prosaas_ops.screen.terminal import Prose, Screen
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.live_calls import LiveCall, held
from prosaas_ops.standing import AT_WILL
from prosaas_ops.swarm.changes import show
from prosaas_ops.swarm.deploy import is_swarm
from prosaas_ops.texts import conduct as conducted
from prosaas_ops.texts import lines as words
from prosaas_ops.texts.told import NEXT

OPTIONS = ("BUILD",)

ONE_SHOT = "runs once"
_MOST_NAMED = 10
# It reads its secret as its volume is made, and never again: a deploy leaves it alone whatever the file says since.
_READS_ONCE = "postgres"

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


def run(options: Options) -> int:
    world, screen, build = World(Path.cwd()), Screen(), options.flag("BUILD", default=True)
    if not world.env.path.exists():
        raise problem(str(conducted.NO_STACK), "make up-prod")
    if is_swarm(world):
        allowed(world, "swarm")
        return show(world, screen)
    if not _runs(world):
        raise problem(str(conducted.STACK_NOT_RUNNING), "make up-prod")
    with world.locked("diff"):
        changes = _changes(world, build=build)
    touched = [change for change in changes if change.action not in ("keep", ONE_SHOT)]
    for change in changes:
        mark = {"keep": screen.dim("="), ONE_SHOT: screen.dim("="), "create": screen.good("+")}.get(
            change.action, screen.warn("~")
        )
        action = words.ACTIONS.get(change.action, change.action)
        shown = screen.dim(str(words.UNCHANGED)) if change.action == "keep" else action
        screen.say(f"{mark} {change.service:<16} {shown}")
        for reason in change.reasons:
            screen.say(Prose(f"    {reason}"))
    calls = held(world.engine)
    screen.say("", Prose(_touched(calls, {change.service for change in touched})), *map(Prose, _named(calls)))
    nothing = words.NOTHING_TO_DEPLOY if build else words.NOTHING_BUT_CODE
    screen.say(Prose(screen.dim(NEXT(commands="make up-prod") if touched else str(nothing))))
    return FINE


def _runs(world: World) -> bool:
    return bool(world.containers())


def _changes(world: World, *, build: bool) -> list["Change"]:
    """What of the stack as it runs is not what this folder and its .env say."""
    allowed(world, "prod")
    images = Images(world)
    if build:
        images.build()
    dry = world.compose("--progress", "plain", "--dry-run", "up", "--detach", "--no-build", check=False)
    built = {f"prosaas/{name}:{world.tag}": image for name, image in (images.built() if build else {}).items()}
    return compare(world.engine, world.model(), dry.out + dry.err, secrets.wanted(world), built)


def _touched(calls: Mapping[str, list[LiveCall] | None], changed: set[str]) -> str:
    """What a deploy does to the calls that are up: a new front door alone cuts them, and waits for their end."""
    known = [one for ones in calls.values() if ones is not None for one in ones]
    if None in calls.values():
        # Waited for like calls that are known.
        if "gateway" in changed:
            return words.TOUCHED(calls=words.CUT(calls=words.UNKNOWN))
        return words.LIVE(calls=words.UNKNOWN)
    if not known or not changed & {"gateway", "prosaas-calls"}:
        return words.TOUCHED(calls=words.NONE_OF(all=len(known)))
    if "gateway" in changed:
        return words.TOUCHED(calls=words.CUT(calls=len(known)))
    return words.TOUCHED(calls=words.KEPT(none=words.NONE_OF(all=len(known))))


def _named(calls: Mapping[str, list[LiveCall] | None]) -> list[str]:
    """A row for each container that has calls, with their ids."""
    rows = []
    for name, ones in calls.items():
        if ones:
            more = f" … +{len(ones) - _MOST_NAMED}" if len(ones) > _MOST_NAMED else ""
            rows.append(f"    {name}: {' '.join(one.call_sid for one in ones[:_MOST_NAMED])}{more}")
    return rows


def compare(
    engine: Engine, model: dict[str, Any], dry_run: str, wanted: Mapping[str, str], built: Mapping[str, str]
) -> list[Change]:
    """The rendered model, the secrets by name and the images that were built, against the containers as they run."""
    running = {container.service: container for container in engine.containers() if container.state == "running"}
    exists = {container.name: service for service, container in running.items()}
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
            *_image_change(engine, detail, service, built),
            *_setting_changes(engine, detail, service),
            *(() if name == _READS_ONCE else _secret_changes(engine, container, service, model, wanted)),
        ]
        if planned.get(name) == "recreate" and not reasons:
            reasons.append(str(words.DEFINITION))
        changes.append(Change(name, "recreate" if reasons else "keep", reasons))
    for name, container in sorted(running.items()):
        if name not in model.get("services", {}) and name not in AT_WILL:
            changes.append(Change(name, "remove", [words.NOT_IN_MODEL(name=container.name)]))
    return changes


def _image_change(
    engine: Engine, detail: dict[str, Any], service: dict[str, Any], built: Mapping[str, str]
) -> list[str]:
    wanted = service.get("image") or detail["Config"]["Image"]
    try:
        image = engine.get(f"/images/{built.get(wanted, wanted)}/json")
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
    engine: Engine, container: Container, service: dict[str, Any], model: dict[str, Any], wanted: Mapping[str, str]
) -> list[str]:
    """A container keeps the secret files that it was made with: what it holds, against what .env makes of them."""
    values = {}
    for use in service.get("secrets") or []:
        name = Path(model["secrets"][use["source"]]["file"]).name
        if name in wanted:
            # An absolute target stands for itself.
            values[str(Path("/run/secrets") / (use.get("target") or use["source"]))] = (use["source"], wanted[name])
    if not values:
        return []
    _, out, _ = engine.run(container, "sha256sum", *values)
    holds = {row.split(maxsplit=1)[1]: row.split()[0] for row in out.splitlines()}
    return [
        words.SECRET(source=source)
        for target, (source, value) in values.items()
        if holds.get(target) != hashlib.sha256(value.encode()).hexdigest()
    ]
