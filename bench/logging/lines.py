"""What a written line costs, until it is in the pipe: everybody in a process of their own, in turns."""

import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack

from bench.logging.contestants import CONTESTANTS

ROUNDS = 60
LINES = 500


class Runner:
    """One contestant's process, its lines drained by another."""

    def __init__(self, name: str) -> None:
        self._drain = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.logging.contestants", name],
            stdin=subprocess.PIPE,
            stdout=self._drain.stdin,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def microseconds(self, lines: int) -> tuple[float, float]:
        """A line's wall time and CPU time in one run of *lines*."""
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        self._process.stdin.write(b"%d\n" % lines)
        self._process.stdin.flush()
        answer = json.loads(self._process.stderr.readline())
        return answer["wall"] / lines * 1e6, answer["cpu"] / lines * 1e6

    def close(self) -> None:
        """End both processes."""
        assert self._process.stdin is not None
        assert self._drain.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._drain.stdin.close()
        self._drain.wait()


def measure(rounds: int = ROUNDS, lines: int = LINES) -> dict[str, dict[str, float]]:
    """For each contestant: microseconds a line, in the middle and in the fastest round, and its processor time.

    On a machine that does other work, too, the fastest round is the one that was disturbed least.
    """
    with ExitStack() as stack:
        runners = {}
        for name in [name for name in CONTESTANTS if name != "nothing"]:
            runners[name] = Runner(name)
            stack.callback(runners[name].close)
        for runner in runners.values():
            runner.microseconds(lines // 4)
        walls: dict[str, list[float]] = {name: [] for name in runners}
        cpus: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(rounds):
            for name, runner in runners.items():
                wall, cpu = runner.microseconds(lines)
                walls[name].append(wall)
                cpus[name].append(cpu)
    limit = walls["raw orjson + os.write"]
    return {
        name: {
            "wall": statistics.median(walls[name]),
            "cpu": statistics.median(cpus[name]),
            "ratio": statistics.median(a / b for a, b in zip(walls[name], limit, strict=True)),
            "fastest": min(walls[name]),
        }
        for name in runners
    }


if __name__ == "__main__":
    for name, result in measure().items():
        print(f"{name:28} {result['wall']:7.2f} µs, fastest {result['fastest']:7.2f} µs, CPU {result['cpu']:7.2f} µs")
