"""The console asks every generation, and goes on without one that is gone by now."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prosaas_ops.console.pages import Face
from prosaas_ops.console.world import World
from prosaas_ops.lock import FILE, held
from prosaas_ops.stack.day import Day

NOON = datetime(2024, 1, 25, 12, tzinfo=UTC)

CALL = "CA" + "1" * 32


def test_the_command_that_changes_the_stack_just_now_is_named_as_in_the_status(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world = World(engine)
    assert world.at_work() == ""
    assert "another command" not in Face("en").today(Day(NOON), [], world.at_work())
    with held(FILE, "up-prod"):
        said = Face("en").today(Day(NOON), [], world.at_work())
    assert re.search(r"another command is at work: <bdi>make up-prod, since \d\d:\d\d:\d\d UTC</bdi>", said)


def test_a_generation_that_goes_meanwhile_keeps_nobody_from_a_call_of_another(engine: Any) -> None:
    switched = [{"target": "call", "value": CALL, "level": "DEBUG", "left_s": 420}]
    engine.on_run = lambda service, command: (0, json.dumps({"level": "INFO", "switches": switched}), "")
    engine.gone.add(engine.begin("prosaas-calls").id)
    world = World(engine)
    assert world.debug_left(CALL) == 420
    world.raise_debug(CALL)
    world.lower_debug(CALL)
    assert [command[1:3] for command in engine.executed[1:]] == [
        ("logctl", "level"),
        ("logctl", "reset"),
    ]
