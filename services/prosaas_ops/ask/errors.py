"""`make errors`: warnings and errors of a time, the same trouble once: how often, since when, where, in which calls."""

from datetime import UTC, datetime
from itertools import count
from shlex import quote

from prosaas_ops.options import FINE, OTHERS, Options
from prosaas_ops.screen.terminal import Prose, Screen, short
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.follow import Happening, happenings, merged
from prosaas_ops.stack.lines import DOOR, DOOR_GAVE_UP, RANK, Line, every, hour, perhaps
from prosaas_ops.stack.swarm import opened
from prosaas_ops.standing import unserved
from prosaas_ops.started import is_demo
from prosaas_ops.stories.errors import TELLING, Death, TroubleGroup, calls_hit, changes, deaths, group_errors, troubles
from prosaas_ops.texts import checks as words
from prosaas_ops.texts import told

OPTIONS = ("SINCE", "UNTIL", "S", "MAX")

_BARS = "▁▂▃▄▅▆▇█"
_SLOTS = 24
# Deploys and switches of the window, the last ones.
_MARKS = 5
# What happened just before the window may be why it begins as it does.
_BEFORE = 60.0
# Troubles whose cause is a container that is down, and no call.
_DOWN = ("QUEUE_LOST", "DB")
# Containers beside our services, whose end is a trouble all the same.
_BESIDE = () if OTHERS else (DOOR, "postgres", "migrate")
# A call that was taken along began this much before at the most.
_LONGEST_CALL = 3600.0


def run(options: Options) -> int:
    since, until = options.window("1h")
    end = min(until, datetime.now(UTC))
    screen, most = Screen(), options.number("MAX", 30)
    engine = opened()
    if told_down := unserved(engine):
        screen.say(Prose(screen.bad(told_down)))
    services = options.services()
    named = services if options.text("S") else (*services, *_BESIDE)
    happened = happenings(engine, since.timestamp() - _BEFORE, end.timestamp())
    ended = [told for told in happened if told.service in named and told.at >= since.timestamp()]
    # A service writes far more than is told of it here; of what ended unasked, any line may say which call it had.
    read, telling = count(), every if any(map(_takes_calls, ended)) else perhaps(TELLING)

    def wanted(text: str) -> bool:
        next(read)
        return telling(text)

    writers = [name for name in named if name in (*services, DOOR)]
    lines = merged(engine, writers, since.timestamp(), end.timestamp(), wanted)
    # All else that the front door says is for who asks for it: of an api that is gone it says so ten times a second.
    lines = [line for line in lines if line.service in services or line.event == DOOR_GAVE_UP]
    lines = sorted([*lines, *_deaths(engine, lines, ended)], key=lambda line: line.stamp)
    groups = group_errors(lines, happened)
    window = f"{since:%m-%d %H:%M}–{hour(end, since)} UTC"
    if is_demo(engine):
        screen.say(screen.dim(str(words.DEMO)))
    elif before := sorted({short(line.service) for line in lines if line.event == "DEMO"}):
        screen.say(Prose(screen.dim(words.WAS_DEMO(services=", ".join(before)))))
    if not groups:
        screen.say(words.NO_ERRORS(window=window, lines=next(read)))
        if apart := _beside_the_lines(lines, 0, services):
            screen.say(Prose(screen.dim(apart)))
        return FINE
    total = sum(group.count for group in groups)
    screen.say(
        Prose(
            words.ERRORS(
                window=window,
                bars=spark(lines, since.timestamp(), end.timestamp()),
                total=total,
                kinds=len(groups),
                hit=calls_hit(groups, lines),
            )
        ),
        *(_mark(line, end, screen) for line in changes(lines)[-_MARKS:]),
        screen.dim(str(words.ERRORS_HEAD)),
    )
    for group in groups[:most]:
        screen.say(*_rows(group, end, screen))
    if len(groups) > most:
        screen.say(screen.dim(words.MORE_KINDS(count=len(groups) - most, all=len(groups))))
    if apart := _beside_the_lines(lines, total, services):
        screen.say(Prose(screen.dim(apart)))
    screen.say(Prose(screen.dim(told.NEXT(commands=" · ".join(_next(groups[0], options))))))
    return FINE


def _deaths(engine: Engine, lines: list[Line], ended: list[Happening]) -> list[Death]:
    """What ended unasked; where that took calls along, lines from before the window tell which."""
    times = [told.at for told in ended if _takes_calls(told)]
    earlier = merged(engine, ["prosaas-calls"], min(times) - _LONGEST_CALL, max(times)) if times else []
    return deaths(lines, ended, earlier)


def _takes_calls(told: Happening) -> bool:
    return told.failed and told.service == "prosaas-calls"


def _beside_the_lines(lines: list[Line], total: int, services: list[str]) -> str:
    """By what the sum differs from what `make logs` shows of the same time; nothing where both are the same."""
    wanted = troubles(lines)
    said = [line for line in lines if RANK[line.level] >= RANK["WARNING"] and not isinstance(line, Death)]
    shown = [line for line in said if line.service in services]
    ended = sum(isinstance(line, Death) for line in wanted)
    parts = (
        (words.FOLDED, total - len(wanted)),
        (words.ENDS, ended),
        (words.AT_DOOR, len(said) - len(shown)),
        (words.HARMLESS, len(said) + ended - len(wanted)),
    )
    told = ", ".join(what(count=count) for what, count in parts if count)
    return words.BESIDE_LINES(lines=len(shown), parts=told) if told else ""


def _mark(line: Line, end: datetime, screen: Screen) -> str:
    """A deploy, a restart or a switch, on the same clock as the troubles."""
    at = datetime.fromtimestamp(line.at, UTC)
    return screen.bold(
        f"  {hour(at, end)} ▲ {short(line.service):<7} {screen.value(f'{line.emoji} {line.text[:100]}'.strip())}"
    )


def spark(lines: list[Line], first: float, last: float) -> str:
    """How the troubles lie in the window, a bar a slot."""
    counts = [0] * _SLOTS
    for line in troubles(lines):
        counts[min(_SLOTS - 1, max(0, int((line.at - first) / max(last - first, 0.001) * _SLOTS)))] += 1
    most = max(counts, default=0) or 1
    return "".join(_BARS[min(7, -(-count * 7 // most))] for count in counts)


def _rows(group: TroubleGroup, end: datetime, screen: Screen) -> list[str]:
    line = group.example
    first, last = (datetime.fromtimestamp(at, UTC) for at in (group.first, group.last))
    tag = f"{line.emoji} [{line.event}] ".lstrip() if line.event else ""
    hit = max(len(group.calls), group.unnamed)
    head = f"{group.count:>7}  {first:%H:%M}  {last:%H:%M}  {hit:>5}  {short(group.service):<7}"
    rows = [f"{head} {screen.paint_level(screen.value(tag + line.text[:300]), line.level)}"]
    if first.date() != end.date():
        rows.append(screen.dim(f"{'':>38} {first:%m-%d %H:%M} – {last:%m-%d %H:%M}"))
    if line.stack:
        rows.append(screen.dim(f"{'':>38} {screen.value(line.stack[-1].strip()[:200])}"))
    if group.since:
        rows.append(screen.dim(f"{'':>38} {words.SINCE(what=screen.value(group.since))}"))
    elif group.before:
        told = words.BEFORE(seconds=round(group.apart), what=screen.value(group.before))
        rows.append(screen.dim(f"{'':>38} {told}"))
    return rows


def _next(group: TroubleGroup, options: Options) -> list[str]:
    if group.event in _DOWN:
        return ["make ps", "make status"]
    if group.unnamed:
        return ["make calls BAD=1"]
    commands = [f"make trace CALL={min(group.calls)[:8]}"] if group.calls else []
    of = f"GREP={group.event}" if group.event and group.service != DOOR else f"S={short(group.service)}"
    # Of the same time: the last hour may have none of them.
    typed = {"SINCE": options.text("SINCE") or "1h", "UNTIL": options.text("UNTIL")}
    times = [f"{name}={quote(value)}" for name, value in typed.items() if value]
    return [*commands, " ".join(["make logs", of, *times])]
