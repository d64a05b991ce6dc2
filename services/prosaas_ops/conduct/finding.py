"""One thing that was looked at before a start, and what is to be done about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prosaas_ops.conduct.world import World


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
