"""The plans: up, restart, rollback, rotate and down, each a list of steps that may be done again."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from prosaas_core.postgres import roles
from prosaas_ops.conduct import door, secrets
from prosaas_ops.conduct.database import migrate, sql, start_database
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.images import Images
from prosaas_ops.conduct.run import Plan, Step, unfinished
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.live_calls import held, in_words
from prosaas_ops.texts import conduct as words

# Who takes over first: what the others lead to comes up before what leads there. Calls are last, and only if changed.
ORDER = ("worker", "simulator", "prosaas-api", "gateway", "prosaas-calls")
# The front door looks for the api's address each second, and gives one up after 0.7 s (deploy/gateway/Caddyfile).
_RETRIES_S = 2.5
_JUST_S = 60.0  # What is younger was renewed just now.
_CADDY = ("--config", "/etc/caddy/Caddyfile", "--address", "unix//run/prosaas/admin.sock")


def up(world: World, environment: str, *, build: bool = True) -> Plan:
    """Build, migrate, then each service beside its old one; on failure the images that ran before."""
    images, generations = Images(world, environment), Generations(world)
    steps = [
        *([Step("build", images.build, prepares=True)] if build else []),
        Step("database", lambda: start_database(world)),
        *([Step("release", lambda: images.use(images.built()))] if build else []),
        Step("migrate", lambda: migrate(world)),
        *(_first_start(world, generations, environment) or _renewals(world, generations, environment)),
        Step("front door", lambda: door.leads_through(world)),
        Step("settle", lambda: _settle(world, images, generations)),
    ]
    if environment == "dev":
        return Plan("up-dev", steps)
    memory, killed = _remembered(world, images), unfinished(world) or {}
    # Where one that was killed began, that is what there is to go back to.
    first = killed["memory"] if killed.get("plan") == "up-prod" else memory
    runs = any(first.get("old", memory["old"]).values())
    early = str(words.NONE_RENEWED if runs else words.NONE_SERVED)
    if not first.get("images"):
        left = str(words.NOTHING_BEFORE), str(words.UP_GOES_ON)
        return Plan("up-prod", steps, memory, None, *left, early=early, stays=True)
    back = partial(_return_to, world, images, generations)
    way = Plan("up-prod", steps, memory, back, str(words.BACK_TO_IMAGES), early=early if runs else "")
    return way if runs else _to_nothing(world, images, way)


def rollback(world: World, back: int, wanted: dict[str, str] | None = None) -> Plan:
    """An earlier release's images, on the schema as it is: migrations only add, so older code runs on it."""
    images, generations, killed = Images(world), Generations(world), unfinished(world) or {}
    memory, mine = _remembered(world, images), killed["memory"] if killed.get("plan") == "rollback" else {}
    # Where one that was killed began: from what it left, it would lead back to where that came from.
    began = killed["memory"] if killed.get("plan") in ("rollback", "up-prod") else {}
    before = began.get("images") or images.in_use()
    deployed, built = killed.get("plan") == "up-prod" and killed.get("changed", True), images.built()
    # A deploy that was killed is no release before its end, and what it has built may be what served.
    unsettled = deployed and (killed["step"] != "settle" or built == before)
    # At its end it is a release itself, and counted from there another would be meant.
    wanted = mine["wanted"] if mine.get("back") == back else wanted
    wanted = wanted or images.earlier(back, {} if unsettled else built if deployed else before)
    way = Plan(
        "rollback",
        [
            Step("release", lambda: images.use(wanted)),
            *_renewals(world, generations, "prod"),
            Step("front door", lambda: door.leads_through(world)),
            Step("settle", lambda: _settle(world, images, generations)),
        ],
        {**memory, "images": began.get("images") or memory["images"]},
        partial(_return_to, world, images, generations),
        str(words.BACK_TO_IMAGES),
        goal={"wanted": wanted, "back": back},
    )
    return way if any(began.get("old", memory["old"]).values()) else _to_nothing(world, images, way)


def restart(world: World, service: str) -> Plan:
    """A new container in place of each that runs now, of the images that are in use."""
    generations = Generations(world)
    memory: dict[str, Any] = {"old": [found.id for found in world.containers(service)]}
    if not memory["old"]:
        raise problem(words.NOT_RUNNING(service=service), "make up-prod")
    renew = partial(generations.renew, service, but_not=frozenset(memory["old"]))
    return Plan(
        f"restart-{service.removeprefix('prosaas-')}",
        [Step(f"renew {service}", renew)],
        memory,
        lambda remembered: [Step("one alone", lambda: generations.one_alone(service, remembered["old"], tell=True))],
        words.BACK_TO_ONE(service=service),
        leads=words.ONE_GOES_ON(service=service),  # Whether that is a way back depends on how far it came.
    )


def down(world: World) -> Plan:
    """Everything stopped, calls let to their end; what drains is waited for, too."""
    generations, calls = Generations(world), [found.id for found in world.containers("prosaas-calls")]
    # Where an earlier one was broken off, it has changed what runs already.
    halfway = bool(calls) and not generations.serving("prosaas-calls", calls)
    steps = [Step("drain", generations.let_drain, prepares=not halfway), Step("stop", lambda: _stop(world))]
    return Plan("down", steps, back_to=str(words.HALF_DOWN), onward=str(words.DOWN_OR_UP))


def rotate(world: World, name: str, value: str, before: str) -> Plan:
    """One secret's new value, in every place that holds it or in none; nothing is built."""
    generations = Generations(world)
    # In the journal from before the first change on: after a kill neither value is lost.
    memory = {"name": name, "old": before, "new": value}

    def everywhere(wanted: str) -> None:
        if name == "POSTGRES_PASSWORD" and not world.recorded("DATABASE_URL"):
            key = secrets.roles_key({**world.env.settings, name: wanted})
            theirs = roles.passwords(key) if key else ""
            sql(world, "postgres", f"ALTER ROLE prosaas PASSWORD :'password';\n{theirs}", password=wanted)
        world.env.put(**{name: wanted})
        secrets.write_secrets(world)

    renewals = [step for step in _renewals(world, generations, "prod") if step.name != "renew gateway"]
    if name == "CALL_TOKEN_SECRET":
        # Who takes the tokens must know the new secret before anybody signs with it.
        renewals.sort(key=lambda step: step.name != "renew prosaas-calls")
    return Plan(
        "rotate-secret",
        [
            Step("new value", lambda: everywhere(value)),
            *renewals,
            Step("proof", lambda: door.proves(world, name, before, value)),
        ],
        memory,
        lambda remembered: [Step("old value", lambda: everywhere(remembered["old"])), *renewals],
        str(words.BACK_TO_VALUE),
    )


def same_definition(world: World) -> None:
    """Problem where the Compose files are not those of the last deploy: services would be renewed as something else."""
    if world.remembered("definition") != _definition(world):
        raise problem(str(words.OTHER_DEFINITION), str(words.UP_FIRST), "docs/operations.md")


def _definition(world: World) -> str:
    files = [world.root / name for name in world.recorded("COMPOSE_FILE").split(":") if not name.startswith(".state/")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()


def _first_start(world: World, generations: Generations, environment: str) -> list[Step]:
    """Where production has nothing yet, nobody has to be spared: all at once, the front door once they are ready."""
    if environment != "prod" or world.containers(*ORDER):
        return []

    def create() -> None:
        wanted = world.model()["services"]
        world.compose("create", "--no-build", *(name for name in ORDER if name in wanted))

    def start(*services: str) -> None:
        # All of them before the first is waited for: each takes seconds of its own.
        found = world.containers(*services)
        world.docker("start", *(one.id for one in found))
        for one in found:
            generations.await_ready(one)
        generations.write_overlay()

    return [
        Step("create", create),
        Step("start", partial(start, *(name for name in ORDER if name != "gateway"))),
        Step("open the front door", partial(start, "gateway"), starts=True),
    ]


def _renewals(world: World, generations: Generations, environment: str) -> list[Step]:
    # Asked once, by the first of them: no step changes which services there are.
    services = cache(lambda: world.model()["services"])

    def renew(service: str) -> None:
        if service not in services():
            for leftover in world.containers(service):
                generations.bury(leftover)
        elif service == "gateway":
            _renew_gateway(world, generations)
        else:
            generations.renew(service)

    def replace() -> None:
        """Development reloads by itself, and has no callers to spare."""
        world.compose("up", "--detach", "--no-build", "--remove-orphans", "--wait", "--wait-timeout", "180")

    if environment == "dev":
        return [Step("start", replace)]
    return [Step(f"renew {service}", partial(renew, service), starts=True) for service in ORDER]


def _remembered(world: World, images: Images) -> dict[str, Any]:
    """What a way back needs to know: whose images served, and who is there."""
    old = {service: [found.id for found in world.containers(service)] for service in ORDER}
    return {"images": images.served(runs=any(old.values())), "old": old}


def _to_nothing(world: World, images: Images, way: Plan) -> Plan:
    """A start after `make down` that fails leads to what ran before it; who stops it had taken it down: back there."""

    def back(memory: dict[str, Any]) -> Sequence[Step]:
        stops = [Step("calls", lambda: tell_of_calls(world)), Step("stop", lambda: _stop(world))]
        return [Step("release", lambda: images.use(memory["images"])), *stops]

    # One that was killed may have opened the front door: what serves since then nobody wanted down.
    serves = any(found.state == "running" for found in world.containers("gateway"))
    return way if serves else replace(way, when_stopped=replace(way, back=back, back_to=str(words.BACK_TO_NOTHING)))


def _return_to(world: World, images: Images, generations: Generations, memory: dict[str, Any]) -> Sequence[Step]:
    """Who was there before and still serves goes on: what made the plan fail could end a new one of them, too."""
    if not memory["images"]:
        raise Problem(str(words.NOTHING_BEFORE))
    old: dict[str, list[str]] = memory.get("old", {})
    there = {service: generations.serving(service, ids) for service, ids in old.items() if ids}
    if not all(there.values()):
        # The others come up with today's secrets: with one of yesterday's it would not understand them.
        there = {name: found for name, found in there.items() if not any(map(generations.stale, found))}
    on = [name for name in ORDER if there.get(name)]
    if on:
        world.say(words.RUN_ON(services=", ".join(on)))
    return [
        Step("release", lambda: images.use(memory["images"])),
        *([] if on else [Step("database", lambda: start_database(world), starts=True)]),  # `make down` took it, too.
        *(Step(f"keep {name}", partial(generations.one_alone, name, old[name])) for name in on),
        *(step for step in _renewals(world, generations, "prod") if step.name.removeprefix("renew ") not in on),
    ]


def _renew_gateway(world: World, generations: Generations) -> None:
    """A new configuration is read in place. A new container cuts every call, so it waits for a yes, or for none.

    Calls of which nobody can say how many they are, are waited for too.
    """
    if not generations.changed("gateway"):
        _let_retries_end(world)
        world.compose("exec", "-T", "gateway", "caddy", "reload", *_CADDY)
        return
    if world.containers("gateway"):
        told, deadline = False, time.monotonic() + float(world.setting("DRAIN_SECONDS", "600"))
        while (calls := in_words(live_calls(world).values())) and world.setting("YES") != "1":
            if time.monotonic() > deadline:
                world.warn(words.GATEWAY_STAYS(calls=calls))
                return
            if not told:
                told = True
                world.say(words.GATEWAY_WAITS(calls=calls))
            time.sleep(2)
    world.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "60", "--no-deps", "gateway")


def _let_retries_end(world: World) -> None:
    """A webhook that met an api which went is tried again, unless the configuration that tries it is taken away."""
    newest = max((found.created for found in world.containers("prosaas-api")), default=0)
    if time.time() - newest < _JUST_S:
        time.sleep(_RETRIES_S)


def _settle(world: World, images: Images, generations: Generations) -> None:
    """What is not renewed by generations (monitoring, say) as the model has it, and nothing that it does not have."""
    others = [name for name in world.model()["services"] if name not in (*ORDER, "postgres", "migrate")]
    up = ("up", "--detach", "--no-build", "--wait", "--wait-timeout", "120", "--no-deps")
    if stale := [found.service for found in world.containers() if found.service in others and generations.stale(found)]:
        world.compose(*up, "--force-recreate", *stale)
    if others:
        world.compose(*up, *others)
    world.compose("create", "--no-build", "--no-recreate", "--remove-orphans")
    # For a generation that drained, and went since Compose read how many there are, it made another.
    generations.tidy(*OURS)
    images.settle()
    world.remember("definition", _definition(world))


def _stop(world: World) -> None:
    """Calls go to their end first: they lead through the gateway, speak with the model, and store what was said."""
    for one in world.containers("prosaas-calls"):
        Generations(world).note_asked(one)
    world.compose("stop", "prosaas-calls", check=False)
    world.compose("--profile", "*", "down", "--remove-orphans")
    for watcher in world.docker("ps", "--all", "--quiet", f"--filter=name=^{world.project}-drains-").out.split():
        world.docker("rm", "--force", watcher, check=False)


def tell_of_calls(world: World) -> None:
    """How many a stop waits for, and how long; nothing of none."""
    if calls := in_words(live_calls(world).values()):
        world.say(words.WAITING(calls=calls, seconds=world.setting("DRAIN_SECONDS", "600")))


def live_calls(world: World) -> dict[str, int | None]:
    """How many calls each generation of prosaas-calls has, by the container's name; None of one that does not say."""
    return {name: None if calls is None else len(calls) for name, calls in held(world.engine).items()}
