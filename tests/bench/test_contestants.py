"""Who is measured beside our log does the same work: the same line, a write for each or not."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bench.logging.contestants import CONTESTANTS, SAME

# Each calls them as it likes.
NAMES = {"event": "message", "level": "severity", "levelname": "severity"}


def lines(name: str) -> list[dict[str, Any]]:
    """Two lines of a contestant, as it is measured."""
    command = [sys.executable, "-m", "bench.logging.contestants", name]
    environ = {"PYTHONPATH": "services:.", "LOG_BLACKBOX": "0"}
    done = subprocess.run(
        command, input=b"2\n", cwd=Path(__file__).parents[2], env=environ, capture_output=True, check=True
    )
    return [json.loads(row) for row in done.stdout.splitlines()]


@pytest.mark.parametrize("name", sorted(CONTESTANTS.keys() - {"nothing", "ours, human"}))
def test_every_contestant_writes_the_same_line(name: str) -> None:
    """When, how grave and what, from whom, and the five fields, of which no two lines have the same."""
    found = lines(name)
    for number, row in enumerate(found):
        said = {NAMES.get(key, key): value for key, value in row.items()}
        assert datetime.fromisoformat(said.pop("timestamp")).tzinfo is not None
        assert said.pop("severity").upper() == "INFO"
        assert said.pop("call_sid").startswith("CA")
        assert said.pop("response_id").startswith("resp_")
        own = {"message": f"response {number} sent", "seq": number, "ms": 12.5, "status": "completed"}
        assert said == {**SAME, **own}
    assert found[0]["call_sid"] != found[1]["call_sid"]
