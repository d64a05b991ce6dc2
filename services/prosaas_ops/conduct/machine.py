"""What can be wrong with a machine or a configuration: `make doctor` tells all of it, a start only what is bad."""

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prosaas_core.facts.prices import PriceError, load_prices
from prosaas_core.postgres.address import AddressError, arguments
from prosaas_ops.conduct.files import read_env
from prosaas_ops.conduct.secrets import DEMO_ACCOUNT, DRIVERS
from prosaas_ops.conduct.world import World
from prosaas_ops.options import LEVELS, Problem
from prosaas_ops.texts import machine as words

LEAST_ENGINE, LEAST_COMPOSE = (25, 0, 0), (2, 24, 4)
_FREE_MB = 3000
_README = "README.md, A fresh machine"
_LIVE = "docs/going-live.md"
_OF_TIME = ("_SECONDS", "_MINUTES")
_EXAMPLES = re.compile(r"(^|\.)(example\.(com|org|net)|localhost)$")
_EXAMPLE = "env/example.env"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: well, or what is wrong, how to put it right, and where to read."""

    topic: str
    text: str
    fix: str = ""
    read: str = ""

    @property
    def bad(self) -> bool:
        return bool(self.fix)


Check = Callable[[World, str], Iterator[Finding]]


def engine(world: World, _environment: str) -> Iterator[Finding]:
    yield _at_least("engine", world.docker("version", "--format", "{{.Server.Version}}").out.strip(), LEAST_ENGINE)
    yield _at_least("compose", os.environ.get("PROSAAS_HOST_COMPOSE", ""), LEAST_COMPOSE)
    version = world.docker("info", "--format", "{{.CgroupVersion}}").out.strip()
    if version in ("1", "2"):
        yield Finding("cgroup", words.CGROUP(version=version))
    else:
        yield Finding("cgroup", str(words.NO_CGROUP), str(words.MOUNT_CGROUPS), "docs/troubleshooting.md")


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
        yield Finding("memory", words.LITTLE_MEMORY(has=has, limits=limits), str(words.MORE_MEMORY), _EXAMPLE)


def ports(world: World, environment: str) -> Iterator[Finding]:
    """Each port that the stack publishes: a number, and free or ours."""
    name = "API_PORT"
    port = world.setting(name, "8000")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        yield Finding("port", words.NO_PORT(name=name, port=port), str(words.A_PORT), _EXAMPLE)
        return
    if world.recorded("CALLS_PORT"):
        yield Finding("port", str(words.CALLS_PORT), str(words.REMOVE_IT), "docs/going-live.md")
    ours = {binding for found in world.containers() if found.state == "running" for binding in found.ports}
    wanted = [("127.0.0.1", int(port), f"{name}={port}")]
    if world.setting("PUBLIC_HOST"):
        wanted = [("0.0.0.0", number, words.PORT(number=number)) for number in (80, 443)]
    if world.recorded("MONITORING") == "1":
        for spelled, default in (("PROMETHEUS_PORT", "9090"), ("ALERTMANAGER_PORT", "9093")):
            wanted.append(("127.0.0.1", int(world.setting(spelled, default)), spelled))
    if world.recorded("GRAFANA") == "1":
        wanted.append(("127.0.0.1", int(world.setting("GRAFANA_PORT", "3000")), "GRAFANA_PORT"))
    for address, number, spelled in wanted:
        if number in ours:
            yield Finding("port", words.OURS(port=spelled))
        elif _free(address, number):
            yield Finding("port", words.FREE(port=spelled))
        else:
            yield Finding("port", words.TAKEN(port=spelled), str(words.FREE_PORT), _EXAMPLE)


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
        yield Finding("ca", words.NO_BUNDLE(bundle=bundle), str(words.SET_BUNDLE), _EXAMPLE)
    passed = os.environ.get("HTTPS_PROXY")
    lower = os.environ.get("https_proxy")
    if lower and not passed:
        yield Finding("proxy", str(words.LOWER_PROXY), str(words.EXPORT_PROXY), _README)
    else:
        yield Finding("proxy", str(words.PROXY_PASSED if passed else words.NONE))


def database(world: World, _environment: str) -> Iterator[Finding]:
    if not (url := world.recorded("DATABASE_URL")):
        return
    try:
        arguments(url)
        yield Finding("database", str(words.URL_READ))
        own = world.setting("DATABASE_ROLES") == "1"
        yield Finding("roles", str(words.OWN_ROLES if own else words.NO_ROLES))
    except AddressError as error:
        yield Finding("database", words.URL_BAD(why=error), str(words.CORRECT_IT), _EXAMPLE)


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


def settings(world: World, _environment: str) -> Iterator[Finding]:
    if not world.env.path.exists():
        yield Finding("env", str(words.NO_ENV), "make setup", _EXAMPLE)
        return
    expected = re.findall(r"^([A-Z_]+)=", (world.root / _EXAMPLE).read_text(encoding="utf-8"), re.MULTILINE)
    missing = [name for name in expected if name not in world.env.settings]
    needed = ["PUBLIC_URL", "TWILIO_AUTH_TOKEN", "ADMIN_API_KEY"]
    needed += [] if world.recorded("DATABASE_URL") else ["POSTGRES_PASSWORD"]
    live = world.recorded("DEMO") != "1"
    needed += ["OPENAI_API_KEY", "TWILIO_ACCOUNT_SID"] if live else []
    missing += [name for name in needed if not world.recorded(name) and name not in missing]
    if missing:
        yield Finding("env", words.NOT_SET(names=" ".join(missing)), words.ADD_EACH(page=_EXAMPLE), _EXAMPLE)
    else:
        yield Finding("env", str(words.ENV_WHOLE))
    if not live:
        yield Finding("mode", str(words.DEMO))
    elif (
        world.recorded("TWILIO_AUTH_TOKEN").startswith("demo-") or world.recorded("TWILIO_ACCOUNT_SID") == DEMO_ACCOUNT
    ):
        yield Finding("mode", str(words.STILL_DEMO), str(words.SET_TWILIO), _EXAMPLE)
    else:
        yield Finding("mode", str(words.LIVE))


def numbers(world: World, _environment: str) -> Iterator[Finding]:
    """Whatever env/example.env shows a number for is one; of a time, parts of one too."""
    for name in re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=\d+$", (world.root / _EXAMPLE).read_text("utf-8"), re.MULTILINE):
        if name.startswith("MAX_COST"):
            # Its own check has a closer word for it.
            continue
        value, parts = world.setting(name), name.startswith("OTEL_") or name.endswith(_OF_TIME)
        if value and not (value.isascii() and re.fullmatch(r"\d+(\.\d+)?" if parts else r"\d+", value)):
            text = (words.NOT_A_NUMBER if parts else words.NOT_WHOLE)(name=name, value=value)
            yield Finding("number", text, str(words.WHOLE_NUMBER), _EXAMPLE)


def processors(world: World, environment: str) -> Iterator[Finding]:
    """The engine makes no container that may use more processors than the machine has."""
    has = int(world.docker("info", "--format", "{{.NCPU}}").out or 0)
    wanted = {
        name: float(service.get("deploy", {}).get("resources", {}).get("limits", {}).get("cpus", 0))
        for name, service in _model(world, environment).items()
    }
    if greedy := sorted(name for name, cpus in wanted.items() if cpus > has):
        text = words.FEW_PROCESSORS(has=has, services=", ".join(greedy))
        yield Finding("processors", text, str(words.FEWER_PROCESSORS), _EXAMPLE)
    else:
        yield Finding("processors", words.PROCESSORS(has=has, most=f"{max(wanted.values(), default=0):g}"))


def reached(world: World, _environment: str) -> Iterator[Finding]:
    """What only real calls need: an address of the world's, and no secret of the demo's."""
    if world.recorded("DEMO") == "1":
        return
    for name in ("PUBLIC_URL", "CALLS_PUBLIC_URL"):
        value = world.setting(name)
        if (name == "PUBLIC_URL" and world.setting("PUBLIC_HOST")) or not value:
            continue
        host = urlsplit(value).hostname or ""
        if not value.startswith("https://") or "." not in host or host.startswith("127.") or _EXAMPLES.search(host):
            yield Finding("public", words.NOT_PUBLIC(name=name, value=value), str(words.SET_PUBLIC), _LIVE)
        else:
            yield Finding("public", f"{name}={value}")
    demo = [
        name for name in ("WHATSAPP_APP_SECRET", "WHATSAPP_ACCESS_TOKEN") if world.recorded(name).startswith("demo-")
    ]
    if demo:
        yield Finding("secrets", words.DEMO_SECRETS(names=" ".join(demo)), str(words.EMPTY_THEM), _LIVE)


def collector(world: World, _environment: str) -> Iterator[Finding]:
    valid = {
        "LOG_DRIVER": ("json-file", "local", *DRIVERS),
        "LOG_COLLECTOR": ("none", "datadog"),
    }
    for name, choices in valid.items():
        value = world.setting(name, choices[0])
        if value in choices:
            yield Finding("collector", f"{name}={value}")
        else:
            text = words.NOT_ONE_OF(name=name, value=value, choices=" ".join(choices))
            yield Finding("collector", text, str(words.ONE_OF_THEM), "docs/collectors.md")


def prices(world: World, _environment: str) -> Iterator[Finding]:
    path = world.root / "env/prices.toml"
    try:
        load_prices(path)
    except PriceError as error:
        what, _, remedy = str(error).rpartition(": ")
        yield Finding("prices", what, remedy, "docs/costs.md")
    else:
        if path.exists():
            yield Finding("prices", str(words.OWN_PRICES))
    for name in ("MAX_COST_PER_CALL", "MAX_COST_PER_DAY"):
        value = world.setting(name)
        if value and not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
            yield Finding("number", words.NO_AMOUNT(name=name, value=value), str(words.AN_AMOUNT), _EXAMPLE)


def levels(world: World, environment: str) -> Iterator[Finding]:
    file = f"env/{environment}.env"
    inside = read_env(world.root / file)
    named = [("LOG_LEVEL", inside.get("LOG_LEVEL", ""), file)]
    for name in ("API_LOG_LEVEL", "CALLS_LOG_LEVEL", "WORKER_LOG_LEVEL"):
        if value := world.setting(name):
            named.append((name, value, ".env"))
    for name, value, where in named:
        if value.upper() in LEVELS:
            yield Finding("level", f"{name}={value} ({where})")
        else:
            fix = words.ONE_OF(choices=", ".join(LEVELS))
            yield Finding("level", words.NO_LEVEL(name=name, value=value, file=where), fix, "docs/guide.md")
    if inside.get("PYTHONUNBUFFERED") == "1":
        yield Finding("unbuffered", f"PYTHONUNBUFFERED=1 ({file})")
    else:
        yield Finding("unbuffered", words.BUFFERED(file=file), str(words.ADD_IT), "docs/guide.md")


def project(world: World, _environment: str) -> Iterator[Finding]:
    """Another folder's containers under this name would be taken over, or taken away as orphans."""
    form = '{{.Label "com.docker.compose.project.working_dir"}}'
    chosen = f"label=com.docker.compose.project={world.project}"
    folders = set(world.docker("ps", "--all", "--format", form, f"--filter={chosen}").out.split("\n")) - {""}
    others = {folder for folder in folders if folder != str(world.root)}
    if others:
        text = words.OTHER_FOLDER(project=world.project, folders=", ".join(sorted(others)))
        yield Finding("project", text, str(words.OTHER_NAME), "docs/operations.md")
    else:
        yield Finding("project", world.project)


def _model(world: World, environment: str) -> dict[str, dict[str, Any]]:
    files = f"docker-compose.yml:docker-compose.{environment}.yml"
    try:
        services: dict[str, dict[str, Any]] = world.model(COMPOSE_FILE=files)["services"]
        return services
    except Problem:
        return {}


_CONFIGURED: tuple[Check, ...] = (settings, numbers, database, server, collector, levels, prices)
DOCTOR: tuple[Check, ...] = (engine, disk, memory, processors, project, ports, network, *_CONFIGURED, reached)
PREFLIGHT: tuple[Check, ...] = (engine, *_CONFIGURED, project, ports, disk)
# Of a Swarm's manager; what its nodes must have, they are asked themselves.
MANAGER: tuple[Check, ...] = (engine, *_CONFIGURED, disk)


def examine(checks: tuple[Check, ...], world: World, environment: str) -> list[Finding]:
    """What each check found, in their order."""
    return [finding for check in checks for finding in check(world, environment)]
