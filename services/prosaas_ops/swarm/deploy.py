"""`make up-swarm`, and what `make down`, `rollback`, `restart-*`, `diff` and `ps` mean where the stack is a Swarm's."""

import re
import time
from collections.abc import Sequence
from typing import Any

from prosaas_ops.conduct import door
from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.finding import Finding
from prosaas_ops.conduct.images import Images
from prosaas_ops.conduct.run import Plan, Step
from prosaas_ops.conduct.world import World
from prosaas_ops.options import Problem
from prosaas_ops.stack.swarm import SwarmEngine
from prosaas_ops.stack.swarm.tasks import node_name
from prosaas_ops.swarm import kept, nodes
from prosaas_ops.swarm.rendered import Rendered, part, rendered
from prosaas_ops.swarm.rollout import MIGRATE, carry, converge, deploy, migrate
from prosaas_ops.texts import conduct as conducted
from prosaas_ops.texts import swarm as words

OVERLAY = "docker-compose.swarm.yml"
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9_.-]")
# The api answers, or the door leads to https first.
_ANSWERS = (door.LEADS_THROUGH, 308)
_READ = "docs/scaling.md"
# What the engine says of a network that a task has not left yet, and of one that has gone since it was looked for.
_STAYS = re.compile(r"is in use by task|not found|^[Ff]ailed to remove some resources")
_LOOK_S = 0.5


def is_swarm(world: World) -> bool:
    """Whether this folder's stack was last started on a Swarm."""
    return OVERLAY in world.recorded("COMPOSE_FILE")


def engine_of(world: World) -> SwarmEngine:
    return SwarmEngine(world.project)


def runs(world: World) -> bool:
    """Whether services of this stack are on the Swarm now; an engine that has left it has none."""
    engine = engine_of(world)
    return bool(engine.get("/info")["Swarm"].get("ControlAvailable") and engine.services())


class Deploy:
    """One deploy: what it is to be is known once the images are there, and each step may be done again."""

    def __init__(self, world: World, refuse: Any) -> None:
        self._world = world
        self._refuse = refuse
        self._engine = engine_of(world)
        self._wanted = Rendered({"services": {}})

    def plan(self, *, build: bool) -> Plan:
        """Images, a look at every node, contents, schema, rollout, door; a failed one leads back to what ran."""
        before = kept.releases(self._engine)[:1]
        return Plan(
            "up-swarm",
            [
                Step("nodes", self._known, prepares=True),
                Step("images", lambda: self._images(build), prepares=True),
                Step("each node", self._seen, prepares=True),
                Step("contents", lambda: carry(self._world, self._wanted), prepares=True),
                Step("database", self._database),
                Step("migrate", self._migrate),
                Step("rollout", lambda: self._roll_out(self._wanted.stack)),
                Step("front door", self._front_door),
                Step("settle", lambda: kept.keep(self._world, self._engine, self._wanted.stack)),
            ],
            {"before": before},
            # A first start that fails is left as it is, to be looked at.
            self._back if before else None,
            str(words.BACK_TO),
        )

    def rollback(self, back: int) -> Plan:
        """An earlier release as it was deployed: images, settings, secrets and replicas."""
        known = kept.releases(self._engine)
        others = known[1:]
        if others and not 1 <= back <= kept.KEPT_RELEASES:
            raise Problem(words.NO_SUCH_RELEASE(n=back, most=min(len(others), kept.KEPT_RELEASES)))
        if len(others) < back:
            raise Problem(words.FEW_RELEASES(there=len(others), n=back))
        wanted = known[back]
        return Plan(
            "rollback",
            [
                Step("rollout", lambda: self._roll_out(wanted)),
                Step("front door", self._front_door),
                Step("settle", lambda: kept.keep(self._world, self._engine, wanted)),
            ],
            {"before": known[:1]},
            self._back,
            str(words.BACK_TO),
        )

    def _known(self) -> None:
        """Before anything is built: what the manager knows already may be reason enough to refuse."""
        self._wanted = rendered(self._world.model(), {})
        self._refuse(list(nodes.known(self._engine, self._wanted.stack)))

    def _images(self, build: bool) -> None:
        model = self._world.model()
        self._wanted = rendered(model, published(self._world, model, build=build))

    def _seen(self) -> None:
        services = self._wanted.stack["services"]
        ports = [port["published"] for port in services["gateway"].get("ports", ())]
        found = nodes.seen(self._world, self._engine, services["prosaas-api"]["image"], ports)
        self._refuse(list(found))

    def _database(self) -> None:
        if "postgres" in self._wanted.stack["services"]:
            deploy(self._world, part(self._wanted.stack, ["postgres"]))
            converge(self._world, self._engine, ["postgres"])

    def _migrate(self) -> None:
        self._world.say(str(words.MIGRATING))
        migrate(self._world, self._engine, part(self._wanted.stack, [MIGRATE]))

    def _roll_out(self, stack: dict[str, Any]) -> None:
        names = [name for name in stack["services"] if name != MIGRATE]
        deploy(self._world, part(stack, names), prune=True)
        converge(self._world, self._engine, names)

    def _back(self, memory: dict[str, Any]) -> Sequence[Step]:
        return [Step("rollout", lambda: self._roll_out(memory["before"][0]))]

    def _front_door(self) -> None:
        """A webhook that nobody signed is refused, through the gateway of each node that has one."""
        by_id, said = self._engine.nodes(), {}
        deadline = time.monotonic() + 30
        doors = {
            node_name(node): str(node["Status"]["Addr"])
            for node in by_id.values()
            if node["Spec"].get("Labels", {}).get(nodes.GATEWAY) == "1" and node["Status"]["State"] == "ready"
        }
        while time.monotonic() < deadline:
            said = {name: _answer(self._world, address) for name, address in doors.items()}
            if all(answer in _ANSWERS for answer in said.values()):
                return
            time.sleep(0.5)
        told = ", ".join(f"{name}: {answer}" for name, answer in said.items())
        raise problem(words.NO_DOOR_LEADS(told=told), "make logs S=gateway,api", _READ)


def published(world: World, model: dict[str, Any], *, build: bool) -> dict[str, str]:
    """By the model's names what each node is to run: of REGISTRY by digest, else of this machine by content.

    Without `build` the registry has this version already, or this machine has what it built last.
    """
    images, registry = Images(world), world.setting("REGISTRY").rstrip("/")
    if build:
        images.build()
    version = _NOT_IN_A_TAG.sub("-", world.version)[:100]
    local = images.built()
    found = {}
    for name in dict.fromkeys(str(service["image"]) for service in model["services"].values()):
        if not name.startswith("prosaas/"):
            continue
        short = name.removeprefix("prosaas/").partition(":")[0]
        if registry:
            found[name] = _in_registry(world, f"{registry}/prosaas-{short}", version, local[short] if build else "")
        elif short in local:
            found[name] = f"prosaas/{short}:{local[short].removeprefix('sha256:')[:12]}"
            world.docker("tag", local[short], found[name])
        else:
            raise problem(words.NEVER_BUILT(name=short), str(words.BUILD_IT), _READ)
    if not registry and len(engine_of(world).nodes()) > 1:
        world.say(words.NO_REGISTRY(images=" ".join(found.values())))
    return found


def _in_registry(world: World, name: str, version: str, local: str) -> str:
    reference = f"{name}:{version}"
    if local:
        world.say(words.PUSHING(image=reference))
        world.docker("tag", local, reference)
        world.docker("push", "--quiet", reference)
    else:
        world.docker("pull", "--quiet", reference)
    digests = world.docker("image", "inspect", "--format", '{{join .RepoDigests " "}}', reference).out.split()
    # Of what is on Docker Hub the engine says the short name.
    named = {name, name.removeprefix("index.").removeprefix("docker.io/").removeprefix("library/")}
    for found, _, digest in (one.partition("@") for one in digests):
        if found in named:
            return f"{name}@{digest}"
    raise problem(words.NO_DIGEST(image=reference), words.PUSH_IT(image=reference), _READ)


def restart(world: World, service: str, level: str = "") -> Plan:
    """Every replica anew, one after the other, each beside the one that it follows; at *level*, else at its own."""
    engine, short = engine_of(world), service.removeprefix("prosaas-")
    setting = f"{short.upper()}_LOG_LEVEL"
    wanted = level or world.recorded(setting)
    at = f"--env-add={setting}={wanted}" if wanted else f"--env-rm={setting}"

    def renew() -> None:
        world.docker("service", "update", "--quiet", "--detach", "--force", at, f"{world.project}_{service}")
        converge(world, engine, [service])

    return Plan(f"restart-{short}", [Step(f"renew {service}", renew)])


def down(world: World) -> Plan:
    """Everything stopped on every node, calls let to their end; volumes stay where they are."""

    def stop() -> None:
        def remove() -> str:
            """What the engine refuses; "" where it removes all."""
            done = world.docker("stack", "rm", world.project, check=False)
            refused = [row for row in done.err.strip().splitlines() if not row.startswith("Removing ")]
            return "\n".join(refused) if done.code else ""

        stays = remove()
        # A network stays while the Swarm knows a task in it. Anything else is no reason to wait.
        if not all(map(_STAYS.search, stays.splitlines())):
            raise Problem(conducted.COMMAND_FAILED(command="docker stack rm", told=stays))
        engine = engine_of(world)
        deadline = time.monotonic() + float(world.setting("DRAIN_SECONDS", "600")) + 60
        # Networks go when the last task has left them, and they are what another start needs to make anew.
        ours = f"label=com.docker.stack.namespace={world.project}"
        while (tasks := engine.tasks()) or world.docker("network", "ls", "--quiet", f"--filter={ours}").out.split():
            if time.monotonic() > deadline:
                raise Problem(words.STAYS(project=world.project) + (f"\n{stays}" if stays else ""))
            if not tasks:
                stays = remove()
            time.sleep(_LOOK_S)

    return Plan("down", [Step("stop", stop)])


def _answer(world: World, address: str) -> object:
    host = world.recorded("PUBLIC_HOST")
    url = f"http://{address}" if host else f"http://{address}:{world.setting('API_PORT', '8000')}"
    return door.status(f"{url}{door.PROOF_PATH}", {"Host": host} if host else {})


def findings(world: World) -> list[Finding]:
    """What `make doctor` says of the Swarm."""
    return list(nodes.known(engine_of(world), rendered(world.model(), {}).stack))
