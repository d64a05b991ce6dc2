"""`make blackbox`: the flight recorder of a call, from the file of a failed one or from the memory of a live one."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from prosaas_ops.options import FINE, NOTHING, Options, Problem, complain
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.engine import Engine, RawLine
from prosaas_ops.stack.lines import Line, parse

OPTIONS = ("CALL",)

_SERVICE = "prosaas-calls"
_NOTHING_RECORDED = 3


def run(options: Options) -> int:
    call_sid = options.call_sid()
    engine, screen = Engine(), Screen()
    code, out, err = engine.run(engine.running(_SERVICE), "logctl", "blackbox", *([call_sid] if call_sid else []))
    if code == _NOTHING_RECORDED:
        missing = (
            f"nothing was recorded for {call_sid}: it ended well, or long ago" if call_sid else "no recordings yet"
        )
        complain(f"blackbox: {missing}. `make trace CALL=…` tells what the log and the database know")
        return NOTHING
    if code:
        raise Problem(err.strip() or f"logctl failed with exit code {code}")
    if not call_sid:
        screen.say(screen.dim("written (UTC)          bytes  of"))
        screen.say(out.rstrip())
        screen.say(screen.dim("next: make blackbox CALL=CA…"))
        return FINE
    for row in describe(out.splitlines(), screen):
        screen.say(row)
    screen.say(screen.dim(f"next: make trace CALL={call_sid}"))
    return FINE


def describe(rows: Iterable[str], screen: Screen) -> Iterator[str]:
    """Each dump's reason, then its records with their times from the first one on."""
    start: float | None = None
    for row in rows:
        body: dict[str, Any] = json.loads(row)
        if "blackbox" in body:
            start = None
            yield screen.bold(f"{body['kind']} {body['blackbox']}: {body['records']} records, {body['reason']}")
            continue
        stamp = next(str(body[name]) for name in ("timestamp", "@timestamp", "time") if name in body)
        at = datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
        start = at if start is None else start
        yield from _record(at - start, parse(RawLine("", _SERVICE, row)), screen)


def _record(offset: float, line: Line, screen: Screen) -> Iterator[str]:
    yield f"{screen.dim(f'{offset:+10.3f}')}  {screen.paint_level(line.human(), line.level)}"
    yield from (screen.bad(f"{'':12}{row}") for row in line.stack)
