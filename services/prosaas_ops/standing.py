"""What of a stack does not run, and what starts it again: one answer for all who tell of it."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from prosaas_ops.lock import at_work
from prosaas_ops.options import OTHERS, OWN_SERVICES, Problem
from prosaas_ops.stack.engine import DEV, Container, Engine
from prosaas_ops.stack.live_calls import drains
from prosaas_ops.stack.records import server
from prosaas_ops.texts import status as words

# What every stack of ours has; what is optional beside these may well be away.
_ALWAYS = (*OWN_SERVICES, "gateway")
_DATABASE = "postgres"
# What a command of the operator's own brings up, and takes away at its end: away, or killed, it is missed by nobody.
AT_WILL = ("console", "console-reader")


def down(found: Iterable[Container]) -> list[Container]:
    """Those of services of which nothing runs; a generation that ended beside one that serves is history."""
    found = list(found)
    passed_over = {one.service for one in found if one.state == "running"} | {*AT_WILL}
    return [one for one in found if one.service not in passed_over]


def missing(found: Iterable[Container], *, database: bool) -> list[str]:
    """The services without even a container in a stack of which something runs, as a late Ctrl-C in `make down` leaves.

    Where nothing runs somebody wanted it so; a Swarm makes tasks itself, and of another project nobody here knows.
    """
    found = list(found)
    if OTHERS or on_a_swarm() or not any(one.state == "running" for one in found):
        return []
    there = {one.service for one in found}
    return [name for name in (*_ALWAYS, *((_DATABASE,) if database else ())) if name not in there]


def own_database() -> bool:
    """Whether the database is the stack's own container, by its address; no where that cannot be read."""
    try:
        return _DATABASE in server()["host"]
    except Problem:
        return False


def no_new_calls(found: Iterable[Container], drains: Callable[[Container], bool]) -> bool:
    """Whether prosaas-calls runs and nobody's call is taken any more, for all of it drains."""
    calls = [one for one in found if one.service == "prosaas-calls" and one.state == "running"]
    return bool(calls) and all(map(drains, calls))


def unserved(engine: Engine) -> str:
    """`not_up` of the services that serve nobody who comes now: ended, without a container, or all of them drain."""
    found = engine.current()
    draining = ["prosaas-calls"] if no_new_calls(found, partial(drains, engine)) else []
    gone = down(found)
    ended = [one.service for one in gone if one.state != "paused"]
    paused = [one.name for one in gone if one.state == "paused"]
    return not_up([*ended, *draining], missing(found, database=own_database()), paused)


def repair(service: str, project: str = "") -> str:
    """The command that starts a service again: one of ours alone, what others need with the whole stack."""
    if service in OWN_SERVICES:
        return f"make restart-{service.removeprefix('prosaas-')}"
    return whole(project)


def cure(one: Container, project: str = "") -> str:
    """The command that has this one serve again; of one that is paused nothing can be renewed."""
    return f"docker unpause {one.name}" if one.state == "paused" else repair(one.service, project)


def whole(project: str = "") -> str:
    """The command that starts all of it: production beside a project of development would find its port taken."""
    if on_a_swarm():
        return "make up-swarm"
    development = (project or os.environ.get("COMPOSE_PROJECT_NAME", "")).endswith(DEV)
    return "make up-dev" if development else "make up-prod"


def on_a_swarm() -> bool:
    """Whether its engine is a Swarm's manager, as the door says."""
    return os.environ.get("OPS_SWARM") == "1"


def not_up(gone: Iterable[str], missing: Iterable[str] = (), paused: Sequence[str] = ()) -> str:
    """That these services do not run, and what starts them again, the ones that others need first; nothing for none.

    While a command is at work that may be its doing, and every other one is refused: its end comes first.
    Of another project in STACK= nobody here knows what should run.
    """
    fixes = set() if OTHERS else {repair(service) for service in gone if service != "migrate"}
    # Before anything else: of one that is paused nothing can be renewed.
    if paused and not OTHERS:
        return words.NOT_UP(commands=f"docker unpause {' '.join(paused)}")
    # A restart renews what is there.
    fixes |= {whole() for _ in missing}
    ours = [fix for name in ("worker", "prosaas-api", "prosaas-calls") if (fix := repair(name)) in fixes]
    if fixes and (which := at_work()):
        return words.NOT_UP(commands=words.AWAIT(which=which))
    return words.NOT_UP(commands=" · ".join(sorted(fixes - {*ours}) or ours)) if fixes else ""
