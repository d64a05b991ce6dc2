"""`make retention`: how long people are kept and how much of them there is; what is old on this machine goes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prosaas_core.privacy.places import DAYS, RULES, kept
from prosaas_ops.masks import settings_in
from prosaas_ops.options import FINE, PROBLEM, Options, Problem, complain
from prosaas_ops.screen.terminal import Screen, table
from prosaas_ops.stack import left
from prosaas_ops.stack.records import asked
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
    return PROBLEM if refused else FINE


def days(setting: Callable[[str], str], name: str) -> int:
    """The days for which it is kept, nought for ever."""
    value = setting(name) or str(DAYS[name.lower()])
    if not (value.isascii() and value.isdigit() and int(value) <= 36_500):
        raise Problem(words.NO_DAYS(name=name, value=value))
    return int(value)


def _spoken(number: int) -> str:
    return words.DAYS(days=number) if number else str(words.EVER)
