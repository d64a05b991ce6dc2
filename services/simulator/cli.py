"""The command line: serve the stand-ins, place a call, or put load on a service."""

import argparse
import sys
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web

from simulator.app import make_app
from simulator.control import FROM, TO
from simulator.load import callers as load
from simulator.phone import twiml
from simulator.phone.webhooks import CallWebhooks
from simulator.settings import Settings, from_environment


def main(argv: list[str] | None = None) -> int:
    """Run a command; return its exit status (0 fine, 1 the call had problems, 2 wrong usage)."""
    arguments = _parser().parse_args(argv)
    settings = from_environment()
    if arguments.command == "serve":
        settings = replace(settings, port=arguments.port or settings.port)
        web.run_app(make_app(settings), port=settings.port, access_log=None, print=None, loop=uvloop.new_event_loop())
        return 0
    return uvloop.run(_load(arguments, settings) if arguments.command == "load" else _call(arguments))


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
    call.add_argument("--from", dest="from_number", default=FROM)
    call.add_argument("--to", dest="to_number", default=TO)
    call.add_argument("--call-sid")
    call.add_argument("--count", type=int, default=1)
    call.add_argument("--json", action="store_true", help="print what happens as one JSON object a line")
    put_load = commands.add_parser("load", help="measure how late frames come through a service; prints JSON")
    put_load.add_argument("--calls", type=int, required=True, help="how many simultaneous calls")
    put_load.add_argument("--seconds", type=float, default=20.0)
    put_load.add_argument("--url", default=load.LoadPlan.url, help="the service's Media Streams address")
    put_load.add_argument("--api", help="get each call's token from /twilio/voice here; without it, none is sent")
    put_load.add_argument("--model-port", type=int, default=9000, help="where the service finds its Realtime stand-in")
    put_load.add_argument(
        "--turn-seconds", type=float, default=load.LoadPlan.turn_seconds, help="0: one endless answer"
    )
    put_load.add_argument("--ramp", type=float, default=load.LoadPlan.ramp_s, help="seconds over which calls begin")
    return parser


async def _call(arguments: argparse.Namespace) -> int:
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
    except aiohttp.ClientError as error:
        print(f"simulator: it went away in the middle of the call: {error}", file=sys.stderr)
        return 1
    return 0 if ok else 1


def _readable(note: dict[str, Any]) -> str:
    if note["what"] == "result":
        verdict = "ok" if note["ok"] else "PROBLEMS: " + "; ".join(note["problems"])
        seconds, ended_by = note.get("duration_ms", note["t_ms"]) / 1000, note.get("ended_by", "a fault")
        return f"{note['call_sid']} {note['scenario']}: {verdict} ({seconds:.1f} s, ended by {ended_by})"
    rest = ", ".join(f"{name}={value}" for name, value in note.items() if name not in ("t_ms", "what"))
    return f"{note['t_ms'] / 1000:7.2f} s  {note['what']}  {rest}"


async def _load(arguments: argparse.Namespace, settings: Settings) -> int:
    plan = load.LoadPlan(
        calls=arguments.calls,
        seconds=arguments.seconds,
        url=arguments.url,
        model_port=arguments.model_port,
        turn_seconds=arguments.turn_seconds,
        ramp_s=arguments.ramp,
        account_sid=settings.account_sid,
    )
    async with aiohttp.ClientSession() as http:
        if arguments.api:
            settings = replace(settings, api_url=arguments.api)
            plan = replace(plan, dial=lambda call_sid: _dial(call_sid, settings, http))
        report = await load.run(plan)
    print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    return 1 if report["error_count"] else 0


async def _dial(call_sid: str, settings: Settings, http: aiohttp.ClientSession) -> dict[str, str]:
    webhooks = CallWebhooks(settings, http, call_sid=call_sid, from_number=FROM, to_number=TO)
    verbs = twiml.parse(await webhooks.ask("/twilio/voice", "ringing"))
    return next(verb.parameters for verb in verbs if verb.name == "Connect")
