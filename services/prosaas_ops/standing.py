"""What of a stack does not run, and what starts it again: one answer for `make doctor` and `make status`."""

import os
from collections.abc import Iterable

from prosaas_ops.options import OWN_SERVICES
from prosaas_ops.stack.engine import Container


def down(found: Iterable[Container]) -> list[Container]:
    """Those of services of which nothing runs; a generation that ended beside one that serves is history."""
    found = list(found)
    run = {one.service for one in found if one.state == "running"}
    return [one for one in found if one.service not in run]


def repair(service: str) -> str:
    """The command that starts a service again: one of ours alone, what others need with the whole stack."""
    if service in OWN_SERVICES:
        return f"make restart-{service.removeprefix('prosaas-')}"
    return "make up-swarm" if os.environ.get("OPS_SWARM") == "1" else "make up-prod"
