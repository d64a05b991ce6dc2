"""`PYTHONPATH=services python -m bench.calls`: the service on one core, callers and model on another.

Prints, for each configuration, the largest number of calls with p99 frame lateness within 20 ms and the processor time
that a frame costs, beside a bare relay; then what one call at DEBUG does to the others, and how long a caller waits for
the first sound. DATABASE_URL may name an empty database, which the first sound then includes.
"""

import argparse
import json
import sys
from itertools import product
from typing import Any

import uvloop

from bench.calls.service import CONFIGURATIONS, Measured, measure, measure_first_audio, measure_switch

LATE_MS = 20.0
# No model is as near as the first; the second is nearer than any.
HANDSHAKES_MS = (0, 50)


async def ladder(name: str, steps: list[int], seconds: float) -> list[Measured]:
    """Climb until the frames come late."""
    climbed: list[Measured] = []
    for calls in steps:
        measured = await measure(name, calls, seconds)
        climbed.append(measured)
        print(measured.line(), flush=True)
        if not measured.on_time(LATE_MS):
            break
    return climbed


async def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run what was asked for."""
    report: dict[str, Any] = {}
    for name in CONFIGURATIONS if arguments.only is None else arguments.only:
        climbed = await ladder(name, arguments.calls, arguments.seconds)
        report[name] = {
            "held": max((each.calls for each in climbed if each.on_time(LATE_MS)), default=0),
            "us_a_frame": {each.calls: each.us_a_frame for each in climbed},
        }
    if arguments.switch:
        report["switch"] = await measure_switch(arguments.switch, arguments.seconds)
        print(json.dumps(report["switch"]), flush=True)
    report["first_audio"] = []
    for calls, handshake_ms in product(arguments.first_audio, HANDSHAKES_MS):
        report["first_audio"].append(await measure_first_audio(calls, arguments.seconds * 2, handshake_ms))
        print(json.dumps(report["first_audio"][-1]), flush=True)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.calls", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(CONFIGURATIONS), help="these configurations")
    parser.add_argument("--calls", nargs="+", type=int, default=[100, 150, 200, 250, 300, 350, 400], help="the steps")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long each step is measured")
    parser.add_argument("--switch", type=int, default=100, metavar="CALLS", help="one of so many at DEBUG; 0: skip")
    parser.add_argument("--first-audio", nargs="*", type=int, default=[10, 100], metavar="CALLS", help="so many join")
    return parser


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(_parser().parse_args())), indent=2))
    sys.exit(0)
