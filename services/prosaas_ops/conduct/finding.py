"""What was looked at before a start, what is to be done about it, and whether it refuses the start."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.generations import Generations
from prosaas_ops.conduct.world import World
from prosaas_ops.options import FINE, PROBLEM, Problem
from prosaas_ops.started import settings
from prosaas_ops.texts import conduct as words
from prosaas_ops.texts import machine


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: well, or what is wrong, how to put it right, and where to read.

    What may go wrong `later` refuses no start, and is told with it.
    """

    topic: str
    text: str
    fix: str = ""
    read: str = ""
    later: bool = False

    @property
    def bad(self) -> bool:
        return bool(self.fix) and not self.later


Check = Callable[[World, str], Iterator[Finding]]


def refuse(findings: list[Finding], *, made_env: bool = False) -> None:
    """A Problem where one of them is bad, all that is wrong told before it, and whether this command made .env."""
    # With what would stop no start: a mistyped name may be why another is missing.
    wrong = [finding for finding in findings if finding.fix]
    if count := sum(finding.bad for finding in wrong):
        # Where the verdict goes, too, so that it comes after them.
        told(wrong, sys.stderr)
        raise problem(
            (words.PROBLEMS_OF_NEW if made_env else words.PROBLEMS)(count=count), str(words.THEN_AGAIN), "make doctor"
        )


def warn_of(world: World, findings: Iterable[Finding]) -> None:
    """What is wrong and refuses nothing: what, what to do, and where to read about it."""
    for finding in findings:
        world.warn(f"{finding.text}; {finding.fix}" + (f"\n  {words.READ} {finding.read}" if finding.read else ""))


def tell_of_news(world: World, *services: str) -> None:
    """What those that run start with and do not run with; where none can say, they begin all the same.

    After a deploy that failed, .env is still what it would have been. What a restart at another level leaves is no more
    than that level, and the next one is there to take it back.
    """
    with suppress(Problem):
        running = {found.service for found in world.containers(*services) if found.state == "running"}
        new = [name for name in Generations(world).changed(*services) if name in running]
        levels = {name: setting for name in new if (setting := _level_alone(world, name))}
        for name, setting in levels.items():
            world.say(words.LEVEL_IS_NEW(service=name, setting=setting))
        if others := [name for name in new if name not in levels]:
            world.warn(words.STARTS_WITH_TODAYS(services=", ".join(others)))


def _level_alone(world: World, service: str) -> str:
    """The setting of its own level that it runs with, where nothing else would be new; else, or unknown, empty."""
    name, before = f"{service.removeprefix('prosaas-').upper()}_LOG_LEVEL", world.overrides
    try:
        level = settings(world.engine, world.engine.running(service)).get(name, "")
        if not level or level == world.setting(name):
            return ""
        # Asked once more, as if the level stayed.
        world.overrides = before | {name: level}
        return "" if Generations(world).changed(service) else f"{name}={level}"
    except Problem:
        return ""
    finally:
        world.overrides = before


def told(findings: list[Finding], file: TextIO | None = None) -> int:
    """A row each, with what to do below it; the exit code that they come to."""
    for finding in findings:
        verdict = machine.BAD if finding.bad else machine.LATER if finding.later else machine.OK
        print(f"{verdict!s:<8} {finding.topic:<10} {finding.text}", file=file, flush=True)
        if finding.fix:
            print(f"{'':20}{machine.FIX}  {finding.fix}\n{'':20}{machine.READ} {finding.read}", file=file, flush=True)
    return PROBLEM if any(finding.bad for finding in findings) else FINE
