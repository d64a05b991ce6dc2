"""How results are shown: tables, and goals whose verdicts are computed, so that a missed one is printed as missed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What was measured, and the bound it was promised to keep; without a bound it is only shown."""

    what: str
    measured: float
    bound: float | None = None
    unit: str = ""
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        if self.bound is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def row(self) -> tuple[str, str, str, str]:
        """What, measured, goal, and the verdict on the figures as they were, not as they are rounded."""
        goal = "" if self.bound is None else f"{'≥' if self.at_least else '≤'} {_figure(self.bound)}{self.unit}"
        verdict = {True: "yes", False: "**missed**", None: ""}[self.reached]
        return self.what, f"{_figure(self.measured)}{self.unit}", goal, verdict


def _figure(value: float) -> str:
    """Three digits, as far as they say something."""
    return f"{value:.0f}" if abs(value) >= 100 or value % 1 == 0 else f"{value:.3g}"


def table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A Markdown table, line by line."""
    names = [str(name) for name in header]
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def goals_table(goals: Iterable[Goal]) -> Iterator[str]:
    """A row a goal."""
    return table(("goal", "measured", "promised", "reached"), (goal.row() for goal in goals))
