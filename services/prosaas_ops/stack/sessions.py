"""Who else is debugging now: each terminal is a container of the ops image, and the engine knows them all."""

import os
from dataclasses import dataclass
from datetime import datetime

from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.switch import Target

PROJECT_LABEL, COMMAND_LABEL = "prosaas.ops.project", "prosaas.ops.command"


@dataclass(frozen=True, slots=True)
class Session:
    """Another terminal that follows a service at DEBUG."""

    target: Target
    since: datetime

    def __str__(self) -> str:
        return f"another terminal debugs {self.target} since {self.since:%H:%M:%S} UTC"


def others(engine: Engine, command: str) -> list[Session]:
    """The sessions of the same command on the same stack, without this one."""
    own = os.environ.get("HOSTNAME", "")
    labels = [f"{PROJECT_LABEL}={engine.project}", f"{COMMAND_LABEL}={command}"]
    rows = engine.get("/containers/json", filters=f'{{"label": ["{labels[0]}", "{labels[1]}"]}}')
    found = []
    for row in rows:
        if own and row["Id"].startswith(own):
            continue
        environment = dict(item.partition("=")[::2] for item in engine.inspect(row["Id"])["Config"]["Env"] or [])
        target = Target(environment.get("CALL", ""), environment.get("BUSINESS", ""), environment.get("PHONE", ""))
        found.append(Session(target, datetime.fromtimestamp(row["Created"]).astimezone()))
    return found
