"""What a call costs that writes nothing: guarded, disabled, or kept in a flight recorder.

All in one process and in turns, a millisecond each, so that a busy machine slows all of them alike: each round gives
its own ratio, and of those the median counts.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import loguru
import structlog

from prosaas_logging import bootstrap, get_logger, scope
from prosaas_logging.catalogue import AUDIO_DELTA
from prosaas_logging.policy import apply, in_force

CALLS = 2_000

Timed = Callable[[], None]


def four_fields(call: Callable[..., Any], *leading: object) -> Timed:
    """Many calls with four fields, in a loop of the plainest kind."""

    def run() -> None:
        for number in range(CALLS):
            call(*leading, call_sid="CA123", seq=number, size=320, rms=0.5)

    return run


def two_fields(call: Callable[..., Any], *leading: object) -> Timed:
    """The same with two, as the catalogue's busiest event has."""

    def run() -> None:
        for number in range(CALLS):
            call(*leading, response_id="resp_1", bytes=number)

    return run


def empty_loop() -> None:
    """What the loop itself costs, to be taken off."""
    for _ in range(CALLS):
        pass


def local_flag() -> None:
    """The cheapest guard there is."""
    flag = False
    for _ in range(CALLS):
        if flag:
            raise AssertionError


def guard(log: Any) -> Timed:
    """Ours, on a logger that nobody listens to."""

    def run() -> None:
        for _ in range(CALLS):
            if log.tracing:
                raise AssertionError

    return run


def seconds(timed: Timed) -> float:
    """One run."""
    began = time.perf_counter()
    timed()
    return time.perf_counter() - began


Rounds = dict[str, list[float]]


def measure(cases: dict[str, Timed], times: int) -> Rounds:
    """Nanoseconds a call, for each case and round; the loop's own cost is taken off."""
    results: Rounds = {name: [] for name in cases}
    for _ in range(times):
        loop = seconds(empty_loop)
        for name, case in cases.items():
            results[name].append(max(0.1, (seconds(case) - loop) / CALLS * 1e9))
    return results


def ratio(rounds: Rounds, one: str, other: str) -> float:
    """How many times *other* costs *one*."""
    return statistics.median(a / b for a, b in zip(rounds[one], rounds[other], strict=True))


def main(times: int) -> None:
    """Measure, and leave the results as JSON on the standard error, for standard output belongs to the log."""
    bootstrap("bench", environ={"LOG_LEVEL": "INFO", "LOG_BLACKBOX": "0", "LOG_SWITCH_FILE": "/nonexistent/switch"})
    loguru.logger.remove()
    loguru.logger.add(open(os.devnull, "w"), level="INFO")  # noqa: SIM115
    bound = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(20), processors=[]).bind()
    log = get_logger("bench")

    class Empty:
        def debug(self, text: str, **fields: object) -> None:
            """The floor for this style of call."""

    with scope(call_sid="CA123", business_id="456"):
        recording = measure(
            {
                "empty method": four_fields(Empty().debug, "tick"),
                "structlog disabled": four_fields(bound.debug, "tick"),
                "loguru disabled": four_fields(loguru.logger.debug, "tick"),
                "ours recorded": four_fields(log.debug, "tick"),
                "ours event recorded": four_fields(log.event, AUDIO_DELTA),
                "structlog disabled, 2 fields": two_fields(bound.debug, "tick"),
                "ours event recorded, 2 fields": two_fields(log.event, AUDIO_DELTA),
            },
            times,
        )
        apply(replace(in_force(), ring=0))
        disabled = measure(
            {
                "structlog disabled": four_fields(bound.debug, "tick"),
                "ours disabled": four_fields(log.debug, "tick"),
                "ours event disabled": four_fields(log.event, AUDIO_DELTA),
                "local flag": local_flag,
                "ours guard": guard(log),
            },
            times,
        )

    answer = {
        "ns": {name: round(statistics.median(values), 1) for name, values in (recording | disabled).items()},
        "recorded": ratio(recording, "ours recorded", "structlog disabled"),
        "event recorded": ratio(recording, "ours event recorded", "structlog disabled"),
        "event recorded, 2 fields": ratio(recording, "ours event recorded, 2 fields", "structlog disabled, 2 fields"),
        "disabled": ratio(disabled, "ours disabled", "structlog disabled"),
        "event disabled": ratio(disabled, "ours event disabled", "structlog disabled"),
        "guard": ratio(disabled, "ours guard", "local flag"),
    }
    os.write(2, json.dumps(answer).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
