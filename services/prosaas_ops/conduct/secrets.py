"""The settings of a new stack, and the secret files that its containers read."""

import getpass
import os
import secrets as random
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prosaas_core.postgres import roles
from prosaas_core.stream_token import RINGING_S, rotated
from prosaas_ops import receivers
from prosaas_ops.conduct.files import assigned, problem
from prosaas_ops.conduct.world import World
from prosaas_ops.files import replace
from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import DEV, Container
from prosaas_ops.texts import conduct as words
from prosaas_ops.texts import language_in

# Made up by us, and made up again by a rotation.
OURS = ("POSTGRES_PASSWORD", "CALL_TOKEN_SECRET", "WHATSAPP_VERIFY_TOKEN", "ADMIN_API_KEY")
# What a provider hands out. The demo's stand-ins take anything, and the preflight refuses theirs beside a real model.
PROVIDERS = (
    "OPENAI_API_KEY",
    "TWILIO_AUTH_TOKEN",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_ACCESS_TOKEN",
    "BUSINESS_WEBHOOK_TOKEN",
)
_DEMO = ("TWILIO_AUTH_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_ACCESS_TOKEN")
# Emptying these is how one returns to the demo, or does without WhatsApp.
_MAY_BE_EMPTIED = (
    "OPENAI_API_KEY",
    "WHATSAPP_VERIFY_TOKEN",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_ACCESS_TOKEN",
    "BUSINESS_WEBHOOK_TOKEN",
)
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
# Drivers of the engine that send lines on, each with a file in deploy/collectors.
DRIVERS = ("awslogs", "fluentd", "gelf", "journald", "loki", "syslog")
COLLECTORS = (*DRIVERS, "datadog")
# What a setting of 1 adds to the stack.
PROFILES = {"DEMO": "demo", "MONITORING": "monitoring", "GRAFANA": "grafana"}
_USABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=-")
# In which a rotation ends: four services, each of which may take its time to be ready.
_ROTATION_S = 480.0
DEMO_ACCOUNT = "AC" + "0" * 32


def made_up() -> str:
    """48 hexadecimal digits."""
    return random.token_hex(24)


def renewed(name: str, before: str) -> str:
    """A new value for a secret of ours. A call that rings meanwhile has a token that the old one signed."""
    if name == "CALL_TOKEN_SECRET" and before:
        return rotated(made_up(), before, time.time() + _ROTATION_S + RINGING_S)
    return made_up()


def typed(name: str) -> str:
    """A provider's secret as it is pasted, which no terminal shows."""
    value = getpass.getpass(words.ASKED(name=name)) if sys.stdin.isatty() else sys.stdin.readline()
    value = value.strip()
    if not value or set(value) - _USABLE:
        raise problem(words.NO_VALUE(name=name), words.PASTE(name=name))
    return value


def make_env(world: World) -> bool:
    """A whole .env in one act, so that a setup which is interrupted leaves none; whether there was none."""
    if world.env.path.exists():
        return False
    if world.setting("AUTO_SETUP", "1") == "0":
        raise problem(str(words.NO_SETUP), "cp env/example.env .env", "README.md, A fresh machine")
    world.say(str(words.MAKING_ENV))
    values = {name: made_up() for name in OURS} | {name: f"demo-{made_up()}" for name in _DEMO}
    values |= {"DEMO": "1", "TWILIO_ACCOUNT_SID": DEMO_ACCOUNT, "COMPOSE_PROJECT_NAME": _free_project(world)}
    example = (world.root / "env/example.env").read_text(encoding="utf-8")
    replace(world.env.path, assigned(example, values))
    world.env = type(world.env)(world.env.path)
    return True


def _free_project(world: World) -> str:
    """The shell's choice, else prosaas, unless another folder's containers or data go by that name."""
    if chosen := world.setting("COMPOSE_PROJECT_NAME"):
        return chosen
    label = "label=com.docker.compose.project=prosaas"
    taken = (
        world.docker("ps", "--all", "--quiet", f"--filter={label}").out
        + world.docker("volume", "ls", "--quiet", f"--filter={label}").out
    )
    if not taken.strip():
        return "prosaas"
    name = another_name()
    world.say(words.OTHER_STACK(name=name))
    return name


def another_name() -> str:
    """What a folder's stack is called where another folder's goes by the first name."""
    return f"prosaas-{random.token_hex(2)}"


def chosen_stack(world: World, environment: str) -> dict[str, str]:
    """What plain `docker compose` in this folder must find in .env to act on this stack. Only .env has a say in it."""
    files = ["docker-compose.yml", f"docker-compose.{'dev' if environment == 'dev' else 'prod'}.yml"]
    if environment == "swarm":
        files.append("docker-compose.swarm.yml")
    if world.recorded("PUBLIC_HOST"):
        files.append("deploy/overlays/public-host.yml")
    if world.recorded("DATABASE_URL"):
        files.append("deploy/overlays/external-database.yml")
    wanted = (world.recorded("LOG_DRIVER"), world.recorded("LOG_COLLECTOR"))
    files += [f"deploy/collectors/{name}.yml" for name in COLLECTORS if name in wanted]
    project = world.recorded("COMPOSE_PROJECT_NAME", "prosaas").removesuffix(DEV)
    return {
        "COMPOSE_FILE": ":".join([*files, ".state/compose.yml"]),
        "COMPOSE_PROJECT_NAME": f"{project}{DEV}" if environment == "dev" else project,
        "COMPOSE_PROFILES": ",".join(profile for name, profile in PROFILES.items() if world.recorded(name) == "1"),
    }


def machine(world: World) -> dict[str, str]:
    """Base images and the CA bundle, as the door found them, where .env says nothing of its own."""
    found = dict(word.split("=", 1) for word in world.setting("PROSAAS_BASES").split() if "=" in word)
    if bundle := next((path for path in _BUNDLES if Path(path).is_file()), ""):
        found["CA_BUNDLE"] = bundle
    return {name: value for name, value in found.items() if not world.recorded(name)}


def take_bases(world: World) -> None:
    """What the door has pulled or made is what the next build starts from."""
    found = dict(word.split("=", 1) for word in world.setting("PROSAAS_BASES").split())
    changed = world.env.put(**found)
    for name, image in found.items():
        world.say(f"{name}={image}")
    world.say(str(words.BASES if changed else words.SAME_BASES))


def database_url(settings: dict[str, str]) -> str:
    """The address of the database that .env means; any password works, for it is percent-encoded."""
    password = quote(settings.get("POSTGRES_PASSWORD", ""), safe="")
    return settings.get("DATABASE_URL") or f"postgresql://prosaas:{password}@postgres:5432/prosaas"


def roles_key(settings: dict[str, str]) -> str:
    """The key of the roles' passwords; nothing where services go in as the owner: at a managed database, unless asked.

    A managed database's user may not be allowed to make roles.
    """
    wanted = settings.get("DATABASE_ROLES") or ("0" if settings.get("DATABASE_URL") else "1")
    return roles.key_of(database_url(settings)) if wanted == "1" else ""


def addresses(settings: dict[str, str]) -> dict[str, str]:
    """The secret files of the database: the owner's address, and each role's own."""
    owner, key = database_url(settings), roles_key(settings)
    try:
        theirs = {f"database_url_{role}": roles.address_of(owner, role, key) if key else owner for role in roles.ROLES}
    except ValueError as error:
        raise problem(words.ROLES_URL(why=error), "postgresql://user:password@host:5432/name") from None
    return {"database_url": owner, "database_roles_key": key, **theirs}


def wanted(world: World) -> dict[str, str]:
    """What .env says that each file of secrets/ should hold, by its name."""
    settings = dict(world.env.settings)
    values = {name.lower(): settings.get(name, "") for name in (*OURS, *PROVIDERS)}
    values["alertmanager_config"] = receivers.config(settings, language_in(world.root / "env/prod.env"))
    return values | addresses(settings)


def written(world: World) -> dict[str, str]:
    """What each file of secrets/ holds, by its name."""
    return {name: _before(world.root / "secrets" / name) or "" for name in wanted(world)}


def unwritten(world: World) -> list[str]:
    """The secrets whose files hold another value than .env: a deploy or a rotation writes them, and no restart.

    Services that start anew one by one would else differ from the others.
    """
    try:
        lost, files = emptied(world), wanted(world)
    except Problem:
        # DATABASE_URL, of which another check says what is wrong.
        return []
    there = {name: _before(world.root / "secrets" / name) for name in files}
    other = [name.upper() for name in files if there[name] not in (None, files[name])]
    # The address of a database has a password in it, and of another one nobody reads ours.
    theirs = bool(world.recorded("DATABASE_URL"))
    known = [name for name in (*OURS, *PROVIDERS) if name in other and name not in lost]
    known = [name for name in known if not (theirs and name == "POSTGRES_PASSWORD")]
    if "DATABASE_URL" in other and (theirs or _server(there["database_url"]) != _server(files["database_url"])):
        known.append("DATABASE_URL")
    elif "DATABASE_ROLES_KEY" in other and not (there["database_roles_key"] and files["database_roles_key"]):
        known.append("DATABASE_ROLES")
    return known


def _server(address: str | None) -> str:
    return (address or "").rpartition("@")[2]


def write_secrets(world: World) -> list[str]:
    """Bring all of secrets/ to what .env says, or, where one of them would be lost, nothing: a Problem.

    The files that had another value before.

    A container reads the file that was there when it was last started: see Generations.
    """
    folder = world.root / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name in emptied(world):
        raise problem(words.EMPTIED(name=name), words.PUT_BACK(name=name.lower()), "env/example.env")
    files = {folder / name: value for name, value in wanted(world).items()}
    before = {path: _before(path) for path in files}
    changed = {path: value for path, value in files.items() if before[path] != value}
    for path, value in changed.items():
        # The folder is closed: the file may be readable to the container's account, whatever its number.
        replace(path, value, mode=0o444)
    return [f"{folder.name}/{path.name}" for path in changed if before[path] is not None]


def emptied(world: World) -> list[str]:
    """The secrets that .env has no more, and that would be lost."""
    kept = (*_MAY_BE_EMPTIED, "DATABASE_ROLES_KEY")
    names = [name for name, value in wanted(world).items() if not value and name.upper() not in kept]
    return [name.upper() for name in names if _before(world.root / "secrets" / name)]


def _before(path: Path) -> str | None:
    """What is there until now, nothing where that is no text of ours; None without a file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError):
        return ""


def tell_overridden(world: World) -> None:
    """What the shell says holds for this command, and is never written down; of secrets only .env has a say."""
    mine = (*OURS, *PROVIDERS, "DATABASE_URL", "COMPOSE_FILE", "COMPOSE_PROFILES")
    known = {*world.env.settings, *mine} - {"PATH", "HOME"}
    for name in sorted(known & {*os.environ}):
        # In what is the operator's own .env has no say, whatever it has: env/prod.env has.
        if name.startswith("OPS_") or os.environ[name] == world.recorded(name):
            continue
        if name in mine:
            world.warn(words.ENV_ALONE(name=name))
            del os.environ[name]
        else:
            world.say(words.FROM_SHELL(name=name, value=os.environ[name]))


def holds_secrets(world: World, container: Container, model: dict[str, Any]) -> bool:
    """Whether its secrets are today's: a container keeps the files that it was started with, whatever they are now."""
    files = {
        str(Path("/run/secrets") / (use.get("target") or use["source"])): model["secrets"][use["source"]]["file"]
        for use in model["services"][container.service].get("secrets") or []
    }
    if not files:
        return True
    try:
        # All at one look, each below its name: a look into a container takes a tenth of a second.
        code, held, _ = world.engine.run(container, "tail", "-v", "-n", "+1", *files)
    except Problem:
        return False
    wanted = (f"==> {path} <==\n{(world.root / file).read_text('utf-8')}" for path, file in files.items())
    return code == 0 and held == "\n".join(wanted)
