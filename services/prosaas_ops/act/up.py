"""What changes the stack: each command is a plan, under one lock, with a journal and a way back."""

import getpass
import sys
import time
from collections.abc import Callable
from pathlib import Path

from prosaas_ops.act.retention import days
from prosaas_ops.conduct import database, plan, secrets
from prosaas_ops.conduct.files import problem, replace
from prosaas_ops.conduct.generations import Generations, drained
from prosaas_ops.conduct.images import Images
from prosaas_ops.conduct.machine import DOCTOR, PREFLIGHT, Finding, examine
from prosaas_ops.conduct.run import run as run_plan
from prosaas_ops.conduct.run import unfinished
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import FINE, LEVELS, PROBLEM, SERVICES, Options, Usage
from prosaas_ops.stack import left

OPTIONS = ("CONTAINER", "FILE", "FORCE", "KEY", "LOG_LEVEL", "N", "NAME", "VERIFY", "YES")

_USABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=-")


def run(options: Options) -> int:
    world = World(Path.cwd())
    command = options.command
    if command == "drained":
        drained(world, options.text("CONTAINER"))
        return FINE
    secrets.tell_overridden(world)
    if command == "doctor":
        return _told(examine(DOCTOR, world, "prod"))
    acts: dict[str, Callable[[World, Options], None]] = {
        "setup": _setup, "up-prod": _up, "up-dev": _up, "down": _down, "rollback": _rollback,
        "rotate-secret": _rotate, "update-bases": _bases,
        "backup": _backup, "restore": _restore, "restore-drill": _drill,
    }  # fmt: skip
    act = acts.get(command, _restart)
    with world.locked(command):
        if command not in ("setup", "up-prod", "up-dev", "down"):
            if not world.env.path.exists():
                raise problem("there is no .env, so no stack was started from this folder", "make up-prod")
            resume(world)
        act(world, options)
        left.sweep_old(world.root, days(world.setting, "KEEP_CAPTURES_DAYS"), days(world.setting, "KEEP_LINES_DAYS"))
    return FINE


def resume(world: World) -> None:
    """A command that was killed is brought to its end first, or back; the one that was asked for follows."""
    journal = unfinished(world)
    if journal is None:
        Generations(world).tidy(*(OURS if world.containers() else ()))
        return
    name, memory = journal["plan"], journal["memory"]
    world.say(f"make {name} was interrupted at the step {journal['step']!r}: that comes to its end first")
    if name == "up-prod":
        run_plan(plan.up(world, "prod", build=False), world)
    elif name == "rotate-secret":
        run_plan(plan.rotate(world, memory["name"], memory["new"], memory["old"]), world)
    elif name.startswith("restart-"):
        run_plan(plan.restart(world, SERVICES[name.removeprefix("restart-")]), world)
    elif name == "restore":
        run_plan(database.restore(world, memory), world)
    else:
        world.remember("journal", None)


def _setup(world: World, _options: Options) -> None:
    prepare(world)


def prepare(world: World, environment: str = "") -> None:
    """A folder that can start a stack: .env, secret files, and modes that do not depend on the clone's."""
    secrets.make_env(world)
    world.env.put(**secrets.machine(world))
    if environment:
        # What this start is, and not what the last one was, is what the checks must see.
        world.overrides = secrets.chosen_stack(world, environment)
        _refuse(examine(PREFLIGHT, world, environment))
        world.env.put(**world.overrides)
    secrets.write_secrets(world)
    overlay = world.state / "compose.yml"
    if not overlay.exists():
        replace(overlay, "services: {}\n")
    for folder in ("env", "deploy/gateway", "deploy/monitoring", *(("services",) if environment == "dev" else ())):
        for path in (world.root / folder, *(world.root / folder).rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def _up(world: World, options: Options) -> None:
    environment, started = options.command.removeprefix("up-"), time.monotonic()
    journal = unfinished(world)
    if journal and journal["plan"] not in ("up-prod", "up-dev"):
        resume(world)
    prepare(world, environment)
    world.overrides |= {"YES": options.text("YES")}
    Generations(world).tidy(*(OURS if environment == "prod" and world.containers() else ()))
    first = not world.containers()
    world.say(f"{'starting' if first else 'renewing'} {world.project}, and waiting until it serves")
    run_plan(plan.up(world, environment), world)
    where = f"https://{world.recorded('PUBLIC_HOST')}" if world.recorded("PUBLIC_HOST") else (
        f"http://127.0.0.1:{world.setting('API_PORT', '8000')}"
    )  # fmt: skip
    if environment == "prod":
        database.schedule(world, world.recorded("BACKUP_SCHEDULE"))
    world.say(f"up in {time.monotonic() - started:.0f} s, version {world.version}: {where}")
    _say_what_drains(world)
    world.say("next: make call (one simulated call), make logs, make checklist")
    if world.recorded("DEMO") == "1":
        world.warn("this is the demo voice agent: DEMO=0 in .env, with the providers' keys, is the real thing")


def _say_what_drains(world: World) -> None:
    calls = plan.live_calls(world)
    *older, _newest = calls or {"": 0}
    for name in older:
        world.say(f"{name} keeps its {calls[name]} live calls to their end, and goes by itself")


def _restart(world: World, options: Options) -> None:
    short = options.command.removeprefix("restart-")
    level = options.choice("LOG_LEVEL", LEVELS)
    service = SERVICES[short]
    if level:
        world.overrides[f"{short.upper()}_LOG_LEVEL"] = level
    run_plan(plan.restart(world, service), world)
    world.say(f"{service} runs anew, version {world.version}")
    _say_what_drains(world)
    if level:
        world.say(f"{service} runs at {level} until it is next recreated; make restart-{short} returns it")


def _down(world: World, _options: Options) -> None:
    if not world.env.path.exists():
        raise problem("there is no .env, so no stack was started from this folder", "make up-prod")
    if calls := sum(plan.live_calls(world).values()):
        world.say(f"waiting for {calls} live calls, at most {world.setting('DRAIN_SECONDS', '600')} s")
    run_plan(plan.down(world), world)
    if world.recorded("BACKUP_SCHEDULE"):
        database.schedule(world, "")
    world.say("down; the data stays in its volumes, and make up-prod starts it again")


def _rollback(world: World, options: Options) -> None:
    run_plan(plan.rollback(world, options.number("N", 1)), world)
    images = Images(world)
    world.say(f"version {images.version(images.in_use())} runs again, on the schema as it is")
    world.say("next: make up-prod builds this folder's again")
    _say_what_drains(world)


def _rotate(world: World, options: Options) -> None:
    name = options.text("NAME")
    if name not in (*secrets.OURS, *secrets.PROVIDERS):
        raise Usage(f"NAME= is one of: {' '.join((*secrets.OURS, *secrets.PROVIDERS))}")
    if not any(found.state == "running" for found in world.containers("prosaas-api")):
        raise problem("the stack is not running", "make up-prod")
    value = secrets.renewed(name, world.recorded(name)) if name in secrets.OURS else _asked(name)
    run_plan(plan.rotate(world, name, value, world.recorded(name)), world)
    meanwhile = " once the calls that ring now are answered" if "," in value else ""
    world.say(f"{name} has a new value, in .env and in what uses it; the old one is worthless{meanwhile}")
    _say_what_drains(world)


def _bases(world: World, _options: Options) -> None:
    """What the door has pulled or made is what the next build starts from."""
    found = dict(word.split("=", 1) for word in world.setting("PROSAAS_BASES").split())
    changed = world.env.put(**found)
    for name, image in found.items():
        world.say(f"{name}={image}")
    world.say("next: make up-prod builds on them" if changed else "the same as before; next: make up-prod")


def _asked(name: str) -> str:
    value = getpass.getpass(f"the new {name}, not shown: ") if sys.stdin.isatty() else sys.stdin.readline()
    value = value.strip()
    if not value or set(value) - _USABLE:
        raise problem(
            f"no usable value for {name} on standard input",
            f"make rotate-secret NAME={name}, then paste it, on one line",
        )
    return value


def _backup(world: World, options: Options) -> None:
    verify = options.flag("VERIFY", default=False)
    database.backup(world, options.text("FILE"), over=options.flag("FORCE", default=False), verify=verify)


def _restore(world: World, options: Options) -> None:
    force = options.flag("FORCE", default=False)
    memory = database.examined(world, options.text("FILE"), force=force, key=options.text("KEY"))
    run_plan(database.restore(world, memory), world)
    world.say(f"restored: {database.counted(world, 'prosaas')}")
    if not any(found.state == "running" for found in world.containers("prosaas-api")):
        world.say("next: make up-prod")


def _drill(world: World, options: Options) -> None:
    database.drill(world, options.text("FILE"), options.text("KEY"))


def _refuse(findings: list[Finding]) -> None:
    bad = [finding for finding in findings if finding.bad]
    if bad:
        _told(bad)
        raise problem(
            f"{len(bad)} problem(s) before the start; nothing was changed",
            "the lines above, then run this again",
            "make doctor",
        )


def _told(findings: list[Finding]) -> int:
    for finding in findings:
        if not finding.bad:
            print(f"ok       {finding.topic:<10} {finding.text}", flush=True)
        else:
            print(f"problem  {finding.topic:<10} {finding.text}", flush=True)
            print(f"{'':20}fix:  {finding.fix}\n{'':20}read: {finding.read}", flush=True)
    return PROBLEM if any(finding.bad for finding in findings) else FINE
