"""`make bench B=deploy`: ten calls live and a new one each second, while the stack changes in each way there is.

Promised: nobody cut, nobody put off, no webhook failed, the first sound at most a second later than in peace.
"""

import argparse
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.goals import Goal, goals_table, table
from bench.machine import machine
from stack_world.fixtures import remove
from stack_world.stack import Stack, eventually, prepare
from stack_world.traffic import Traffic

_LATER_MS = 1000.0


@dataclass(frozen=True)
class Drill:
    """One way to change the stack, and what the callers had of it."""

    what: str
    took_s: float
    traffic: Traffic
    unrecorded: int

    @property
    def worst_ms(self) -> float:
        return max(self.traffic.first_sound_ms, default=float("inf"))

    def row(self) -> tuple[object, ...]:
        seen, first = self.traffic, self.traffic.first_sound_ms or [0.0]
        return (
            self.what, f"{self.took_s:.0f} s", len(seen.calls), len(seen.cut), len(seen.put_off), len(seen.webhooks),
            len(seen.failed_webhooks), f"{median(first):.0f} ms", f"{max(first):.0f} ms", self.unrecorded,
        )  # fmt: skip


def drill(stack: Stack, what: str, act: Callable[[], object], seconds: float, live: int) -> Drill:
    """The change under traffic, which flows for so long at least."""
    traffic = Traffic(stack, live=live)
    with traffic.flowing():
        started = time.monotonic()
        act()
        took = time.monotonic() - started
        time.sleep(max(0.0, seconds - took))
    return Drill(what, took, traffic, _unrecorded(stack, traffic))


def _unrecorded(stack: Stack, traffic: Traffic) -> int:
    """Calls without a whole record, once those that are saved late are."""
    ids = [call["call_sid"] for call in traffic.calls if "call_sid" in call]
    query = "SELECT count(*) FROM calls WHERE end_reason IN ('customer_hangup', 'agent_hangup') AND call_sid IN ({})"
    psql = ("psql", "--username=prosaas", "-At", "-c", query.format(", ".join(f"'{each}'" for each in ids) or "''"))

    def missing() -> int:
        return len(traffic.calls) - int(stack.execute("postgres", *psql))

    try:
        eventually(lambda: "all" if not missing() else None, "records", 15)
    except AssertionError:
        return missing()
    return 0


def drills(stack: Stack, seconds: float, live: int) -> list[Drill]:
    """Peace first, then each change on what the one before left."""
    checkout = stack.checkout
    entry = checkout.path / "services/prosaas_calls/__main__.py"
    door = checkout.path / "deploy/gateway/Caddyfile"
    whole = entry.read_text()

    def changed() -> None:
        for package in ("prosaas_api", "prosaas_calls", "prosaas_worker"):
            path = checkout.path / f"services/{package}/__init__.py"
            path.write_text(f"{path.read_text()}\n# {uuid.uuid4().hex}\n")
        checkout.run("make", "up-prod", timeout=400)

    def broken() -> None:
        entry.write_text("raise SystemExit('no calls from me')\n")
        checkout.run("make", "up-prod", check=False, timeout=400)
        entry.write_text(whole)

    def front_door() -> None:
        door.write_text(door.read_text().replace("respond 404\n}\n\n{$", "respond 404 {\n\t\tclose\n\t}\n}\n\n{$"))
        checkout.run("make", "up-prod", timeout=400)

    changes: tuple[tuple[str, Callable[[], object]], ...] = (
        ("peace", lambda: None),
        ("`make up-prod`, every image changed", changed),
        ("`make restart-calls LOG_LEVEL=DEBUG`", lambda: checkout.run("make", "restart-calls", "LOG_LEVEL=DEBUG")),
        ("a release that never becomes ready", broken),
        ("a changed front door", front_door),
        ("a rotated `CALL_TOKEN_SECRET`", lambda: checkout.run("make", "rotate-secret", "NAME=CALL_TOKEN_SECRET")),
    )
    return [drill(stack, what, act, seconds, live) for what, act in changes]


def main() -> None:
    """Set the stack up, disturb it, take it down."""
    parser = argparse.ArgumentParser(prog="bench.deploy", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the traffic flows around each change")
    parser.add_argument("--live", type=int, default=10, help="long calls at once")
    options = parser.parse_args()
    checkout, project = prepare()
    try:
        before = machine()
        checkout.run("make", "up-prod", timeout=600)
        done = drills(Stack(checkout, project), options.seconds, options.live)
        load = os.getloadavg()[0]
        print(f"Machine: {before}; at the end load {load:.1f}. {options.live} calls live, one new a second.\n")
        header = (
            "change",
            "took",
            "calls",
            "cut",
            "put off",
            "webhooks",
            "failed",
            "first sound",
            "worst",
            "no record",
        )
        print(*table(header, (each.row() for each in done)), sep="\n")
        peace, *changes = done
        goals = [
            Goal("calls cut, in all", sum(len(each.traffic.cut) for each in changes), 0),
            Goal("callers put off", sum(len(each.traffic.put_off) for each in changes), 0),
            Goal("webhooks failed", sum(len(each.traffic.failed_webhooks) for each in changes), 0),
            Goal("calls without a record", sum(each.unrecorded for each in changes), 0),
            Goal("later than in peace, the worst", max(x.worst_ms for x in changes) - peace.worst_ms, _LATER_MS, " ms"),
        ]
        print()
        print(*goals_table(goals), sep="\n")
    finally:
        remove(checkout)


if __name__ == "__main__":
    main()
