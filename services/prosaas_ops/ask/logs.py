"""`make logs`: the services' lines on one clock, filtered; it follows unless a window was asked for."""

import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from datetime import UTC, date, datetime, timedelta

from prosaas_ops.options import FINE, LEVELS, NOTHING, Options, Usage, complain, spoken_duration
from prosaas_ops.screen.terminal import Prose, Screen, short
from prosaas_ops.stack.follow import Follow, Happening, merged
from prosaas_ops.stack.lines import RANK, Line, naming
from prosaas_ops.stack.naming import one_call
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import lines as words
from prosaas_ops.texts import refused

OPTIONS = ("S", "SINCE", "UNTIL", "LEVEL", "CALL", "GREP", "NOT", "FOLLOW")

# A bare `make logs` opens on the recent past, so that the screen is not empty.
_OPENING = timedelta(minutes=5)
_OPENING_LINES = 40
_MOST_ON_A_TERMINAL = 2000


def run(options: Options) -> int:
    services = options.services()
    since, until = options.since("SINCE"), options.since("UNTIL")
    follows = options.flag("FOLLOW", default=since is None and until is None)
    now = datetime.now(UTC)
    start = since or now - _OPENING
    # What is followed begins where this ends: of services that are read one after another no line falls in between.
    end = until or (now if follows else None)
    if end is not None and end <= start:
        raise Usage(refused.NO_WINDOW(since=start, until=end))
    engine, screen = opened(), Screen()
    call_sid = one_call(engine, options)
    keep = line_filter(options, call_sid)
    with ExitStack() as held:
        # Before the past is read: what ends meanwhile has its last words here.
        ahead: Iterable[Line | Happening | None] = ()
        if follows:
            ahead = held.enter_context(closing(Follow(engine, services, since=now.timestamp() + 1e-6)))
        found = merged(engine, services, start.timestamp(), end.timestamp() if end else None, naming(call_sid))
        opening = [line for line in found if keep(line)]
        show = _by_day(screen, call_sid, start.date())
        for line in _fitting(opening if since or until else opening[-_OPENING_LINES:], screen):
            show(line)
        if not (opening or follows):
            complain(f"logs: {words.NO_LINE(services=', '.join(services))}")
            return NOTHING
        if not opening:
            ago = spoken_duration((now - start).total_seconds())
            screen.say(Prose(screen.dim(words.NOTHING_YET(ago=ago, services=" ".join(map(short, services))))))
        if follows and call_sid and (not opening or any(line.event == "CALL_END" for line in opening)):
            screen.say(Prose(screen.dim(words.WHAT_WAS(command=f"make trace CALL={call_sid}"))))
        with suppress(KeyboardInterrupt):
            for item in ahead:
                if isinstance(item, Happening) or (item is not None and keep(item)):
                    show(item)
    return FINE


def _by_day(screen: Screen, call_sid: str, day: date) -> Callable[[Line | Happening], None]:
    """Shows one after another, with a row for the day of one that is of another than the one before it."""

    def show(item: Line | Happening) -> None:
        nonlocal day
        if (its := datetime.fromtimestamp(item.at, UTC).date()) != day:
            day = its
            screen.say(screen.dim(f"── {day} UTC"))
        screen.say(*screen.show(item, call_sid))

    return show


def _fitting(lines: list[Line], screen: Screen) -> list[Line]:
    """On a terminal the last of very many lines; a pipe or a file gets them all."""
    more = len(lines) - _MOST_ON_A_TERMINAL
    if not screen.terminal or more <= 0:
        return lines
    screen.say(Prose(screen.dim(words.BEFORE_THESE(more=f"{more:,}"))))
    return lines[more:]


def line_filter(options: Options, call_sid: str = "") -> Callable[[Line], bool]:
    """What the operator's LEVEL=, CALL=, GREP= and NOT= let through."""
    least = RANK[options.choice("LEVEL", LEVELS, "DEBUG")]
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
        raise Usage(refused.NO_PATTERN(name=name, value=value, why=error)) from None
