"""The command line, as `make call` uses it."""

import asyncio
import json
import sys
from pathlib import Path

import simulator
from simulator_world.world import World

SERVICES = Path(simulator.__file__).parents[1]


async def run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        *arguments,
        cwd=SERVICES,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_call_is_placed_and_its_verdict_is_the_exit_status(world: World) -> None:
    """0 and JSON lines when all went well, 1 when the call had problems."""
    status, out, err = await run("call", "--simulator", world.url(""), "--scenario", "short", "--speed", "12", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["ok"] is True

    world.bridge.twiml = ["<Response/>"]
    status, out, _ = await run("call", "--simulator", world.url(""), "--scenario", "short", "--speed", "12")
    assert status == 1
    assert "PROBLEMS: the caller never reached an agent" in out.splitlines()[-1]


async def test_wrong_usage_says_what_is_right(world: World) -> None:
    """Status 2 and one line, for a wrong scenario and for a simulator that is not there."""
    status, _, err = await run("call", "--simulator", world.url(""), "--scenario", "dmeo")
    assert status == 2
    assert "Did you mean demo?" in err
    status, _, err = await run("call", "--simulator", "http://127.0.0.1:1")
    assert status == 2
    assert "no simulator serves at http://127.0.0.1:1" in err
