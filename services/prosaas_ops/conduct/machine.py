"""What can be wrong with a machine or a configuration: `make doctor` tells all of it, a start only what is bad."""

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prosaas_core.facts.prices import PriceError, load_prices
from prosaas_core.postgres.address import AddressError, arguments
from prosaas_ops.conduct.files import read_env
from prosaas_ops.conduct.secrets import DEMO_ACCOUNT, DRIVERS
from prosaas_ops.conduct.world import World
from prosaas_ops.options import LEVELS, Problem

LEAST_ENGINE, LEAST_COMPOSE = (25, 0, 0), (2, 24, 4)
_FREE_MB = 3000
_README = "README.md, A fresh machine"
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
        yield Finding("cgroup", f"version {version}")
    else:
        fix = "mount cgroups, then restart dockerd"
        yield Finding(
            "cgroup", "the engine reports no cgroup version: limits cannot hold", fix, "docs/troubleshooting.md"
        )


def _at_least(topic: str, version: str, least: tuple[int, int, int]) -> Finding:
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version)
    wanted = ".".join(map(str, least))
    if found and tuple(map(int, found.groups())) >= least:
        return Finding(topic, version)
    return Finding(
        topic, f"{version or 'none'} is older than {wanted}", "make setup, or your distribution's newer one", _README
    )


def disk(_world: World, _environment: str) -> Iterator[Finding]:
    # The tools' own root is on the engine's disk.
    free = shutil.disk_usage("/").free // 1_000_000
    if free >= _FREE_MB:
        yield Finding("disk", f"{free // 1000} GB free for the engine")
    else:
        fix = "docker image prune, or a larger disk"
        yield Finding(
            "disk", f"{free} MB free for the engine, images and data need {_FREE_MB}", fix, "README.md, Sizes"
        )


def memory(world: World, environment: str) -> Iterator[Finding]:
    """The limits of all containers against what the machine has."""
    has = int(world.docker("info", "--format", "{{.MemTotal}}").out or 0) // 2**20
    limits = 0
    for service in _model(world, environment).values():
        limits += int(service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory", 0)) // 2**20
    if has >= limits * 0.6 and has >= 1800:
        yield Finding("memory", f"{has} MB; the limits add up to {limits}")
    else:
        fix = "lower *_MEMORY in .env, or a larger machine"
        yield Finding("memory", f"{has} MB, and the limits add up to {limits}", fix, _EXAMPLE)


def ports(world: World, environment: str) -> Iterator[Finding]:
    """Each port that the stack publishes: a number, and free or ours."""
    name = "API_PORT"
    port = world.setting(name, "8000")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        yield Finding("port", f"{name}={port} is not a port", "a number from 1 to 65535 in .env", _EXAMPLE)
        return
    if world.recorded("CALLS_PORT"):
        text = "CALLS_PORT means nothing any more: calls come through API_PORT, or PUBLIC_HOST"
        yield Finding("port", text, "remove it from .env", "docs/going-live.md")
    ours = {binding for found in world.containers() if found.state == "running" for binding in found.ports}
    wanted = [("127.0.0.1", int(port), f"{name}={port}")]
    if world.setting("PUBLIC_HOST"):
        wanted = [("0.0.0.0", 80, "port 80"), ("0.0.0.0", 443, "port 443")]
    if world.recorded("MONITORING") == "1":
        for spelled, default in (("PROMETHEUS_PORT", "9090"), ("ALERTMANAGER_PORT", "9093")):
            wanted.append(("127.0.0.1", int(world.setting(spelled, default)), spelled))
    if world.recorded("GRAFANA") == "1":
        wanted.append(("127.0.0.1", int(world.setting("GRAFANA_PORT", "3000")), "GRAFANA_PORT"))
    for address, number, spelled in wanted:
        if number in ours:
            yield Finding("port", f"{spelled} is this stack's")
        elif _free(address, number):
            yield Finding("port", f"{spelled} is free")
        else:
            fix = "stop it, or set another API_PORT in .env"
            yield Finding("port", f"{spelled} is taken by something else", fix, _EXAMPLE)


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
        yield Finding("ca", f"image builds trust {bundle or 'their own bundle'}")
    else:
        fix = "set it in .env to this machine's CA bundle, or remove it"
        yield Finding("ca", f"CA_BUNDLE={bundle} is not a file", fix, _EXAMPLE)
    passed = os.environ.get("HTTPS_PROXY")
    lower = os.environ.get("https_proxy")
    if lower and not passed:
        fix = "export HTTPS_PROXY as well"
        yield Finding(
            "proxy", "https_proxy is set in lower case, which Compose does not pass to image builds", fix, _README
        )
    else:
        yield Finding("proxy", "HTTPS_PROXY is passed to image builds" if passed else "none")


def database(world: World, _environment: str) -> Iterator[Finding]:
    if not (url := world.recorded("DATABASE_URL")):
        return
    try:
        arguments(url)
        yield Finding("database", "DATABASE_URL can be read; whether the server serves, migrate asks it")
    except AddressError as error:
        yield Finding("database", f"DATABASE_URL is not usable: {error}", "correct it in .env", _EXAMPLE)


def settings(world: World, _environment: str) -> Iterator[Finding]:
    if not world.env.path.exists():
        yield Finding("env", "there is no .env", "make setup", _EXAMPLE)
        return
    expected = re.findall(r"^([A-Z_]+)=", (world.root / _EXAMPLE).read_text(encoding="utf-8"), re.MULTILINE)
    missing = [name for name in expected if name not in world.env.settings]
    needed = ["PUBLIC_URL", "TWILIO_AUTH_TOKEN", "ADMIN_API_KEY"]
    needed += [] if world.recorded("DATABASE_URL") else ["POSTGRES_PASSWORD"]
    live = world.recorded("DEMO") != "1"
    needed += ["OPENAI_API_KEY", "TWILIO_ACCOUNT_SID"] if live else []
    missing += [name for name in needed if not world.recorded(name) and name not in missing]
    if missing:
        yield Finding(
            "env", f"not set in .env: {' '.join(missing)}", f"add each; {_EXAMPLE} says what it is for", _EXAMPLE
        )
    else:
        yield Finding("env", ".env is complete")
    if not live:
        yield Finding("mode", "demo: DEMO=1")
    elif (
        world.recorded("TWILIO_AUTH_TOKEN").startswith("demo-") or world.recorded("TWILIO_ACCOUNT_SID") == DEMO_ACCOUNT
    ):
        text = "DEMO is not 1, but Twilio's settings are still the demo's: no real call would be answered"
        yield Finding(
            "mode", text, "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in .env from the Twilio console", _EXAMPLE
        )
    else:
        yield Finding("mode", "live: the model and Twilio are set")
    for name in (
        "DRAIN_SECONDS",
        "MAX_CALLS",
        "CALLS_PER_NUMBER",
        "MAX_CALL_SECONDS",
        "IDLE_SECONDS",
        "JOB_CONCURRENCY",
    ):
        value = world.setting(name)
        if value and not value.isdecimal():
            yield Finding("number", f"{name}={value} is not a whole number", "one in .env, or remove it", _EXAMPLE)


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
            fix = "set it in .env to one of them, or remove it"
            yield Finding("collector", f"{name}={value} is not one of: {' '.join(choices)}", fix, "docs/collectors.md")


def prices(world: World, _environment: str) -> Iterator[Finding]:
    path = world.root / "env/prices.toml"
    try:
        load_prices(path)
    except PriceError as error:
        what, _, remedy = str(error).rpartition(": ")
        yield Finding("prices", what, remedy, "docs/costs.md")
    else:
        if path.exists():
            yield Finding("prices", "env/prices.toml before the shipped ones")
    for name in ("MAX_COST_PER_CALL", "MAX_COST_PER_DAY"):
        value = world.setting(name)
        if value and not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
            yield Finding("number", f"{name}={value} is no amount", "one like 2.50 in .env, or remove it", _EXAMPLE)


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
            fix = f"one of {', '.join(LEVELS)}"
            yield Finding("level", f"{name}={value} in {where} is not a level", fix, "docs/guide.md")
    if inside.get("PYTHONUNBUFFERED") == "1":
        yield Finding("unbuffered", f"PYTHONUNBUFFERED=1 ({file})")
    else:
        text = f"PYTHONUNBUFFERED=1 is missing from {file}: lines would wait in a buffer"
        yield Finding("unbuffered", text, "add it", "docs/guide.md")


def project(world: World, _environment: str) -> Iterator[Finding]:
    """Another folder's containers under this name would be taken over, or taken away as orphans."""
    form = '{{.Label "com.docker.compose.project.working_dir"}}'
    chosen = f"label=com.docker.compose.project={world.project}"
    folders = set(world.docker("ps", "--all", "--format", form, f"--filter={chosen}").out.split("\n")) - {""}
    others = {folder for folder in folders if folder != str(world.root)}
    if others:
        fix = "another COMPOSE_PROJECT_NAME in .env; or in that folder: make down"
        text = f"{world.project} is the stack of another folder: {', '.join(sorted(others))}"
        yield Finding("project", text, fix, "docs/operations.md")
    else:
        yield Finding("project", world.project)


def _model(world: World, environment: str) -> dict[str, dict[str, Any]]:
    files = f"docker-compose.yml:docker-compose.{environment}.yml"
    try:
        services: dict[str, dict[str, Any]] = world.model(COMPOSE_FILE=files)["services"]
        return services
    except Problem:
        return {}


_CONFIGURED: tuple[Check, ...] = (settings, database, collector, levels, prices)
DOCTOR: tuple[Check, ...] = (engine, disk, memory, project, ports, network, *_CONFIGURED)
PREFLIGHT: tuple[Check, ...] = (engine, *_CONFIGURED, project, ports, disk)
# Of a Swarm's manager; what its nodes must have, they are asked themselves.
MANAGER: tuple[Check, ...] = (engine, *_CONFIGURED, disk)


def examine(checks: tuple[Check, ...], world: World, environment: str) -> list[Finding]:
    """What each check found, in their order."""
    return [finding for check in checks for finding in check(world, environment)]
