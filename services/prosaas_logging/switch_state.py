"""The live switch's state: one small JSON file in tmpfs that the operator's command writes and every process reads."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from .digits import mask_phone
from .levels import NAME_TO_LEVEL

# From the most particular to the most general: of two that fit a scope, the first one counts.
TARGETS: Final = ("call", "phone", "business", "logger", "service")
_SCOPE_FIELDS: Final = {"call": "call_sid", "phone": "phone", "business": "business_id"}
_SHORTEST_NUMBER: Final = 7
# A recorder that was asked for is written at once or never: older wishes are only in everybody's way.
_WISH_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Change:
    """A level for the service, or for one call, business, telephone number or logger, until a moment."""

    target: str
    value: str
    level: str
    until: float
    for_s: float = 0.0

    def __str__(self) -> str:
        shown = mask_phone(self.value) if self.target == "phone" else self.value
        return f"{self.target} {shown}" if self.value else self.target

    @property
    def number(self) -> int:
        """The level as a number."""
        return NAME_TO_LEVEL[self.level]

    def fits(self, fields: dict[str, object]) -> bool:
        """Whether a scope with *fields* is meant."""
        if self.target not in _SCOPE_FIELDS:
            return False
        value = str(fields.get(_SCOPE_FIELDS[self.target], ""))
        return same_number(value, self.value) if self.target == "phone" else bool(value) and value == self.value


@dataclass(frozen=True)
class State:
    """Everything an operator has asked for that is not over; ``revision`` tells one state from the next."""

    revision: int = 0
    changes: tuple[Change, ...] = ()
    dumps: dict[str, int] = field(default_factory=dict)

    def at(self, moment: float) -> State:
        """The same without what is over at *moment*."""
        return replace(self, changes=tuple(change for change in self.changes if change.until > moment))

    def pruned(self, moment: float) -> State:
        """The same without what nobody needs to read any more at *moment*."""
        oldest = (moment - _WISH_SECONDS) * 1e9
        return replace(self.at(moment), dumps={name: asked for name, asked in self.dumps.items() if asked >= oldest})


def same_number(one: str, other: str) -> bool:
    """Whether two spellings, national or international, are of one telephone number."""
    first, second = (re.sub(r"\D+", "", text).lstrip("0") for text in (one, other))
    shorter, longer = sorted((first, second), key=len)
    return len(shorter) >= _SHORTEST_NUMBER and longer.endswith(shorter)


def read_state(path: Path) -> State:
    """The state in *path*; nothing asked for if there is no file or it cannot be understood."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        changes = tuple(
            Change(
                target=str(item["target"]),
                value=str(item["value"]),
                level=str(item["level"]),
                until=float(item["until"]),
                for_s=float(item.get("for_s", 0)),
            )
            for item in content["changes"]
            if item["target"] in TARGETS and item["level"] in NAME_TO_LEVEL
        )
        dumps = {str(name): int(number) for name, number in content.get("dumps", {}).items()}
        return State(int(content["revision"]), changes, dumps)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return State()


def update_state(path: Path, alter: Callable[[State], State]) -> State:
    """Replace the state in *path* in one step, so that no process ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        former = read_state(path).pruned(time.time())
        state = replace(alter(former), revision=max(former.revision + 1, time.time_ns()))
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(asdict(state)), encoding="utf-8")
        fresh.replace(path)
    return state


@dataclass(frozen=True)
class Presence:
    """What one process says of itself, for the operator's command to count who follows."""

    service: str
    pid: int
    level: str
    source: str
    base: str
    blackbox: str
    revision: int
    started: int


def write_presence(state_file: Path, presence: Presence) -> None:
    """Say that this process is here and which state it follows; without a directory for it, nobody is told."""
    path = _presence_path(state_file, presence.pid)
    fresh = path.with_suffix(".new")
    with suppress(OSError):
        fresh.write_text(json.dumps(asdict(presence)), encoding="utf-8")
        fresh.replace(path)


def remove_presence(state_file: Path, pid: int) -> None:
    """The process is leaving."""
    with suppress(OSError):
        _presence_path(state_file, pid).unlink()


def read_presences(state_file: Path) -> list[Presence]:
    """The processes of this container that log and are alive; what the dead left behind is removed."""
    found = []
    for path in sorted(state_file.parent.glob("log-process-*.json")):
        with suppress(OSError, ValueError, TypeError):
            presence = Presence(**json.loads(path.read_text(encoding="utf-8")))
            if started_at(presence.pid) == presence.started:
                found.append(presence)
            else:
                path.unlink()
    return found


def started_at(pid: int) -> int | None:
    """When the process *pid* started, in clock ticks since boot; with its id that names a process for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def _presence_path(state_file: Path, pid: int) -> Path:
    return state_file.with_name(f"log-process-{pid}.json")
