"""What can be wrong with what is configured: `.env`, the files beside it, and what only real calls need."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from prosaas_core.facts.prices import PriceError, load_prices
from prosaas_core.postgres.address import AddressError, arguments
from prosaas_core.privacy.places import DAYS, MOST_DAYS, are_days
from prosaas_ops.conduct.backup import is_time
from prosaas_ops.conduct.door import is_public
from prosaas_ops.conduct.files import problem, read_env
from prosaas_ops.conduct.finding import Check, Finding
from prosaas_ops.conduct.secrets import DEMO_ACCOUNT, DRIVERS, emptied, unwritten, wanted, written
from prosaas_ops.conduct.world import OURS, World
from prosaas_ops.options import LEVELS, Problem
from prosaas_ops.standing import whole
from prosaas_ops.texts import conduct, kept
from prosaas_ops.texts import machine as words

EXAMPLE = "env/example.env"
_LIVE = "docs/going-live.md"
_SECRETS = "docs/settings.md"
_NOT_NOUGHT = re.compile(r"_(REPLICAS|CPUS|MEMORY)$|^LOG_MAX_FILES$")
_OF_TIME = ("_SECONDS", "_MINUTES")
_SWITCHES = ("DEMO", "MONITORING", "GRAFANA", "MASK_IN_RECORDS", "DATABASE_ROLES")
_SHOWN = re.compile(r"^#? ?([A-Z][A-Z0-9_]*)=(\d+(?:\.\d+)?[mg]?)$", re.MULTILINE)
_SIZE = re.compile(r"\d+(\.\d+)? ?[kmgtp]?i?b?", re.ASCII | re.IGNORECASE)
# What none of the three starts without.
_NEEDED = ("DATABASE_URL", "OPENAI_API_KEY")
_PART, _WHOLE = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII), re.compile(r"-?\d+", re.ASCII)


def settings(world: World, _environment: str) -> Iterator[Finding]:
    if not world.env.path.exists():
        yield Finding("env", str(words.NO_ENV), "make setup", EXAMPLE)
        return
    expected = re.findall(r"^([A-Z_]+)=", (world.root / EXAMPLE).read_text(encoding="utf-8"), re.MULTILINE)
    missing = [name for name in expected if name not in world.env.settings]
    needed = ["PUBLIC_URL", "TWILIO_AUTH_TOKEN", "ADMIN_API_KEY"]
    needed += [] if world.recorded("DATABASE_URL") else ["POSTGRES_PASSWORD"]
    demo = world.recorded("DEMO", "0")
    # Of what is neither 0 nor 1 another check tells, and nobody knows what it needs.
    live = demo == "0"
    needed += ["OPENAI_API_KEY", "TWILIO_ACCOUNT_SID"] if live else []
    missing += [name for name in needed if not world.recorded(name) and name not in missing]
    if missing:
        yield Finding("env", words.NOT_SET(names=" ".join(missing)), words.ADD_EACH(page=EXAMPLE), EXAMPLE)
    else:
        yield Finding("env", str(words.ENV_WHOLE))
    with suppress(Problem):
        lost = [name for name in emptied(world) if name not in missing]
        for name in lost:
            yield Finding("env", conduct.EMPTIED(name=name), conduct.PUT_BACK(name=name.lower()), EXAMPLE)
    if demo == "1":
        yield Finding("mode", str(words.DEMO))
    elif live and (
        world.recorded("TWILIO_AUTH_TOKEN").startswith("demo-") or world.recorded("TWILIO_ACCOUNT_SID") == DEMO_ACCOUNT
    ):
        yield Finding("mode", str(words.STILL_DEMO), str(words.SET_TWILIO), EXAMPLE)
    elif live:
        yield Finding("mode", str(words.LIVE))


def numbers(world: World, _environment: str) -> Iterator[Finding]:
    """Whatever env/example.env shows a number for is one; of a time, parts of one too."""
    for name, example in _SHOWN.findall((world.root / EXAMPLE).read_text("utf-8")):
        # The checks of these have a closer word for them, or are the engine's.
        if (value := world.setting(name)) and not name.startswith(("MAX_COST", "LOG_MAX_SIZE")):
            yield from _number(name, value, example)


def _number(name: str, value: str, example: str) -> Iterator[Finding]:
    parts = "." in example or name.startswith("OTEL_") or name.endswith(_OF_TIME)
    text, fix = "", words.A_RIGHT_ONE(name=name, example=example)
    if name in _SWITCHES:
        if value not in ("0", "1"):
            text, fix = words.NOT_ONE_OF(name=name, value=value, choices="0 1"), str(words.ONE_OF_THEM)
    elif name.endswith("_PORT"):
        if not is_port(value):
            text, fix = words.NO_PORT(name=name, port=value), str(words.A_PORT)
    elif not example[-1].isdigit():
        if not _SIZE.fullmatch(value):
            text = words.NOT_A_SIZE(name=name, value=value)
    elif not (_PART if parts else _WHOLE).fullmatch(value):
        text = (words.NOT_A_NUMBER if parts else words.NOT_WHOLE)(name=name, value=value)
    elif value.startswith("-") and not _has_bounds(name):
        text = words.BEYOND["greater than or equal to"](name=name, value=value, bound=0)
    elif name.lower() in DAYS and not _has_bounds(name) and not are_days(value):
        text = words.BEYOND["less than or equal to"](name=name, value=value, bound=MOST_DAYS)
    # None of it is no limit to the engine, or nothing that runs, and never what somebody means.
    if not text and _NOT_NOUGHT.search(name) and not value.strip("0.kmgtibKMGTIB "):
        text = words.BEYOND["greater than"](name=name, value=value, bound=0)
    if text:
        yield Finding("number", text, fix, EXAMPLE)


def is_port(value: str) -> bool:
    return bool(_WHOLE.fullmatch(value)) and len(value) <= len("65535") and 0 < int(value) <= 65535


def _has_bounds(name: str) -> bool:
    """Whether it is a service's, which knows the least and the most itself."""
    from prosaas_core.settings import Settings

    return name.lower() in Settings.model_fields


def loaded(world: World, environment: str) -> Iterator[Finding]:
    """What a service would say of its settings as it starts, of all that the checks before have no closer word for."""
    # Here alone: it takes a while, and most commands go without.
    from prosaas_core.settings import Settings, SettingsError, load_settings

    if not world.env.path.exists():
        return
    others = (settings, numbers, database, prices)
    told = " ".join(found.text for check in others for found in check(world, environment) if found.bad)
    said: dict[str, None] = {}
    for given in _given(world, environment):
        try:
            load_settings(given)
        except SettingsError as error:
            said.update(dict.fromkeys(str(error).split("\n")))
    for sentence in said:
        what, _, remedy = sentence.rpartition(": ")
        if re.split(r"\W", what, maxsplit=1)[0] in re.findall(r"\w+", told):
            continue
        # What pydantic says of a number out of bounds.
        name, _, rest = what.partition("='")
        value, _, why = rest.rpartition("' is not usable (Input should be ")
        how, _, bound = why.removesuffix(")").rpartition(" ")
        if how in words.BEYOND:
            example = Settings.model_fields[name.lower()].default
            text = words.BEYOND[how](name=name, value=value, bound=bound)
            fix = words.A_RIGHT_ONE(name=name, example=bound if example is None else example)
            yield Finding("settings", text, fix, EXAMPLE)
        else:
            yield Finding("settings", what, remedy, EXAMPLE)


def would_start(world: World, environment: str, service: str, *, as_written: bool = False) -> bool:
    """Whether the service takes its settings as Compose would give them: much that may be wrong is not among them."""
    from prosaas_core.settings import SettingsError, load_settings

    given = [*_given(world, environment, as_written=as_written)]
    # Of what Compose cannot take it makes no container.
    if len(given) < len(OURS):
        return False
    try:
        load_settings(given[OURS.index(service)], required=_NEEDED)
    except SettingsError:
        return False
    return True


def refuse_unwritten(world: World, environment: str, service: str) -> None:
    """A Problem where the service would start with what .env says, and not with what its secret files hold still."""
    if (names := unwritten(world)) and not would_start(world, environment, service, as_written=True):
        raise problem(conduct.NOT_WRITTEN_YET(service=service, names=", ".join(names)), whole(world.project), _SECRETS)


def _given(world: World, environment: str, *, as_written: bool = False) -> Iterator[dict[str, str]]:
    """The variables of each of our services, as Compose would give them; secrets themselves in place of their files."""
    model = rendered(world, environment)
    try:
        held = written(world) if as_written else wanted(world)
    except Problem:
        # DATABASE_URL, of which another check says what is wrong.
        held = {name.lower(): value for name, value in world.env.settings.items()}
    if not model:
        # Something that Compose cannot take. What .env says is near to what it would give.
        said = {name: world.setting(name) for name in world.env.settings}
        yield said | {name.upper(): value for name, value in held.items()}
        return
    for service in OURS:
        definition = model["services"][service]
        given = {name: value.replace("$$", "$") for name, value in definition["environment"].items() if value}
        for use in definition["secrets"]:
            name = (use.get("target") or use["source"]).rpartition("/")[2].upper()
            given.pop(f"{name}_FILE", None)
            given[name] = held.get(Path(model["secrets"][use["source"]]["file"]).name, "")
        yield given


def rendered(world: World, environment: str) -> dict[str, Any]:
    """What Compose makes of the files of this environment; {} where it cannot."""
    try:
        return world.model(COMPOSE_FILE=f"docker-compose.yml:docker-compose.{environment}.yml")
    except Problem:
        return {}


def host(world: World, _environment: str) -> Iterator[Finding]:
    """Certificates are fetched for it, and https:// is written before it: with anything but a name nobody comes in."""
    name = world.setting("PUBLIC_HOST")
    if name and not re.fullmatch(r"[\w-]+(\.[\w-]+)*", name):
        text = words.NO_HOST(name=name)
        yield Finding("public", text, str(words.A_HOST), EXAMPLE)


def schedule(world: World, _environment: str) -> Iterator[Finding]:
    if (when := world.recorded("BACKUP_SCHEDULE")) and not is_time(when):
        yield Finding("backup", kept.NO_CRON(when=when[:60]), str(kept.FIVE_FIELDS), "docs/operations.md")


def database(world: World, _environment: str) -> Iterator[Finding]:
    if not (url := world.recorded("DATABASE_URL")):
        return
    try:
        arguments(url)
        yield Finding("database", str(words.URL_READ))
        own = world.setting("DATABASE_ROLES") == "1"
        yield Finding("roles", str(words.OWN_ROLES if own else words.NO_ROLES))
    except AddressError as error:
        yield Finding("database", words.URL_BAD(why=error), str(words.CORRECT_IT), EXAMPLE)


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
            yield Finding("number", words.NO_AMOUNT(name=name, value=value), str(words.AN_AMOUNT), EXAMPLE)


def reached(world: World, _environment: str) -> Iterator[Finding]:
    """What only real calls need: an address of the world's, and no secret of the demo's."""
    if world.recorded("DEMO") == "1":
        return
    for name in ("PUBLIC_HOST" if world.setting("PUBLIC_HOST") else "PUBLIC_URL", "CALLS_PUBLIC_URL"):
        if not (value := world.setting(name)):
            continue
        if not is_public(f"https://{value}" if name == "PUBLIC_HOST" else value):
            yield Finding("public", words.NOT_PUBLIC(name=name, value=value), str(words.SET_PUBLIC), _LIVE)
        else:
            yield Finding("public", f"{name}={value}")
    demo = [
        name for name in ("WHATSAPP_APP_SECRET", "WHATSAPP_ACCESS_TOKEN") if world.recorded(name).startswith("demo-")
    ]
    if demo:
        yield Finding("secrets", words.DEMO_SECRETS(names=" ".join(demo)), str(words.EMPTY_THEM), _LIVE)


def unreached(world: World, environment: str) -> Iterator[Finding]:
    """The same to a start, which nothing of it stops: a proxy or a name may come later."""
    for found in reached(world, environment):
        yield replace(found, later=found.bad)


CONFIGURED: tuple[Check, ...] = (settings, numbers, loaded, host, schedule, database, collector, levels, prices)
