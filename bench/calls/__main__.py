"""`make bench B=calls`: the service on one core, callers and model on another.

For each configuration the largest number of calls with p99 frame lateness within 20 ms and the processor time that a
frame costs, beside a bare relay on the same library; then what one call at DEBUG does to the others, and how long a
caller waits for the first sound. The configurations climb together, so that a busy moment meets them all.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from itertools import product

import uvloop

from bench.calls.service import CONFIGURATIONS, Measured, measure, measure_first_audio, measure_switch
from bench.database import database
from bench.goals import Goal, goals_table, table
from bench.machine import machine

LATE_MS = 20.0
LIMIT, PRODUCT, NO_RECORDER, TRACED = "relay, picows", "info", "info, recorder off", "info, traced"
# No model is as near as the first; the second is nearer than any.
HANDSHAKES_MS = (0, 50)
Ladder = dict[str, dict[int, list[Measured]]]


async def climb(names: list[str], steps: list[int], seconds: float, rounds: int) -> Ladder:
    """Each step for each configuration that was on time at all smaller ones, a round after the other."""
    ladder: Ladder = {name: {} for name in names}
    climbing = list(names)
    for calls in steps:
        for name in climbing:
            ladder[name][calls] = []
        for _, name in product(range(rounds), climbing):
            ladder[name][calls].append(await measure(name, calls, seconds))
            print(ladder[name][calls][-1].line(), file=sys.stderr, flush=True)
        climbing = [name for name in climbing if on_time(ladder[name][calls])]
    return ladder


def on_time(measured: list[Measured]) -> bool:
    """Whether at least half of the rounds were."""
    return sum(each.on_time(LATE_MS) for each in measured) * 2 >= len(measured)


def cost(measured: list[Measured]) -> float:
    """Microseconds of a frame pair, in the middle round."""
    return statistics.median(each.us_a_pair for each in measured)


def held(steps: dict[int, list[Measured]]) -> int:
    """The largest number of calls that was on time."""
    return max((calls for calls, measured in steps.items() if on_time(measured)), default=0)


def rows(ladder: Ladder) -> Iterator[tuple[str, ...]]:
    """A row a configuration: what a pair costs and how late it is at each step, in the middle round."""
    steps = sorted({calls for climbed in ladder.values() for calls in climbed})
    yield ("configuration", "calls held", *(f"{calls}: µs, ms" for calls in steps))
    for name, climbed in ladder.items():
        cells = [
            f"{cost(climbed[calls]):.0f}, {statistics.median(each.late_ms for each in climbed[calls]):.1f}"
            if calls in climbed
            else ""
            for calls in steps
        ]
        yield (name, str(held(climbed)), *cells)


def ladder_goals(ladder: Ladder) -> Iterator[Goal]:
    """What the climb was promised to show, at the largest step that both sides of a comparison reached."""
    if PRODUCT in ladder:
        yield Goal("calls held on one core at INFO", held(ladder[PRODUCT]), 150, at_least=True)
    for less, more, what, bound in (
        (LIMIT, PRODUCT, "of the picows relay, processor time at {} calls: relay ÷ service", 0.8),
        (NO_RECORDER, PRODUCT, "recorder off ÷ on, processor time at {} calls", 0.95),
        (PRODUCT, TRACED, "traces off ÷ on, processor time at {} calls", 0.97),
    ):
        both = set(ladder.get(less, ())) & set(ladder.get(more, ()))
        if both:
            calls = max(both)
            pairs = zip(ladder[less][calls], ladder[more][calls], strict=True)
            shares = [one.us_a_pair / other.us_a_pair for one, other in pairs]
            yield Goal.of_rounds(what.format(calls), shares, bound, at_least=True)


async def main(arguments: argparse.Namespace) -> None:
    """Run what was asked for."""
    print(f"Machine: {machine()}.\n")
    goals: list[Goal] = []
    if arguments.calls:
        names = list(CONFIGURATIONS) if arguments.only is None else arguments.only
        ladder = await climb(names, arguments.calls, arguments.seconds, arguments.rounds)
        header, *body = rows(ladder)
        print("Processor time of a frame pair and p99 lateness, by calls at once:\n")
        print(*table(header, body), sep="\n", end="\n\n", flush=True)
        goals += ladder_goals(ladder)
    if arguments.switch:
        added, lines = await measure_switch(arguments.switch, arguments.seconds, arguments.rounds)
        what = f"what one of {arguments.switch} calls at DEBUG ({lines} lines) adds to the others' p99"
        goals.append(Goal.of_rounds(what, added, 1, " ms"))
    for calls, handshake_ms in product(arguments.first_audio, HANDSHAKES_MS):
        p95 = await measure_first_audio(calls, arguments.seconds * 2, handshake_ms)
        what = f"first sound, p95 of {calls} calls, model's handshake {handshake_ms} ms"
        goals.append(Goal(what, p95, 10 if handshake_ms else None, " ms"))
    print(*goals_table(goals), sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.calls", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(CONFIGURATIONS), help="these configurations")
    parser.add_argument("--calls", nargs="*", type=int, default=[100, 150, 200, 250, 300, 350, 400], help="the steps")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each step is measured")
    parser.add_argument("--rounds", type=int, default=3, help="of each step; the middle one counts")
    parser.add_argument("--switch", type=int, default=100, metavar="CALLS", help="one of so many at DEBUG; 0: skip")
    parser.add_argument("--first-audio", nargs="*", type=int, default=[10, 100], metavar="CALLS", help="so many join")
    return parser


if __name__ == "__main__":
    options = _parser().parse_args()
    with database():
        uvloop.run(main(options))
