"""How results are shown: tables, and goals whose verdicts are computed, so that a missed one is printed as missed."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What was measured, and the bound it was promised to keep; without a bound it is only shown."""

    what: str
    measured: float
    bound: float | None = None
    unit: str = ""
    at_least: bool = False
    # What was measured, round by round, where the middle of several counts.
    rounds: Sequence[float] = ()

    @classmethod
    def of_rounds(
        cls, what: str, rounds: Sequence[float], bound: float | None = None, unit: str = "", at_least: bool = False
    ) -> "Goal":
        """The middle of the rounds counts; the others tell how far it can be trusted."""
        return cls(what, statistics.median(rounds), bound, unit, at_least, rounds)

    @property
    def reached(self) -> bool | None:
        if self.bound is None:
            return None
        return self._keeps(self.measured)

    def row(self) -> tuple[str, str, str, str]:
        """What, measured, goal, and the verdict on the figures as they were, not as they are rounded."""
        goal = "" if self.bound is None else f"{'≥' if self.at_least else '≤'} {_figure(self.bound)}{self.unit}"
        verdict = {True: "yes", False: "**missed**", None: ""}[self.reached]
        if self.reached is not None and any(self._keeps(each) is not self.reached for each in self.rounds):
            verdict += ", not in every round"
        return self.what, f"{_figure(self.measured)}{self.unit}{self._spread()}", goal, verdict

    def _keeps(self, measured: float) -> bool:
        assert self.bound is not None
        return measured >= self.bound if self.at_least else measured <= self.bound

    def _spread(self) -> str:
        if len(self.rounds) < 2:
            return ""
        return f" ({_figure(min(self.rounds))} to {_figure(max(self.rounds))})"


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
