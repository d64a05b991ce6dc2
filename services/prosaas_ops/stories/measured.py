"""What the services wrote of the calls that were placed at one level."""

from collections import Counter
from dataclasses import dataclass, field

from prosaas_ops.stack.lines import Line


@dataclass(slots=True)
class Measured:
    """What all services wrote of the calls of one level."""

    level: str
    lines: list[Line] = field(default_factory=list)
    per_call: list[int] = field(default_factory=list)
    failed: int = 0

    def rows(self, service: str = "") -> int:
        return sum(line.rows for line in self.lines if not service or line.service == service)

    def size(self, service: str = "") -> int:
        return sum(line.size for line in self.lines if not service or line.service == service)

    def by_event(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for line in self.lines:
            counted[line.event or "(free text)"] += line.rows
        return counted


def reduction(before: float, after: float) -> float:
    """By how many per cent `after` is less than `before`."""
    return 100.0 * (before - after) / before if before else 0.0
