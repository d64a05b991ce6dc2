"""`make fuzz MINUTES=60`: each target in turn under Atheris, or hypothesis where there is none.

An input that breaks a promise ends its target's turn and is kept in tests/fuzz/corpus/TARGET, which `make test` runs;
the exit code is then 1.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from hypothesis import HealthCheck, Phase, find, settings

from fuzz.inputs import inputs
from fuzz.running import CORPUS, LONGEST, TARGETS, run, target


def keep(name: str, data: bytes) -> Path:
    """Put a finding where the tests look for it."""
    path = CORPUS / name / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def breaks(name: str, data: bytes) -> bool:
    try:
        run(target(name), data)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {str(error)[:200]}", flush=True)
        keep(name, data)
        return True
    return False


def with_hypothesis(name: str, seconds: float) -> bool:
    """Inputs of known bad shapes, until one breaks something or the time is over."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        chosen = settings(
            max_examples=200, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        try:
            find(inputs(target(name).SEEDS), lambda data: breaks(name, data), settings=chosen)
        except Exception as nothing:
            if type(nothing).__name__ not in ("NoSuchExample", "Unsatisfiable"):
                raise
            continue
        return True
    return False


def with_atheris(name: str, seconds: float) -> bool:
    """Inputs that reach lines which none before them reached, in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(target(name).SEEDS):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        command = [sys.executable, "-m", "fuzz.covered", name, folder, f"-max_total_time={seconds:.0f}"]
        command += [f"-max_len={LONGEST}", f"-artifact_prefix={folder}/found-", "-timeout=10", "-verbosity=0"]
        done = subprocess.run(command, check=False, timeout=seconds + 120)
        found = [path.read_bytes() for path in Path(folder).glob("found-*")]
    for data in found:
        print(f"{name}: {len(data)} bytes kept in {keep(name, data)}", flush=True)
    return done.returncode != 0


def main() -> int:
    """Give each target its share of the time."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    names = options.targets or TARGETS
    share = options.minutes * 60 / len(names)
    ways = [with_hypothesis, *([with_atheris] if find_spec("atheris") else [])]
    broken = []
    for name in names:
        # The same time for each way, and none for a target that is broken already.
        if any(way(name, share / len(ways)) for way in ways):
            broken.append(name)
        print(f"{name}: {'BROKEN' if name in broken else 'holds'}", flush=True)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
