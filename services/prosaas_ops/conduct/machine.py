"""What can be wrong with a machine: `make doctor` tells all of it, a start only what is bad."""

import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from prosaas_ops.conduct import database
from prosaas_ops.conduct.configuration import CONFIGURED, EXAMPLE, is_port, reached, rendered, unreached
from prosaas_ops.conduct.files import BY_CHANCE
from prosaas_ops.conduct.finding import Check, Finding
from prosaas_ops.conduct.named import names, values
from prosaas_ops.conduct.run import unfinished
from prosaas_ops.conduct.secrets import another_name, unwritten
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Gone
from prosaas_ops.stack.live_calls import drains
from prosaas_ops.standing import cure, down, missing, no_new_calls, repair, whole
from prosaas_ops.texts import conduct
from prosaas_ops.texts import machine as words

LEAST_ENGINE, LEAST_COMPOSE = (25, 0, 0), (2, 24, 4)
_FREE_MB = 3000
_COMES_BACK = ("always", "unless-stopped")
_README = "README.md, A fresh machine"
_TROUBLES = "docs/troubleshooting.md"


def engine(world: World, _environment: str) -> Iterator[Finding]:
    yield _at_least("engine", world.docker("version", "--format", "{{.Server.Version}}").out.strip(), LEAST_ENGINE)
    yield _at_least("compose", os.environ.get("PROSAAS_HOST_COMPOSE", ""), LEAST_COMPOSE)
    version = world.docker("info", "--format", "{{.CgroupVersion}}").out.strip()
    if version in ("1", "2"):
        yield Finding("cgroup", words.CGROUP(version=version))
    else:
        yield Finding("cgroup", str(words.NO_CGROUP), str(words.MOUNT_CGROUPS), _TROUBLES)


def _at_least(topic: str, version: str, least: tuple[int, int, int]) -> Finding:
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version)
    wanted = ".".join(map(str, least))
    if found and tuple(map(int, found.groups())) >= least:
        return Finding(topic, version)
    text = words.OLDER(version=version or words.NONE, least=wanted)
    return Finding(topic, text, str(words.NEWER_ONE), _README)


def disk(_world: World, _environment: str) -> Iterator[Finding]:
    # The tools' own root is on the engine's disk.
    free = shutil.disk_usage("/").free // 1_000_000
    if free >= _FREE_MB:
        yield Finding("disk", words.FREE_GB(free=free // 1000))
    else:
        yield Finding("disk", words.FREE_MB(free=free, needed=_FREE_MB), str(words.MORE_DISK), "README.md, Sizes")


def memory(world: World, environment: str) -> Iterator[Finding]:
    """The limits of all containers against what the machine has."""
    has = int(world.docker("info", "--format", "{{.MemTotal}}").out or 0) // 2**20
    limits = 0
    for service in _model(world, environment).values():
        limits += int(service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory", 0)) // 2**20
    if has >= limits * 0.6 and has >= 1800:
        yield Finding("memory", words.MEMORY(has=has, limits=limits))
    else:
        yield Finding("memory", words.LITTLE_MEMORY(has=has, limits=limits), str(words.MORE_MEMORY), EXAMPLE)


def processors(world: World, environment: str) -> Iterator[Finding]:
    """The engine makes no container that may use more processors than the machine has."""
    has = int(world.docker("info", "--format", "{{.NCPU}}").out or 0)
    wanted = {
        name: float(service.get("deploy", {}).get("resources", {}).get("limits", {}).get("cpus", 0))
        for name, service in _model(world, environment).items()
    }
    if greedy := sorted(name for name, cpus in wanted.items() if cpus > has):
        text = words.FEW_PROCESSORS(has=has, services=", ".join(greedy))
        yield Finding("processors", text, str(words.FEWER_PROCESSORS), EXAMPLE)
    else:
        yield Finding("processors", words.PROCESSORS(has=has, most=f"{max(wanted.values(), default=0):g}"))


def ports(world: World, environment: str) -> Iterator[Finding]:
    """Each port that the stack publishes: free or ours. Of one that is none, another check tells."""
    if world.recorded("CALLS_PORT"):
        yield Finding("port", str(words.CALLS_PORT), str(words.REMOVE_IT), "docs/going-live.md")
    ours = {binding for found in world.containers() if found.state == "running" for binding in found.ports}
    wanted, named = [], {"API_PORT": world.setting("API_PORT", "8000")}
    if world.setting("PUBLIC_HOST"):
        wanted, named = [("0.0.0.0", number, words.PORT(number=number)) for number in (80, 443)], {}
    if world.recorded("MONITORING") == "1":
        named |= {"PROMETHEUS_PORT": "9090", "ALERTMANAGER_PORT": "9093"}
    if world.recorded("GRAFANA") == "1":
        named["GRAFANA_PORT"] = "3000"
    for name, default in named.items():
        if is_port(port := world.setting(name, default)):
            wanted.append(("127.0.0.1", int(port), f"{name}={port}"))
    for address, number, spelled in wanted:
        if number in ours:
            yield Finding("port", words.OURS(port=spelled))
        elif _free(address, number):
            yield Finding("port", words.FREE(port=spelled))
        else:
            yield Finding("port", words.TAKEN(port=spelled), str(words.FREE_PORT), EXAMPLE)
    yield from _claimed(world, {number for _, number, _ in wanted})


def _claimed(world: World, wanted: set[int]) -> Iterator[Finding]:
    """What stands still now and takes one of the ports when the machine starts anew, as a former clone's stack does.

    Whether somebody has stopped it by hand, so that it stays where it is, no engine tells.
    """
    for row in world.engine.get("/containers/json", all=1, filters=json.dumps({"status": ["created", "exited"]})):
        if row["Labels"].get("com.docker.compose.project") == world.project:
            continue
        try:
            described = world.engine.inspect(row["Id"])["HostConfig"]
        except Gone:
            # Taken away since it was listed.
            continue
        bound = {bind["HostPort"] for binds in (described.get("PortBindings") or {}).values() for bind in binds or []}
        if described["RestartPolicy"]["Name"] not in _COMES_BACK:
            continue
        for port in sorted(bound & {*map(str, wanted)}):
            name = row["Names"][0].lstrip("/")
            told = words.CLAIMED(name=name, port=port)
            yield Finding("port", told, words.TAKE_AWAY(name=name), _TROUBLES, later=True)


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            return True
        except OSError:
            return False
    return True


def network(world: World, _environment: str) -> Iterator[Finding]:
    bundle = world.setting("CA_BUNDLE")
    if not bundle or Path(bundle).is_file():
        yield Finding("ca", words.TRUSTED(bundle=bundle or words.OWN_BUNDLE))
    else:
        yield Finding("ca", words.NO_BUNDLE(bundle=bundle), str(words.SET_BUNDLE), EXAMPLE)
    yield Finding("proxy", str(words.PROXY_PASSED if os.environ.get("HTTPS_PROXY") else words.NONE))


def server(world: World, _environment: str) -> Iterator[Finding]:
    """A server reads the files of its own major version alone, and would end at once on any other's."""
    volume = f"{world.project}_{world.setting('POSTGRES_VOLUME', 'pgdata')}"
    image = world.setting("POSTGRES_IMAGE", "postgres:17-trixie")
    if world.recorded("DATABASE_URL") or world.docker("volume", "inspect", volume, check=False).code:
        return
    script = 'echo "$PG_MAJOR"; cat /data/PG_VERSION'
    look = ("run", "--rm", "--network=none", f"--volume={volume}:/data:ro", "--entrypoint=sh", image, "-c", script)
    match world.docker(*look, check=False).out.split():
        case [wanted, held] if wanted != held:
            text = words.OTHER_SERVER(image=image, wanted=wanted, volume=volume, held=held)
            fix = str(words.TAKE_OVER(held=held))
            yield Finding("database", text, fix, "docs/operations.md, Another PostgreSQL")
        case [wanted, _]:
            yield Finding("database", words.SERVER(wanted=wanted, volume=volume))


def left_over(world: World, _environment: str) -> Iterator[Finding]:
    """What an earlier release may have left of .env or a secret, half written: no start is refused for it."""
    for path in (*sorted(world.root.glob(".env.*")), *sorted(world.root.glob("secrets/*.*"))):
        if BY_CHANCE.fullmatch(path.suffix[1:]):
            name = path.relative_to(world.root)
            yield Finding(
                "secrets", words.LEFT_OVER(name=name), words.REMOVE_HALF(name=name), "docs/operations.md", later=True
            )


def copies(world: World, _environment: str) -> Iterator[Finding]:
    """What a restore, a proof or a drill that was killed left beside the database, with everybody of then in it."""
    if not any(one.state == "running" for one in world.containers("postgres")):
        return
    with suppress(Problem):
        # One that does not answer is told of by others.
        for name in database.copies(world):
            yield Finding("database", words.COPY_LEFT(name=name), str(words.DROPPED_BY), "docs/privacy.md", later=True)


def secrets(world: World, _environment: str) -> Iterator[Finding]:
    """What .env says of a secret and no service has yet. A start brings it, and is not refused for it."""
    if not world.containers(*OURS):
        return
    there, command = unwritten(world), whole(world.project)
    fixes = {name: str(words.BROUGHT) if command == "make up-prod" else command for name in there}
    # The database has it too, and a start would not tell it.
    fixes |= {name: str(words.ROTATED) for name in there if name == "POSTGRES_PASSWORD"}
    for fix in dict.fromkeys(fixes.values()):
        told = words.UNWRITTEN(names=", ".join(name for name in there if fixes[name] == fix))
        yield Finding("secrets", told, fix, "docs/settings.md", later=True)


def commands(world: World, _environment: str) -> Iterator[Finding]:
    """Who changes the stack just now, or was killed as they did: what does not run then is theirs to start."""
    if refusing := _refuses_all(world):
        yield refusing
        return
    journal = unfinished(world)
    if journal and journal.get("changed", True):
        name = journal["plan"]
        told = conduct.STILL_UNFINISHED(name=name, step=journal["step"])
        fix = f"make {name}" if name.startswith("up-") else str(words.FINISHED_FIRST)
        if name == "down":
            fix = str(conduct.DOWN_OR_UP)
        elif name == "rollback" and journal.get("goes_back"):
            fix = str(conduct.UP_RENEWS)
        yield Finding("command", told, fix, _TROUBLES, later=True)


def _refuses_all(world: World) -> Finding | None:
    """What no command that changes the stack gets past."""
    if which := world.at_work():
        return Finding("command", words.AT_WORK(which=which), str(words.AWAIT), _TROUBLES, later=True)
    try:
        unfinished(world)
    except Problem as damaged:
        # Aside: it may hold the only copy of a new password.
        return Finding("command", str(damaged), "mv .state/journal.json .state/journal.damaged", _TROUBLES)
    return None


def services(world: World, _environment: str) -> Iterator[Finding]:
    """Of a stack that was started, what has ended or is not even there; nothing of one that was not."""
    refusing = _refuses_all(world)
    first = refusing.fix if refusing else ""
    found = world.containers(*OURS, "postgres", "gateway")
    ended, nowhere = down(found), missing(found, database=not world.recorded("DATABASE_URL"))
    for one in ended:
        text = words.ENDED(service=one.service, status=one.status)
        yield Finding("services", text, first or cure(one, world.project), _TROUBLES)
    for name in nowhere:
        yield Finding("services", words.NO_CONTAINER(service=name), first or whole(world.project), _TROUBLES)
    if drained := no_new_calls(found, partial(drains, world.engine)):
        yield Finding("services", str(words.NO_NEW_CALLS), first or repair("prosaas-calls"), _TROUBLES)
    if found and not ended and not nowhere and not drained:
        yield Finding("services", str(words.ALL_RUN))


def project(world: World, _environment: str) -> Iterator[Finding]:
    """Another folder's containers under this name would be taken over, or taken away as orphans.

    Without an .env a start chooses another name: what is looked at from then on is not theirs.
    """
    form = '{{.Label "com.docker.compose.project.working_dir"}}'
    chosen = f"label=com.docker.compose.project={world.project}"
    folders = set(world.docker("ps", "--all", "--format", form, f"--filter={chosen}").out.split("\n")) - {""}
    others = {folder for folder in folders if folder != str(world.root)}
    told = {"project": world.project, "folders": ", ".join(sorted(others))}
    if others and not world.env.path.exists() and "COMPOSE_PROJECT_NAME" not in os.environ:
        world.overrides["COMPOSE_PROJECT_NAME"] = another_name()
        yield Finding("project", words.NO_STACK_HERE(**told))
    elif others:
        text = words.OTHER_FOLDER(**told)
        yield Finding("project", text, str(words.OTHER_NAME), "docs/operations.md")
    else:
        yield Finding("project", world.project)


def _model(world: World, environment: str) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = rendered(world, environment).get("services", {})
    return services


# What files say; a restart takes no more of the machine.
SETTLED: tuple[Check, ...] = (*CONFIGURED, names, values)
# A start writes what a restart does not.
RESTART: tuple[Check, ...] = (*SETTLED, secrets)
DOCTOR: tuple[Check, ...] = (
    *(engine, disk, memory, processors, project, ports, network),
    *(*RESTART, left_over, server, copies, reached, commands, services),
)
PREFLIGHT: tuple[Check, ...] = (engine, *SETTLED, unreached, processors, server, project, ports, disk)
# Of a Swarm's manager; what its nodes must have, they are asked themselves.
MANAGER: tuple[Check, ...] = (engine, *SETTLED, unreached, server, disk)


def examine(checks: tuple[Check, ...], world: World, environment: str) -> list[Finding]:
    """What each check found, in their order."""
    return [finding for check in checks for finding in check(world, environment)]
