"""Programs that log, run as processes of their own, and a gate that every test leaves as it found it."""

import os
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prosaas_logging.policy import apply, in_force

SERVICES = Path(__file__).parents[2] / "services"

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _same_gate_afterwards() -> Iterator[None]:
    former = in_force()
    yield
    apply(former)


@pytest.fixture
def program_environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a program under test: nothing of this machine's own settings, files under tmp_path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOG_", "PROSAAS_"))}
    return {
        **kept,
        "PYTHONPATH": str(SERVICES),
        "PYTHONUNBUFFERED": "1",
        "LOG_SWITCH_FILE": str(tmp_path / "run" / "log-switch.json"),
        "LOG_BLACKBOX": str(tmp_path / "blackbox"),
    }


@pytest.fixture
def start_program(program_environ: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start Python source as a process with pipes; whatever still runs at the end of the test is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(source: str, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(source), *arguments],
            env={**program_environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def run_program(program_environ: dict[str, str]) -> Program:
    """Run Python source to its end and return what it wrote."""

    def run(source: str, *arguments: str, timeout: float = 60, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source), *arguments],
            env={**program_environ, **environ},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


def grown(work: Callable[[int], object], times: int) -> int:
    """Bytes that Python holds more after *work* was done so many times."""
    work(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1, times):
            work(number)
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
