"""What every target owes: it returns, in time, whatever it is given."""

import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

TARGETS = tuple(sorted(path.stem for path in (Path(__file__).parent / "targets").glob("[a-z]*.py")))
CORPUS = Path(__file__).parent / "corpus"
LONGEST = 64 * 1024
CPU_S = 0.05


class TooSlow(AssertionError):
    """An input held its thread for longer than a call can wait."""


def target(name: str) -> ModuleType:
    return import_module(f"fuzz.targets.{name}")


def run(module: ModuleType, data: bytes) -> None:
    """Check one input. The processor time of the fastest of three runs counts: any may be disturbed.

    A target that no call waits for says itself how long it may take.
    """
    limit = getattr(module, "CPU_S", CPU_S)
    took = _cpu_s(module, data)
    for _ in range(2):
        if took <= limit:
            return
        took = min(took, _cpu_s(module, data))
    if took > limit:
        raise TooSlow(f"{took * 1000:.0f} ms of processor time for {len(data)} bytes that begin with {data[:60]!r}")


def _cpu_s(module: ModuleType, data: bytes) -> float:
    began = time.thread_time()
    module.check(data)
    return time.thread_time() - began


def kept(name: str) -> list[bytes]:
    """What was found once, and must not come back."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
