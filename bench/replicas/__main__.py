"""`make bench B=replicas`: one, two and three replicas of prosaas-calls behind the gateway, on equally many calls.

The replicas have one core together, the gateway the other one beside the callers: what a frame costs in each is what is
measured. How much more several cores carry a machine of two cannot say.
"""

import argparse
import math
import statistics
import sys

import uvloop

from bench.database import database
from bench.goals import Goal, goals_table, table
from bench.machine import machine
from bench.replicas.behind import Behind, measure

HEADER = ("configuration", "service: µs a frame pair", "gateway: µs a frame pair", "p99 lateness, ms", "errors")


async def main(arguments: argparse.Namespace) -> None:
    """Each configuration in each round, in turns; the middle round counts."""
    print(f"Machine: {machine()}.\n")
    # Without a gateway first: what the others are measured against.
    configurations = [(1, False), *((replicas, True) for replicas in arguments.replicas)]
    measured: dict[str, list[Behind]] = {}
    for _ in range(arguments.rounds):
        for replicas, gateway in configurations:
            one = await measure(replicas, arguments.calls, arguments.seconds, gateway=gateway)
            measured.setdefault(one.name, []).append(one)
            print(*one.row(), sep="  ", file=sys.stderr, flush=True)
    middle = {name: _middle(rounds) for name, rounds in measured.items()}
    print(f"{arguments.calls} calls over all replicas together:\n")
    print(*table(HEADER, (one.row() for one in middle.values())), sep="\n", end="\n\n")
    print(*goals_table(_shares(middle)), sep="\n")


def _middle(rounds: list[Behind]) -> Behind:
    """The round whose frames cost as much as those of the middle one."""
    return sorted(rounds, key=lambda one: one.service_us + one.gateway_us)[(len(rounds) - 1) // 2]


def _shares(middle: dict[str, Behind]) -> list[Goal]:
    behind = [one for one in middle.values() if one.gateway]
    # A moment is too short for the kernel's clock: then there is nothing to compare with.
    share = statistics.median(one.gateway_us / (one.service_us or math.nan) for one in behind)
    return [
        Goal("gateway ÷ service, processor time of a frame pair", share),
        Goal("processor time of a call in the gateway, of one core", behind[0].share_of_a_core * 100, unit=" %"),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.replicas", description=__doc__)
    parser.add_argument("--replicas", nargs="+", type=int, default=[1, 2, 3], help="so many behind the gateway")
    parser.add_argument("--calls", type=int, default=120, help="at once, over all replicas")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each is measured")
    parser.add_argument("--rounds", type=int, default=3, help="of each; the middle one counts")
    return parser


if __name__ == "__main__":
    options = _parser().parse_args()
    with database():
        uvloop.run(main(options))
