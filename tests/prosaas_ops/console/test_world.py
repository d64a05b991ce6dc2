"""The console asks every generation, and goes on without one that is gone by now."""

import json
from typing import Any

from prosaas_ops.console.world import World

CALL = "CA" + "1" * 32


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
