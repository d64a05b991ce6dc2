"""What changes the stack: each command is a plan, under one lock, with a journal and a way back."""

import time
from collections.abc import Callable
from pathlib import Path

from prosaas_ops.act import retention
from prosaas_ops.act.unfinished import end_killed
from prosaas_ops.conduct import backup, database, plan, restore, secrets
from prosaas_ops.conduct.configuration import refuse_unwritten, would_start
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.finding import refuse, tell_of_news, told, warn_of
from prosaas_ops.conduct.generations import Generations, drained
from prosaas_ops.conduct.images import Images
from prosaas_ops.conduct.machine import DOCTOR, MANAGER, PREFLIGHT, RESTART, SETTLED, examine
from prosaas_ops.conduct.run import run as run_plan
from prosaas_ops.conduct.run import telling_of_an_early_end
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.files import replace
from prosaas_ops.options import FINE, LEVELS, SERVICES, Options, Problem, Usage
from prosaas_ops.spelling import meant
from prosaas_ops.stack.engine import DEV
from prosaas_ops.swarm import deploy
from prosaas_ops.texts import conduct as words
from prosaas_ops.texts import kept, refused
from prosaas_ops.texts import swarm as of_swarm
from prosaas_ops.texts.told import NEXT

# By the target: each takes its own.
TAKES = {
    "backup": ("FILE", "FORCE", "VERIFY"),
    "drained": ("CONTAINER",),
    "restart-api": ("LOG_LEVEL",),
    "restart-calls": ("LOG_LEVEL",),
    "restart-worker": ("LOG_LEVEL",),
    "restore": ("FILE", "FILES", "FORCE", "KEY"),
    "restore-drill": ("FILE", "KEY"),
    "rollback": ("N", "YES"),
    "rotate-secret": ("NAME",),
    "up-dev": ("YES",),
    "up-prod": ("YES",),
    "up-swarm": ("BUILD",),
}
OPTIONS = ()


def run(options: Options) -> int:
    world = World(Path.cwd())
    if options.command == "drained":
        drained(world, options.text("CONTAINER"))
        return FINE
    with telling_of_an_early_end(world):
        return _act(world, options)


def _act(world: World, options: Options) -> int:
    command = options.command
    secrets.tell_overridden(world)
    if command == "doctor":
        beyond = deploy.findings(world) if deploy.is_swarm(world) else []
        return told([*examine(MANAGER if beyond else DOCTOR, world, "prod"), *beyond])
    acts: dict[str, Callable[[World, Options], object]] = {
        "setup": lambda world, _options: prepare(world),
        "update-bases": lambda world, _options: secrets.take_bases(world),
        "up-prod": _up, "up-dev": _up, "up-swarm": _up_swarm, "down": _down,
        "rollback": _rollback, "rotate-secret": _rotate,
        "backup": _backup, "restore": _restore,
        "restore-drill": lambda world, options: backup.drill(world, options.text("FILE"), options.text("KEY")),
    }  # fmt: skip
    act = acts.get(command, _restart)
    if command != "up-swarm" and deploy.is_swarm(world):
        act = _of_a_swarm(world, command) or act
    with world.locked(command):
        if command not in ("setup", "up-prod", "up-dev", "up-swarm") and not world.env.path.exists():
            raise problem(str(words.NO_STACK), "make up-prod")
        if command != "setup":
            end_killed(world, command)
        # Others may be an emergency's, and wait for no database.
        if command in ("backup", "restore", "restore-drill"):
            restore.drop_copies(world)
        act(world, options)
        retention.sweep(world)
    return FINE


def prepare(world: World, environment: str = "") -> list[str]:
    """A folder that can start a stack: .env, secret files, and modes that do not depend on the clone's.

    The secrets that had another value until now.
    """
    made = secrets.make_env(world)
    world.env.put(**(allowed(world, environment, made_env=made) if environment else secrets.machine(world)))
    renewed = secrets.write_secrets(world)
    overlay = world.state / "compose.yml"
    if not overlay.exists():
        replace(overlay, "services: {}\n")
    for folder in ("env", "deploy/gateway", "deploy/monitoring", *(("services",) if environment == "dev" else ())):
        for path in (world.root / folder, *(world.root / folder).rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return renewed


def allowed(world: World, environment: str, *, made_env: bool = False) -> dict[str, str]:
    """What .env gets by this start, which holds for this command from now on; a Problem where the start is refused.

    What this start is, and not what the last one was, is what the checks must see; a refused one changes no word of it.
    """
    found = world.overrides = secrets.machine(world) | secrets.chosen_stack(world, environment)
    findings = examine(*((MANAGER, world, "prod") if environment == "swarm" else (PREFLIGHT, world, environment)))
    refuse(findings, made_env=made_env)
    warn_of(world, [finding for finding in findings if finding.later])
    return found


def _up(world: World, options: Options) -> None:
    environment, started = options.command.removeprefix("up-"), time.monotonic()
    renewed = prepare(world, environment)
    # Not before: what is refused may be another folder's stack, in the midst of a restore.
    restore.drop_copies(world)
    world.overrides |= {"YES": options.text("YES")}
    Generations(world).tidy(*(OURS if environment == "prod" and world.containers() else ()))
    before = world.containers()
    ran = {found.id: found.service for found in before if found.state == "running"}
    # A first start opens the front door last: without one nothing has served.
    world.say((words.RENEWING if "gateway" in ran.values() else words.STARTING)(project=world.project))
    try:
        run_plan(plan.up(world, environment), world)
    except Problem:
        if before and renewed:
            # Whatever starts anew by itself, after a crash or a reboot, reads them.
            world.warn(words.SECRETS_STAY(names=", ".join(renewed)))
        raise
    if before and ran.keys() >= {found.id for found in world.containers() if found.state == "running"}:
        world.say(str(words.NOTHING_RENEWED))
    here = f"http://127.0.0.1:{world.setting('API_PORT', '8000')}"
    where = f"https://{host}" if (host := world.recorded("PUBLIC_HOST")) else here
    if environment == "prod":
        backup.schedule(world, world.recorded("BACKUP_SCHEDULE"))
    world.say(words.UP(seconds=f"{time.monotonic() - started:.0f}", version=world.version, where=where))
    _say_what_drains(world)
    if demo := world.recorded("DEMO") == "1":
        # On the stream of what follows: of two streams nobody knows whose row a terminal shows first.
        world.say(str(words.IS_DEMO))
    world.say(str(words.NEXT if demo else words.NEXT_LIVE))


def _up_swarm(world: World, options: Options) -> None:
    started, build = time.monotonic(), options.flag("BUILD", default=True)
    if any(found.state == "running" for found in world.containers()):
        # Its database would be started a second time, on the same volume.
        raise problem(str(of_swarm.RUNS_HERE), "make down", "docs/scaling.md")
    prepare(world, "swarm")
    run_plan(deploy.Deploy(world, refuse).plan(build=build), world)
    world.say(of_swarm.UP(seconds=f"{time.monotonic() - started:.0f}", version=world.version))
    world.say(str(of_swarm.NEXT))


# What acts on one machine's containers, and what to do instead where they are many machines'.
_ALONE = {
    "up-prod": of_swarm.DOWN_FIRST,
    "up-dev": of_swarm.OTHER_CLONE,
    "rotate-secret": of_swarm.IN_ENV,
    "backup": of_swarm.BY_HAND,
    "restore": of_swarm.BY_HAND,
    "restore-drill": of_swarm.BY_HAND,
}


def _of_a_swarm(world: World, command: str) -> Callable[[World, Options], object] | None:
    """The command's meaning for a stack on a Swarm, None where it is the same."""
    # One that is down may become one machine's; its data is on a node all the same, and that may be another.
    if command in _ALONE and (not command.startswith("up-") or deploy.runs(world)):
        raise problem(of_swarm.ONE_MACHINE(command=command), str(_ALONE[command]))
    if command.startswith("restart-"):
        return _restart_swarm
    acts: dict[str, Callable[[World, Options], object]] = {
        "down": lambda world, _options: _down_swarm(world),
        "rollback": lambda world, options: _rollback_swarm(world, options.number("N", 1)),
    }
    return acts.get(command)


def _restart_swarm(world: World, options: Options) -> None:
    short = options.command.removeprefix("restart-")
    service, level = SERVICES[short], options.choice("LOG_LEVEL", LEVELS)
    run_plan(deploy.restart(world, service, level), world)
    if level:
        world.say(words.RUNS_AT(service=service, level=level, short=short))


def _down_swarm(world: World) -> None:
    world.say(of_swarm.WAITING(seconds=world.setting("DRAIN_SECONDS", "600")))
    run_plan(deploy.down(world), world)
    world.say(str(of_swarm.DOWN))


def _rollback_swarm(world: World, back: int) -> None:
    run_plan(deploy.Deploy(world, refuse).rollback(back), world)
    world.say(str(of_swarm.ROLLED_BACK))


def _say_what_drains(world: World) -> None:
    calls = plan.live_calls(world)
    *older, _newest = calls or {"": 0}
    for name in older:
        its = calls[name]
        world.say(words.MUTE(name=name) if its is None else words.DRAINS(name=name, calls=its))


def _restart(world: World, options: Options) -> None:
    short = options.command.removeprefix("restart-")
    service, level = SERVICES[short], options.choice("LOG_LEVEL", LEVELS)
    if level:
        world.overrides[f"{short.upper()}_LOG_LEVEL"] = level
    environment = "dev" if world.project.endswith(DEV) else "prod"
    findings = examine(RESTART, world, environment)
    if not would_start(world, environment, service):
        refuse(findings)
    refuse_unwritten(world, environment, service)
    # A restart may be what an emergency needs: what would not stop it is only told of.
    warn_of(world, [finding for finding in findings if finding.fix])
    way = plan.restart(world, service)
    if not level:
        tell_of_news(world, service)
    run_plan(way, world)
    images = Images(world, environment)
    world.say(words.RUNS_ANEW(service=service, version=images.version(images.in_use())))
    _say_what_drains(world)
    if level:
        world.say(words.RUNS_AT(service=service, level=level, short=short))


def _down(world: World, _options: Options) -> None:
    plan.tell_of_calls(world)
    run_plan(plan.down(world), world)
    if world.recorded("BACKUP_SCHEDULE"):
        backup.schedule(world, "")
    world.say(str(words.DOWN))


def _rollback(world: World, options: Options) -> None:
    if world.project.endswith(DEV):
        raise problem(str(refused.DEV_GOES_NOWHERE), str(refused.OLDER_FOLDER))
    images, way = Images(world), plan.rollback(world, options.number("N", 1))
    world.say(words.GOES_TO(release=images.told(way.goal["wanted"])))
    run_plan(way, world)
    world.say(words.RUNS_AGAIN(version=images.version(images.in_use())))
    others = images.releases()[1:]
    if others and others[0]["images"] == way.memory["images"]:
        # The one that ran until now is the release before from here on; one of a deploy that was killed is none.
        world.say(words.BACK_AND_FORTH(version=others[0]["version"]))
    world.say(str(words.BUILDS_AGAIN))
    _say_what_drains(world)


def _rotate(world: World, options: Options) -> None:
    name, known = options.text("NAME"), (*secrets.OURS, *secrets.PROVIDERS)
    if name not in known:
        raise Usage(words.NAMES(names=" ".join(known)) + meant(name, known))
    if not any(found.state == "running" for found in world.containers("prosaas-api")):
        raise problem(str(words.STACK_NOT_RUNNING), "make up-prod")
    plan.same_definition(world)
    if not all(would_start(world, "prod", service) for service in OURS):
        # All of them start anew, on the way back as well.
        refuse(examine(SETTLED, world, "prod"))
    tell_of_news(world, *OURS)
    value = secrets.renewed(name, world.recorded(name)) if name in secrets.OURS else secrets.typed(name)
    run_plan(plan.rotate(world, name, value, world.recorded(name)), world)
    world.say(words.NEW_VALUE(name=name, meanwhile=str(words.ONCE_ANSWERED) if "," in value else ""))
    _say_what_drains(world)


def _backup(world: World, options: Options) -> None:
    over, verify = (options.flag(name, default=False) for name in ("FORCE", "VERIFY"))
    backup.backup(world, options.text("FILE"), over=over, verify=verify)


def _restore(world: World, options: Options) -> None:
    if options.flag("FILES", default=False):
        restore.files_only(world, options.text("FILE"), key=options.text("KEY"))
        return
    force = options.flag("FORCE", default=False)
    memory = restore.examined(world, options.text("FILE"), force=force, key=options.text("KEY"))
    try:
        run_plan(restore.restore(world, memory), world)
    except BaseException:
        restore.drop_copies(world)
        raise
    world.say(kept.RESTORED(counted=database.counted(world, "prosaas")))
    if not any(found.state == "running" for found in world.containers("prosaas-api")):
        world.say(NEXT(commands="make up-prod"))
