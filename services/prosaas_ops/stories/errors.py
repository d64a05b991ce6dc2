"""Warnings and errors, grouped: the same trouble is one row, however often and in however many calls it came."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prosaas_logging.trouble import wording
from prosaas_ops.stack.follow import Happening
from prosaas_ops.stack.lines import RANK, Line

_REPEATED = re.compile(r".{0,60}?count=(\d{1,9}), seconds=\d{1,9}, last=(.*)", re.DOTALL)
_LONGEST = 200


@dataclass(slots=True)
class TroubleGroup:
    """One trouble: where and what, how often, from when to when, in which calls, and one case of it."""

    service: str
    event: str
    example: Line
    first: float
    last: float
    count: int = 0
    calls: set[str] = field(default_factory=set)
    # The start, switch or restart just before the first case, where there was one.
    since: str = ""


# What changes a service: a deploy or a restart starts it, a switch makes it say more.
CHANGES = ("SERVICE_START", "WORKER_START", "LOG_LEVEL_CHANGED")


def changes(lines: Iterable[Line]) -> list[Line]:
    """The deploys, restarts and switches among the lines: troubles that begin just after one are its doing."""
    return [line for line in lines if line.event in CHANGES]


# A trouble that begins later after a change is not its doing.
_JUST_SECONDS = 30.0


def group_errors(lines: Iterable[Line], happened: Sequence[Happening] = ()) -> list[TroubleGroup]:
    """The groups of what is WARNING or worse, errors first, then by how often; lines come by time.

    What `happened` to the database's container is before a change of the service itself.
    """
    groups: dict[tuple[str, str, str], TroubleGroup] = {}
    changed: dict[str, tuple[float, str]] = {}
    database = [told for told in happened if told.service == "postgres" and told.what in ("die", "oom", "start")]
    for line in lines:
        if line.event in CHANGES:
            changed[line.service] = line.at, f"{line.event} {line.text[:60]}"
        if RANK[line.level] < RANK["WARNING"]:
            continue
        text, count = line.text, 1
        repeated = _REPEATED.match(text[: _LONGEST * 4]) if line.event == "REPEATED" else None
        if repeated is not None:
            count, text = int(repeated[1]), repeated[2]
        words = wording(text.partition(" · ")[0])
        known = next((key for key in groups if (key[0], key[2]) == (line.service, words)), None)
        key = known if repeated is not None and known else (line.service, line.event, words)
        group = groups.get(key)
        if group is None:
            group = groups[key] = TroubleGroup(line.service, line.event, line, line.at, line.at)
            lately = [told for told in database if 0 <= line.at - told.at <= _JUST_SECONDS]
            at, what = changed.pop(line.service, (0.0, ""))
            if lately:
                group.since = " ".join(f"postgres container {lately[-1].what}, {lately[-1].detail}".split()).rstrip(",")
            elif line.at - at <= _JUST_SECONDS:
                group.since = what
        group.count += count
        group.last = line.at
        if line.call_sid:
            group.calls.add(line.call_sid)
    return sorted(groups.values(), key=lambda group: (-RANK[group.example.level], -group.count))
