"""What it costs that a scope follows the work: a thread that is started, a submit to a pool, beside others' ways.

Who is not installed is left out: opentelemetry-instrumentation-threading and sentry-sdk are in no requirements of ours.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

ROUNDS, TIMES = 5, 1000


def plain() -> None:
    """Threads as they are."""


def ours() -> None:
    """This project's, in a scope."""
    from prosaas_logging import bootstrap, scope

    bootstrap("bench", environ={"LOG_SWITCH_FILE": "/nonexistent/switch", "LOG_BLACKBOX": "0"})
    scope(kind="call", call_sid="CA1").__enter__()


def opentelemetry() -> None:
    """Its threading instrumentation, in a span's context."""
    importlib.import_module("opentelemetry.instrumentation.threading").ThreadingInstrumentor().instrument()
    context = importlib.import_module("opentelemetry.context")
    context.attach(context.set_value("call", "CA1"))


def sentry() -> None:
    """Its threading integration, which comes with init."""
    sdk = importlib.import_module("sentry_sdk")
    sdk.init(dsn="http://key@127.0.0.1:1/1", default_integrations=True)
    sdk.set_tag("call", "CA1")


WAYS: dict[str, Callable[[], None]] = {"plain": plain, "ours": ours, "OpenTelemetry": opentelemetry, "Sentry": sentry}


def _work() -> None:
    pass


def _thread() -> None:
    thread = threading.Thread(target=_work)
    thread.start()
    thread.join()


def once(way: str) -> None:
    """In a process of its own: microseconds of a thread, started and joined, and of a submit with its result."""
    try:
        WAYS[way]()
    except ImportError:
        return
    with ThreadPoolExecutor(1) as pool:
        told = {
            "thread": _microseconds(_thread, TIMES // 4),
            "submit": _microseconds(lambda: pool.submit(_work).result(), TIMES),
        }
    os.write(2, json.dumps(told).encode())


def _microseconds(act: Callable[[], object], times: int) -> float:
    for _ in range(times // 4):
        act()
    began = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - began) / times * 1e6


def measure(rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """For each way the median of its rounds, all in turns: processor time of a thread and of a submit, in µs."""
    told: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            command = [sys.executable, "-m", "bench.logging.follow", way]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
            if done.stderr:
                told[way].append(json.loads(done.stderr.splitlines()[-1]))
    return {
        way: {what: median(each[what] for each in some) for what in ("thread", "submit")}
        for way, some in told.items()
        if some
    }


if __name__ == "__main__":
    once(sys.argv[1])
