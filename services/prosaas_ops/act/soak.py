"""`make soak`: simulated calls for hours at a tenth of capacity, faults now and then, and what drifted meanwhile."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prosaas_ops.options import FINE, NOTHING, Options, Problem
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.records import asked as ask_database
from prosaas_ops.stack.swarm import opened
from prosaas_ops.stack.web import asked
from prosaas_ops.stories import soak
from prosaas_ops.texts import watched as words

if TYPE_CHECKING:
    import asyncpg

OPTIONS = ("HOURS", "CALLS", "SPEED")

SIMULATOR = "http://simulator:9000"
METRICS = {
    "calls": "http://prosaas-calls:5051/metrics",
    "api": "http://prosaas-api:8000/metrics",
    "worker": "http://worker:8001/metrics",
}
# What people do; the faults are what providers do.
SCENARIOS = ("demo", "demo", "short", "reschedule", "book_conflict", "agent_ends", "hello_first", "dtmf")
FAULTS: tuple[dict[str, Any], ...] = (
    {"realtime": {"close_code": 1011, "close_after_ms": 5000, "close_count": 3}},
    {"realtime": {"refuse": 5}},
    {"realtime": {"delay_ms": 3000}},
    {"responses": {"status": 503, "count": 5}},
    {"twilio": {"status": 503, "count": 5}},
)
_FAULT_EVERY_S, _FAULT_LASTS_S = 600.0, 30.0
_LEAST_EVERY_S, _SAMPLES = 5.0, 240
_DEAD = "select coalesce(sum(n_dead_tup), 0)::float from pg_stat_user_tables"


def run(options: Options) -> int:
    seconds = options.decimal("HOURS", 8) * 3600
    count, speed = options.number("CALLS", max(1, _capacity() // 10)), options.decimal("SPEED", 1)
    opened().running("simulator")
    screen, ended = Screen(), Counter[str]()
    screen.say(words.BEGINS(count=count, hours=f"{seconds / 3600:g}"))
    with _calling(count, speed, ended):
        samples = list(_samples(seconds, screen))
    screen.say("", *report(samples, ended, count))
    return FINE if samples else NOTHING


def _capacity() -> int:
    try:
        return int(json.loads(asked(METRICS["calls"].replace("/metrics", "/readyz")))["capacity"])
    except (OSError, ValueError, KeyError):
        raise Problem(str(words.TAKES_NONE)) from None


@contextmanager
def _calling(count: int, speed: float, ended: Counter[str]) -> Iterator[None]:
    """So many callers one after the other, each of whom calls again, and the faults, while the block runs."""
    stop = threading.Event()

    def caller(number: int) -> None:
        chosen = random.Random(number)
        while not stop.wait(chosen.uniform(0, 2)):
            ended[_called(chosen.choice(SCENARIOS), speed)] += 1

    def trouble() -> None:
        chosen = random.Random(0)
        while not stop.wait(_FAULT_EVERY_S - _FAULT_LASTS_S):
            _fault(chosen.choice(FAULTS))
            stop.wait(_FAULT_LASTS_S)
            _fault(None)

    threads = [threading.Thread(target=caller, args=(number,), daemon=True) for number in range(count)]
    threads.append(threading.Thread(target=trouble, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        _fault(None)


def _called(scenario: str, speed: float) -> str:
    """One call from its first ring to its end, and how it went."""
    import http.client

    connection = http.client.HTTPConnection("simulator", 9000, timeout=900)
    try:
        connection.request("POST", "/_/calls", json.dumps({"scenario": scenario, "speed": speed}))
        rows = connection.getresponse().read().splitlines()
        result = json.loads(rows[-1]) if rows else {}
        return "well" if result.get("ok") else "with problems"
    except (OSError, ValueError, http.client.HTTPException):
        return "not placed"
    finally:
        connection.close()


def _fault(wanted: dict[str, Any] | None) -> None:
    try:
        if wanted is None:
            asked(f"{SIMULATOR}/_/faults", method="DELETE")
        else:
            asked(f"{SIMULATOR}/_/faults", json.dumps(wanted).encode())
    except OSError:
        # The next one tries again.
        pass


def _samples(seconds: float, screen: Screen) -> Iterator[soak.Sample]:
    """A look now and then until the time is over, or somebody ends it."""
    every, began = max(_LEAST_EVERY_S, seconds / _SAMPLES), time.monotonic()
    before: dict[str, float] = {}
    try:
        while (at := time.monotonic() - began) < seconds:
            numbers: dict[str, float] = {}
            for service, url in METRICS.items():
                try:
                    now = soak.totals(asked(url))
                except OSError:
                    continue
                numbers |= soak.of_process(service, now)
                if service == "calls":
                    numbers |= soak.of_calls(before, now) if before else {}
                    before = now
            numbers["dead tuples"] = _dead_tuples()
            yield soak.Sample(at, numbers)
            now_at = ", ".join(f"{named(name.partition(', ')[0])} {value:.0f}" for name, value in numbers.items())
            screen.say(screen.dim(words.MINUTES(minutes=f"{at / 60:.0f}", numbers=now_at)))
            time.sleep(every)
    except KeyboardInterrupt:
        return


def _dead_tuples() -> float:
    async def ask(connection: "asyncpg.Connection[Any]") -> float:
        return float(await connection.fetchval(_DEAD))

    return ask_database(ask)


def named(what: str) -> str:
    """What drifted, as the operator reads it: `calls memory` is of a service, `dead tuples` of none."""
    if what in words.WHAT:
        return str(words.WHAT[what])
    service, _, kind = what.partition(" ")
    return f"{service} {words.WHAT[kind]}" if kind in words.WHAT else what


def report(samples: list[soak.Sample], ended: Counter[str], count: int) -> list[str]:
    """The table, as bench/RESULTS.md keeps it."""
    lasted = samples[-1].at_s / 3600 if samples else 0.0
    how = ", ".join(words.ENDED(number=number, how=words.HOW[how]) for how, number in ended.most_common())
    rows = [
        words.IN_ALL(count=count, hours=f"{lasted:.2f}", calls=ended.total(), how=how),
        "",
        str(words.HEAD),
        "|---|---|---|---|",
    ]
    for drift in soak.drifts(samples):
        unit = f" {drift.unit}" if drift.unit else ""
        rows.append(
            f"| {named(drift.what)} | {drift.first:.1f}{unit} | {drift.last:.1f}{unit} | {drift.an_hour:+.1f}{unit} |"
        )
    return rows
