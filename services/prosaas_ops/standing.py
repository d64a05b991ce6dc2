"""What of a stack does not run, and what starts it again: one answer for all who tell of it."""

import os
from collections.abc import Callable, Iterable
from functools import partial

from prosaas_ops.options import OTHERS, OWN_SERVICES
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.live_calls import drains
from prosaas_ops.texts import status as words


def down(found: Iterable[Container]) -> list[Container]:
    """Those of services of which nothing runs; a generation that ended beside one that serves is history."""
    found = list(found)
    run = {one.service for one in found if one.state == "running"}
    return [one for one in found if one.service not in run]


def no_new_calls(found: Iterable[Container], drains: Callable[[Container], bool]) -> bool:
    """Whether prosaas-calls runs and nobody's call is taken any more, for all of it drains."""
    calls = [one for one in found if one.service == "prosaas-calls" and one.state == "running"]
    return bool(calls) and all(map(drains, calls))


def gone(engine: Engine) -> list[str]:
    """The services that serve nobody who comes now: they have ended, or all that runs of prosaas-calls drains."""
    found = engine.current()
    draining = ["prosaas-calls"] if no_new_calls(found, partial(drains, engine)) else []
    return [*(one.service for one in down(found)), *draining]


def repair(service: str) -> str:
    """The command that starts a service again: one of ours alone, what others need with the whole stack."""
    if service in OWN_SERVICES:
        return f"make restart-{service.removeprefix('prosaas-')}"
    return "make up-swarm" if os.environ.get("OPS_SWARM") == "1" else "make up-prod"


def not_up(gone: Iterable[str]) -> str:
    """That these services do not run, and what starts them again, the ones that others need first; nothing for none.

    Of another project in STACK= nobody here knows what should run.
    """
    fixes = set() if OTHERS else {repair(service) for service in gone if service != "migrate"}
    ours = [fix for name in ("worker", "prosaas-api", "prosaas-calls") if (fix := repair(name)) in fixes]
    return words.NOT_UP(commands=" · ".join(sorted(fixes - {*ours}) or ours)) if fixes else ""
