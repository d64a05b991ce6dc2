"""`make bench B=logging`: all of the logging core's measurements against its goals."""

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bench.goals import Goal, goals_table, table
from bench.logging import follow, lines, memory, stall
from bench.machine import machine

SMALL = f"ours, {stall.SMALL_BUFFER // 1024} KiB buffer"
PATIENCE_S = 6.0


def calls_that_write_nothing(options: argparse.Namespace) -> Iterator[str]:
    """The guard, a disabled call, a recorded one."""
    command = [sys.executable, "-m", "bench.logging.calls", str(options.call_rounds)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    answer = json.loads(done.stderr)
    yield from goals_table(
        Goal(what, answer[name], bound)
        for name, what, bound in (
            ("recorded", "`debug` kept in the ring ÷ structlog's disabled bound `debug`, 4 fields", 1.75),
            ("event recorded", "an event kept in the ring ÷ the same, 4 fields", 1.75),
            ("event recorded, 2 fields", "an event kept in the ring ÷ the same, 2 fields", 1.75),
            ("disabled", "disabled `debug` ÷ structlog's", 1.5),
            ("event disabled", "disabled event ÷ structlog's", 1.5),
            ("guard", "`if log.tracing` ÷ a local `if flag`", 3.0),
        )
    )
    yield ""
    yield "Nanoseconds: " + ", ".join(f"{name} {value:.0f}" for name, value in answer["ns"].items()) + "."


def written_lines(options: argparse.Namespace) -> Iterator[str]:
    """A line of JSON until it is in the pipe."""
    results = lines.measure(options.line_rounds)
    mine, limit = results["ours"], results["raw orjson + os.write"]
    header = ("a written line", "fastest round, µs", "÷ raw", "÷ ours", "median, µs", "÷ raw", "CPU, µs")
    yield from table(
        header,
        (
            (
                name,
                f"{result['fastest']:.1f}",
                f"{result['fastest'] / limit['fastest']:.2f}",
                f"{result['fastest'] / mine['fastest']:.2f}",
                f"{result['wall']:.1f}",
                f"{result['ratio']:.2f}",
                f"{result['cpu']:.1f}",
            )
            for name, result in results.items()
        ),
    )
    yield ""
    faster = {name: result["fastest"] / mine["fastest"] for name, result in results.items()}
    goals = [
        Goal("a line ÷ raw orjson + os.write, fastest rounds", mine["fastest"] / limit["fastest"], 3),
        Goal("structlog's ÷ ours", faster["structlog, bytes + orjson"], 1.5, at_least=True),
        Goal("structlog's that redacts, too ÷ ours", faster["structlog, redacting"], 1.5, at_least=True),
        Goal("python-json-logger's ÷ ours", faster["python-json-logger"], 5, at_least=True),
    ]
    yield from goals_table(goals)


def a_stalled_reader(options: argparse.Namespace) -> Iterator[str]:
    """Nobody reads for three seconds; nobody ever reads."""
    cases: list[tuple[str, str, dict[str, str]]] = [(name, name, {}) for name in options.contenders]
    cases.append((SMALL, "ours", {"LOG_BUFFER": str(stall.SMALL_BUFFER)}))
    rounds: dict[str, list[dict[str, Any]]] = {title: [] for title, _, _ in cases}
    for _ in range(options.stall_rounds):
        for title, name, environ in cases:
            rounds[title].append(stall.stalled(name, **environ))
    results = {title: _together(each) for title, each in rounds.items()}
    header = ("stalled 3 s, 5 lines a tick", "p99 ms late", "max ms", "lines", "written", "warnings", "reported lost")
    yield from table(
        header,
        (
            (
                title,
                f"{result['p99']:.1f}",
                f"{result['max']:.1f}",
                result["lines"],
                result["written"],
                f"{result['warnings']} of {result['lines'] // 5}",
                result["reported"],
            )
            for title, result in results.items()
        ),
    )
    yield ""
    small = results[SMALL]
    ends = {name: stall.seconds_to_end(name, PATIENCE_S) for name in options.contenders}
    unaccounted = sum(abs(each["lines"] - each["written"] - each["reported"]) for each in rounds[SMALL])
    goals = [
        Goal.of_rounds("a tick late, p99", [each["p99"] for each in rounds["ours"]], 5, " ms"),
        Goal("warnings lost, small buffer", small["lines"] // 5 - small["warnings"], 0),
        Goal("lines neither written nor reported lost, small buffer", unaccounted, 0),
        Goal("SIGTERM to the end, nobody ever reads", ends["ours"], 2, " s"),
    ]
    yield from goals_table(goals)
    yield ""
    yield "SIGTERM to the end: " + ", ".join(f"{name} {_ended(took)}" for name, took in ends.items()) + "."


def _together(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The middle p99, for one round's is the third latest of 300 ticks; the latest tick of all; and all lines."""
    counted = {name: sum(each[name] for each in rounds) for name in ("lines", "written", "warnings", "reported")}
    late = [each["p99"] for each in rounds]
    return {"p99": statistics.median(late), "max": max(each["max"] for each in rounds), **counted}


def _ended(seconds: float) -> str:
    return f"> {PATIENCE_S:.0f} s, killed" if math.isinf(seconds) else f"{seconds:.1f} s"


def memory_of_rings(options: argparse.Namespace) -> Iterator[str]:
    """What a hundred full rings hold."""
    answer = memory.measure()
    goals = [
        Goal("bytes a record of 5 fields, rings of 100 calls × 500 records", answer["record"], 450),
        Goal("the same altogether", answer["total"], 25, " MiB"),
    ]
    yield from goals_table(goals)


def scopes_that_follow(_options: argparse.Namespace) -> Iterator[str]:
    """A thread and a submit that carry the scope."""
    results = follow.measure()
    header = ("processor time, median", "a thread, started and joined, µs", "a submit and its result, µs")
    yield from table(header, ((way, f"{cost['thread']:.1f}", f"{cost['submit']:.1f}") for way, cost in results.items()))


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "calls": calls_that_write_nothing,
    "lines": written_lines,
    "stall": a_stalled_reader,
    "memory": memory_of_rings,
    "follow": scopes_that_follow,
}


def main() -> None:
    """One run of what was asked for."""
    parser = argparse.ArgumentParser(prog="bench.logging", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--call-rounds", type=int, default=400, help="of the calls that write nothing")
    parser.add_argument("--line-rounds", type=int, default=lines.ROUNDS, help="of the written lines")
    parser.add_argument("--stall-rounds", type=int, default=3, help="with a stalled reader; the middle one counts")
    parser.add_argument("--contenders", nargs="+", choices=stall.CONTENDERS, default=stall.CONTENDERS)
    options = parser.parse_args()
    print(f"Machine: {machine()}.")
    for part in options.parts:
        print()
        for row in PARTS[part](options):
            print(row, flush=True)


if __name__ == "__main__":
    main()
