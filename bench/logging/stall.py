"""Standard output that nobody reads for three seconds: how late a 20 ms tick becomes, and what is lost."""

import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import time
from typing import Any

from bench.logging.contestants import CONTESTANTS

CONTENDERS = ["nothing", "ours", "structlog, bytes + orjson", "stdlib QueueHandler", "loguru, enqueue"]
STALL_SECONDS = 3.0
SECONDS = 6.0
TICK = 0.02
# Three seconds of it are 2 MiB: more than a small buffer and a pipe take, which ours widens to 1 MiB where the kernel
# lets it; and a fifth of it, which are warnings, is less than that buffer alone.
SMALL_BUFFER = 512 * 1024
_PADDING = "x" * 2600
# No two ticks share their words: of warnings that differ in numbers alone, ours writes one and counts the others.
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_TOTAL = re.compile(r'"total":(\d+)')


def tick(name: str) -> None:
    """Five lines every 20 ms, one of them a warning; what became of the ticks goes to standard error."""
    say, finish = CONTESTANTS[name]()
    lateness: list[float] = []
    lines = 0
    began = time.perf_counter()
    for number in range(int(SECONDS / TICK)):
        due = began + number * TICK
        time.sleep(max(0.0, due - time.perf_counter()))
        lateness.append(time.perf_counter() - due)
        for line in range(5):
            say(
                "WARNING" if line == 4 else "INFO",
                f"tick {str(number).translate(_LETTERS)}",
                padding=_PADDING,
                seq=number * 5 + line,
                id=f"n{number}-{line}",
            )
            lines += 1
    finish()
    lateness.sort()
    answer = {"p99": lateness[int(len(lateness) * 0.99)] * 1000, "max": lateness[-1] * 1000, "lines": lines}
    os.write(2, json.dumps(answer).encode() + b"\n")


def start(name: str, mode: str, **environ: str) -> subprocess.Popen[bytes]:
    """A contestant in a process of its own, which nobody reads yet."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench.logging.stall", mode, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "LOG_BLACKBOX": "0", **environ},
    )


def stalled(name: str, **environ: str) -> dict[str, Any]:
    """The lateness of the ticks, and what came through and what did not."""
    process = start(name, "tick", **environ)
    assert process.stdout is not None
    assert process.stderr is not None
    # From its first line on: on a busy machine it takes a while to begin.
    select.select([process.stdout], [], [], 30)
    time.sleep(STALL_SECONDS)
    rows = process.stdout.read().decode().splitlines()
    answer: dict[str, Any] = json.loads(process.stderr.read().splitlines()[-1])
    process.wait()
    answer["written"] = sum('"tick ' in row for row in rows)
    answer["warnings"] = sum('"tick ' in row and '"WARNING"' in row.upper() for row in rows)
    answer["reported"] = sum(int(match[1]) for row in rows if "LOG_DROPPED" in row and (match := _TOTAL.search(row)))
    return answer


def fill(name: str) -> None:
    """More than a pipe takes, and then nothing, in a program that ends in an orderly way."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    say, _ = CONTESTANTS[name]()
    os.write(2, b"filling\n")
    for number in range(5_000):
        say("INFO", "filled", padding="x" * 200, seq=number)
    time.sleep(600)


def seconds_to_end(name: str, patience: float) -> float:
    """From SIGTERM to the end, with a reader that never comes; endless if it had to be killed after *patience*."""
    process = start(name, "fill")
    assert process.stderr is not None
    process.stderr.readline()
    time.sleep(2)
    began = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return math.inf
    return time.perf_counter() - began


if __name__ == "__main__":
    {"tick": tick, "fill": fill}[sys.argv[1]](sys.argv[2])
