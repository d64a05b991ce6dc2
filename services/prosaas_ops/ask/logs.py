"""`make logs`: the services' lines on one clock, filtered; it follows unless a window was asked for."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from prosaas_ops.options import FINE, LEVELS, NOTHING, Options, Usage, complain
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.follow import Follow, Happening, merged
from prosaas_ops.stack.lines import RANK, Line

OPTIONS = ("S", "SINCE", "LEVEL", "CALL", "GREP", "NOT", "FOLLOW")

# A bare `make logs` opens on the recent past, so that the screen is not empty.
_OPENING_SECONDS = 300.0
_OPENING_LINES = 40


def run(options: Options) -> int:
    services = options.services()
    since = options.since("SINCE")
    follows = options.flag("FOLLOW", default=since is None)
    keep = line_filter(options)
    engine, screen = Engine(), Screen()
    now = datetime.now(UTC).timestamp()
    opening = [
        line for line in merged(engine, services, since.timestamp() if since else now - _OPENING_SECONDS) if keep(line)
    ]
    for line in opening if since else opening[-_OPENING_LINES:]:
        screen.say(screen.line(line))
    if not follows:
        if not opening:
            complain(f"logs: no line matched in {', '.join(services)}; widen it with SINCE=")
            return NOTHING
        return FINE
    last = opening[-1].at + 1e-6 if opening else now
    stream = Follow(engine, services, since=max(last, now))
    try:
        for item in stream:
            if isinstance(item, Happening) or (item is not None and keep(item)):
                screen.say(screen.show(item))
    except KeyboardInterrupt:
        return FINE
    finally:
        stream.close()
    return FINE


def line_filter(options: Options) -> Callable[[Line], bool]:
    """What the operator's LEVEL=, CALL=, GREP= and NOT= let through."""
    least = RANK[options.choice("LEVEL", LEVELS, "DEBUG")]
    call_sid = options.call_sid()
    wanted, unwanted = (_pattern(options, name) for name in ("GREP", "NOT"))

    def keep(line: Line) -> bool:
        if RANK[line.level] < least or (call_sid and line.call_sid != call_sid):
            return False
        whole = "\n".join([line.human(), *line.stack])
        return (not wanted or bool(wanted.search(whole))) and not (unwanted and unwanted.search(whole))

    return keep


def _pattern(options: Options, name: str) -> re.Pattern[str] | None:
    value = options.text(name)
    try:
        return re.compile(value, re.IGNORECASE) if value else None
    except re.error as error:
        raise Usage(f"{name}={value} is no regular expression: {error}") from None
