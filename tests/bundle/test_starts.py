"""What each service leaves undone while it starts, so that it answers soon after."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bundle_world.checkout import ROOT

SERVICES = ("prosaas_api", "prosaas_calls", "prosaas_worker")
# What migrations, an address for traces, a command line or a request alone need.
LATER = {"alembic", "mako", "openai", "opentelemetry.sdk", "requests", "simulator", "typer"}
# The last moment before the interpreter's own end, which looks for garbage too.
LOOK = """
import atexit, gc, json, runpy, sys
def look():
    full = gc.get_stats()[2]["collections"]
    seen = {"full": full, "on": gc.isenabled(), "kept": gc.get_freeze_count(), "has": [*sys.modules]}
    open(sys.argv[1], "w").write(json.dumps(seen))
atexit.register(look)
runpy.run_module(sys.argv[2], run_name="__main__")
"""


def started(service: str, folder: Path) -> dict[str, Any]:
    """What was there when the service ended for want of settings, everything imported."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(folder / "seen.json"), service],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "services")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return seen


@pytest.mark.parametrize("service", SERVICES)
def test_a_start_looks_for_no_garbage_among_what_it_imports_and_imports_nothing_for_later(
    service: str, tmp_path: Path
) -> None:
    """From then on garbage is looked for, and never among what was imported."""
    seen = started(service, tmp_path)
    assert seen["full"] == 0
    assert seen["on"]
    assert seen["kept"] > 100_000
    assert LATER & set(seen["has"]) == set()
