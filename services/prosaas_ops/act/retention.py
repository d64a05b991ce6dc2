"""`make retention`: how long people are kept and how much of them there is; what is old in files goes.

On one machine that is this folder's: the worker sweeps its volumes every day. On a Swarm a worker sweeps its own node's
alone, and this the volumes of every node.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prosaas_core.privacy.places import DAYS, MOST_DAYS, RULES, are_days
from prosaas_core.privacy.statements import kept
from prosaas_ops.conduct.world import World
from prosaas_ops.masks import settings_in
from prosaas_ops.options import FINE, PROBLEM, Options, Problem, complain
from prosaas_ops.screen.terminal import Screen, table
from prosaas_ops.stack import left
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.records import asked
from prosaas_ops.stack.swarm import SwarmEngine, opened
from prosaas_ops.texts import people as words

if TYPE_CHECKING:
    import asyncpg

OPTIONS = ()


def run(options: Options) -> int:
    screen, env = Screen(), settings_in(Path(".env"), os.environ)

    def setting(name: str) -> str:
        return os.environ.get(name) or env.get(name, "")

    async def ask(connection: "asyncpg.Connection[Any]") -> list[Any]:
        return [await connection.fetchrow(kept(place, rule)) for place, rule in RULES]

    rows = [tuple(map(str, words.HEAD))]
    for (_, rule), (count, oldest) in zip(RULES, asked(ask), strict=True):
        moment = f"{oldest:%Y-%m-%d %H:%M}" if oldest else "-"
        name = rule.setting.upper()
        rows.append((str(words.KEPT[rule.kept]), _spoken(days(setting, name)), str(count), moment, name))
    screen.say(*table(rows, right=frozenset({2})))
    captures, lines = days(setting, "KEEP_CAPTURES_DAYS"), days(setting, "KEEP_LINES_DAYS")
    refused: list[OSError] = []
    removed = left.sweep_old(Path(), captures, lines, refused)
    screen.say(words.SWEPT(removed=removed), screen.dim(str(words.WORKER_SWEEPS)))
    for error in refused:
        complain(words.NOT_REMOVED(why=error))
    engine = opened()
    if isinstance(engine, SwarmEngine):
        names = ("KEEP_TRANSCRIPTS_DAYS", "KEEP_BLACKBOX_DAYS")
        for row in _swept(engine, {name: str(days(setting, name)) for name in names}):
            screen.say(row)
    return PROBLEM if refused else FINE


def sweep(world: World) -> None:
    """What is old of files goes with every command; what keeps it is only told, for what was asked for is done."""
    try:
        captures, lines = days(world.setting, "KEEP_CAPTURES_DAYS"), days(world.setting, "KEEP_LINES_DAYS")
    except Problem as why:
        world.warn(str(why))
        return
    refused: list[OSError] = []
    left.sweep_old(world.root, captures, lines, refused)
    for error in refused:
        world.warn(words.NOT_REMOVED(why=error))


def _swept(engine: Engine, keep: dict[str, str]) -> Iterator[str]:
    told = engine.everywhere("worker", "python", "-m", "prosaas_core.privacy.files", "sweep", **keep)
    for node, (code, out, _) in sorted(told.items()):
        if code == 0:
            yield words.SWEPT_ON(node=node, removed=json.loads(out)["removed"])
    # Last: what one node refuses hides no other.
    for node, (code, _, err) in sorted(told.items()):
        if code:
            raise Problem(words.NOT_REMOVED(why=f"{node}: {err.strip().rpartition(chr(10))[2] or code}"))


def days(setting: Callable[[str], str], name: str) -> int:
    """The days for which it is kept, nought for ever."""
    value = setting(name) or str(DAYS[name.lower()])
    if not are_days(value):
        raise Problem(words.NO_DAYS(name=name, value=value, most=MOST_DAYS))
    return int(value)


def _spoken(number: int) -> str:
    return words.DAYS(days=number) if number else str(words.EVER)
