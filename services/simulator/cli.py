"""The command line: serve the stand-ins, place a call, or put load on a service."""

import argparse
import asyncio
import sys
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from simulator.app import make_app
from simulator.settings import Settings, load


def main(argv: list[str] | None = None) -> int:
    """Run a command; return its exit status (0 fine, 1 the call had problems, 2 wrong usage)."""
    arguments = _parser().parse_args(argv)
    settings = load()
    if arguments.command == "serve":
        settings = replace(settings, port=arguments.port or settings.port)
        web.run_app(make_app(settings), port=settings.port, access_log=None, print=None)
        return 0
    return asyncio.run(_call(arguments, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the stand-ins and the control interface")
    serve.add_argument("--port", type=int)
    call = commands.add_parser("call", help="place simulated calls through a serving simulator")
    call.add_argument("--scenario", default="demo")
    call.add_argument("--speed", type=float, default=1.0, help="so many times faster than real time (audio time)")
    call.add_argument("--url", help="the api's address, as the simulator reaches it")
    call.add_argument("--calls", help="the calls service's WebSocket address, as the simulator reaches it")
    call.add_argument("--simulator", default="http://127.0.0.1:9000", help="the serving simulator")
    call.add_argument("--from", dest="from_number", default="+972501234567")
    call.add_argument("--to", dest="to_number", default="+97235550100")
    call.add_argument("--call-sid")
    call.add_argument("--count", type=int, default=1)
    call.add_argument("--json", action="store_true", help="print what happens as one JSON object a line")
    return parser


async def _call(arguments: argparse.Namespace, settings: Settings) -> int:
    order = {
        "scenario": arguments.scenario,
        "speed": arguments.speed,
        "from": arguments.from_number,
        "to": arguments.to_number,
        "call_sid": arguments.call_sid,
        "count": arguments.count,
        "api_url": arguments.url,
        "calls_url": arguments.calls,
    }
    ok = True
    timeout = aiohttp.ClientTimeout(total=None)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, read_bufsize=2**22) as http,
            http.post(f"{arguments.simulator}/_/calls", json=order) as response,
        ):
            if response.status != 200:
                print(f"simulator: {(await response.json())['error']}", file=sys.stderr)
                return 2
            async for line in response.content:
                note = orjson.loads(line)
                ok = ok and note.get("ok", True)
                print(line.decode().rstrip() if arguments.json else _readable(note), flush=True)
    except aiohttp.ClientConnectorError as error:
        print(f"simulator: no simulator serves at {arguments.simulator}: {error}", file=sys.stderr)
        return 2
    return 0 if ok else 1


def _readable(note: dict[str, Any]) -> str:
    if note["what"] == "result":
        verdict = "ok" if note["ok"] else "PROBLEMS: " + "; ".join(note["problems"])
        seconds = note["duration_ms"] / 1000
        return f"{note['call_sid']} {note['scenario']}: {verdict} ({seconds:.1f} s, ended by {note['ended_by']})"
    rest = ", ".join(f"{name}={value}" for name, value in note.items() if name not in ("t_ms", "what"))
    return f"{note['t_ms'] / 1000:7.2f} s  {note['what']}  {rest}"
