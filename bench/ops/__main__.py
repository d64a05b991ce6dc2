"""`make bench B=ops`: a stack of its own, a day of logs, and a clock at the terminal.

Prints for each promise the median and the worst of its runs, and whether the worst kept it.
"""

import argparse
import os
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.goals import Goal, goals_table, table
from bench.machine import machine
from stack_world.fixtures import remove
from stack_world.stack import Stack, docker, prepare
from stack_world.terminal import typed

# Runs inside the container, as its service does: the lines land in the container's own log.
DAY = """
import sys
out = open("/proc/1/fd/1", "w", buffering=1 << 16)
for number in range({start}, {stop}):
    sid = f"CA{{number // 20:032x}}"
    out.write(f'[INFO] 💬 [TRANSCRIPT] לקוח: "שלום, אני רוצה לתאם פגישה" · call_sid={{sid}}\\n')
"""
_CALL = re.compile(r"CALL=(CA[0-9a-f]{32})")


@dataclass(frozen=True)
class Promise:
    """Something that an operator waits for."""

    what: str
    command: str
    most_seconds: float
    took: list[float]

    def goal(self) -> Goal:
        """Kept when the slowest run kept it."""
        return Goal(
            f"{self.what}, `{self.command}`: worst of {len(self.took)}", max(self.took), self.most_seconds, " s"
        )


def clocked(times: int, act: Callable[[], object]) -> list[float]:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        took.append(time.perf_counter() - started)
    return took


def a_day_of_logs(stack: Stack, lines: int) -> str:
    """Writes the lines with one real call in their middle; its id."""
    half = lines // 2
    stack.execute("prosaas-calls", "python", "-c", DAY.format(start=0, stop=half))
    placed = stack.checkout.run("make", "call", "SPEED=8", check=False)
    stack.execute("prosaas-calls", "python", "-c", DAY.format(start=half, stop=lines))
    found = _CALL.search(placed.out)
    assert found, placed.text
    return found[1]


def first_debug_line(stack: Stack) -> float:
    """From enter to the first DEBUG line of a live call on the screen."""
    call_sid = f"CA{uuid.uuid4().hex}"
    docker(
        "exec", "--detach", stack.container("simulator"), "python", "-m", "simulator", "call", "--call-sid", call_sid
    )
    stack.wait_for_line("prosaas-calls", "CALL_START", call_sid)
    started = time.perf_counter()
    with typed(stack, f"make debug-calls CALL={call_sid}") as terminal:
        terminal.expect(r"\[DEBUG\]")
        took = time.perf_counter() - started
        terminal.sendintr()
    stack.wait_for_line("prosaas-calls", "CALL_END", call_sid, seconds=60)
    return took


def change_one_line(stack: Stack) -> None:
    path = stack.checkout.path / "services/prosaas_calls/server.py"
    path.write_text(path.read_text() + f"# {uuid.uuid4().hex}\n")


def measure(stack: Stack, lines: int, times: int) -> list[Promise]:
    """Every promise, on a stack whose images are built."""
    checkout = stack.checkout

    def up() -> None:
        checkout.run("make", "up-prod", timeout=600)

    def rebuild() -> None:
        change_one_line(stack)
        checkout.compose("build", "--quiet", "prosaas-calls", timeout=600)

    up()
    checkout.run("make", "down")
    promises = [Promise("the stack up and healthy, images built", "make up-prod", 20, clocked(1, up))]
    rebuilt = clocked(times, rebuild)
    promises.append(Promise("an image after a one-line change", "docker compose build prosaas-calls", 10, rebuilt))
    call_sid = a_day_of_logs(stack, lines)
    story = clocked(times, lambda: checkout.run("make", "trace", f"CALL={call_sid}"))
    promises.append(Promise(f"a call's story out of {lines:,} lines", "make trace CALL=", 2, story))
    page = clocked(times, lambda: checkout.run("make", "trace", f"CALL={call_sid}", "OUT=html"))
    promises.append(Promise(f"the same as a page, {lines:,} lines", "make trace CALL= OUT=html", 2, page))
    first = [first_debug_line(stack) for _ in range(times)]
    promises.append(Promise("the first DEBUG line of a live call", "make debug-calls CALL=", 2, first))
    return promises


def main() -> None:
    """Set the stack up, measure, take it down."""
    parser = argparse.ArgumentParser(prog="bench.ops", description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000, help="a day of logs")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    checkout, project = prepare()
    try:
        before = machine()
        promises = measure(Stack(checkout, project), options.lines, options.times)
        print(f"Machine: {before}; at the end load {os.getloadavg()[0]:.1f}.\n")
        rows = ((promise.what, f"{median(promise.took):.2f} s", f"{max(promise.took):.2f} s") for promise in promises)
        print(*table(("an operator waits for", "median", "worst"), rows), sep="\n")
        print()
        print(*goals_table(promise.goal() for promise in promises), sep="\n")
    finally:
        remove(checkout)


if __name__ == "__main__":
    main()
