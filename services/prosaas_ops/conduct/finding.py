"""What was looked at before a start, what is to be done about it, and whether it refuses the start."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from prosaas_ops.conduct.files import problem
from prosaas_ops.conduct.world import World
from prosaas_ops.options import FINE, PROBLEM
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


def told(findings: list[Finding], file: TextIO | None = None) -> int:
    """A row each, with what to do below it; the exit code that they come to."""
    for finding in findings:
        verdict = machine.BAD if finding.bad else machine.LATER if finding.later else machine.OK
        print(f"{verdict!s:<8} {finding.topic:<10} {finding.text}", file=file, flush=True)
        if finding.fix:
            print(f"{'':20}{machine.FIX}  {finding.fix}\n{'':20}{machine.READ} {finding.read}", file=file, flush=True)
    return PROBLEM if any(finding.bad for finding in findings) else FINE
