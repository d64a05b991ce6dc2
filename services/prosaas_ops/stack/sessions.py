"""Who else is debugging now: each terminal is a container of the ops image, and the engine knows them all."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prosaas_ops.options import Usage, gather
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.switch import Target, target_from
from prosaas_ops.texts.lines import SESSION

PROJECT_LABEL, COMMAND_LABEL, USER_LABEL = "prosaas.ops.project", "prosaas.ops.command", "prosaas.ops.user"


@dataclass(frozen=True, slots=True)
class Session:
    """Another terminal that follows a service at DEBUG."""

    target: Target
    since: datetime
    # Whose terminal, as user@host, where the wrapper said so.
    user: str = ""

    def __str__(self) -> str:
        whose = f" ({self.user})" if self.user else ""
        return SESSION(whose=whose, target=self.target, since=f"{self.since:%H:%M:%S}")


def others(engine: Engine, command: str) -> list[Session]:
    """The sessions of the same command on the same stack, without this one."""
    own = os.environ.get("HOSTNAME", "")
    labels = [f"{PROJECT_LABEL}={engine.project}", f"{COMMAND_LABEL}={command}"]
    rows = engine.get("/containers/json", filters=f'{{"label": ["{labels[0]}", "{labels[1]}"]}}')
    found = []
    for row in rows:
        if own and row["Id"].startswith(own):
            continue
        config = engine.inspect(row["Id"])["Config"]
        user = str((row.get("Labels") or {}).get(USER_LABEL, ""))
        found.append(Session(_target(command, config), _moment(row["Created"]), user))
    return found


def _target(command: str, config: dict[str, Any]) -> Target:
    """What that terminal was asked for, read by the rule by which it reads it itself."""
    environment = dict(item.partition("=")[::2] for item in config.get("Env") or [])
    words = [word for word in (config.get("Cmd") or [])[1:] if "=" in word]
    try:
        return target_from(gather(command, ("CALL", "BUSINESS", "PHONE", "FOR", "MAX"), words, environment))
    except Usage:
        return Target()


def _moment(created: float) -> datetime:
    return datetime.fromtimestamp(created, UTC)
