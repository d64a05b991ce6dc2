"""`make status`: one screen that says how it stands, once or kept current."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from prosaas_core.facts.endings import FINE as FINE_ENDINGS
from prosaas_core.facts.measures import SLOW_MS
from prosaas_ops.options import FINE, PROBLEM, Options, operators_zone, spoken_duration
from prosaas_ops.screen.terminal import Prose, Screen, short, table
from prosaas_ops.stack.lines import hour
from prosaas_ops.stack.swarm import opened
from prosaas_ops.standing import not_up
from prosaas_ops.stories.status import Running, Status, status
from prosaas_ops.texts import Text, machine
from prosaas_ops.texts import status as words
from prosaas_ops.texts.told import AND_SIMULATED

OPTIONS = ("WATCH", "JSON")

_EVERY_S = 2.0
# To the beginning of a screen that is empty.
_CLEAR = "\x1b[H\x1b[2J"


def run(options: Options) -> int:
    """1 where something must be looked at: an alert, a held job, a service that is not up, a database that is away."""
    engine, screen = opened(), Screen()
    as_json, watching = options.flag("JSON", default=False), options.flag("WATCH", default=False)
    while True:
        now = status(engine)
        if as_json:
            print(json.dumps(_as_json(now), ensure_ascii=False, default=datetime.isoformat), flush=True)
        else:
            if watching and screen.terminal:
                print(_CLEAR, end="", file=screen.out)
            screen.say(*rows(now, screen))
        if not watching:
            return PROBLEM if wrong(now) else FINE
        time.sleep(_EVERY_S)


def _as_json(now: Status) -> dict[str, object]:
    """The same for scripts: rows with their names."""
    named = asdict(now)
    named["running"] = [each._asdict() for each in now.running]
    named["switched"] = [each._asdict() for each in now.switched]
    if now.facts is not None:
        for name in ("ended", "spent"):
            named["facts"][name] = [each._asdict() for each in getattr(now.facts, name)]
    return named


def wrong(now: Status) -> bool:
    """Whether somebody has to look."""
    acting = [alert for alert in now.alerts or [] if not alert.hidden]
    held = now.facts is not None and now.facts.jobs_held > 0
    return bool(acting or held or now.problems or now.live is None or any(map(_is_bad, now.running)))


def _is_bad(each: Running) -> bool:
    return each.down or "unhealthy" in each.state


def rows(now: Status, screen: Screen) -> Iterator[str]:
    """The screen, a row at a time, within 80 columns but for sentences."""
    # Whose midnight today began at.
    zone = operators_zone()
    yield screen.dim(f"{now.at:%Y-%m-%d %H:%M:%S} UTC ({now.at.astimezone(zone):%H:%M} {zone})")
    heading = [str(head) for head in (words.SERVICE, words.VERSION, words.LEVEL, words.STATE)]
    said = [[short(each.service)[:12], each.version[:24], each.level, each.state[:34]] for each in now.running]
    first, rule, *lines = table([heading, *said])
    yield from (screen.bold(first), screen.dim(rule))
    for line, each in zip(lines, now.running, strict=True):
        yield screen.bad(line) if _is_bad(each) else screen.warn(line) if each.level == "DEBUG" else line
    if now.at_work:
        yield Prose(screen.warn(machine.AT_WORK(which=now.at_work)))
    gone = [each for each in now.running if each.down]
    # As the engine says it: "Up 5 minutes (Paused)".
    paused = [each.name for each in gone if "(Paused)" in each.state]
    ended = [each.service for each in gone if each.name and each.name not in paused]
    if unserved := not_up(ended, [each.service for each in gone if not each.name], paused):
        yield Prose(screen.bad(unserved))
    yield ""
    yield _named(words.LIVE, words.NOBODY_SAYS if now.live is None else now.live)
    if now.facts is not None:
        yield from _calls(now, screen)
    yield from (Prose(screen.bad(problem)) for problem in now.problems)
    yield from _alerts(now, screen)
    for switch in now.switched:
        told = {"service": switch.service, "target": switch.target, "level": switch.level}
        by = words.BY(who=switch.by) if switch.by else ""
        yield screen.warn(_named(words.SWITCHED, words.SWITCH_IS(**told, left=spoken_duration(switch.left_s), by=by)))


def _named(name: Text, what: object) -> str:
    return f"{name!s:<15}{what}"


def _calls(now: Status, screen: Screen) -> Iterator[str]:
    facts = now.facts
    assert facts is not None
    today, before = sum(each.today for each in facts.ended), sum(each.yesterday for each in facts.ended)
    beside = AND_SIMULATED(count=facts.simulated) if facts.simulated else ""
    yield _named(words.CALLS_TODAY, words.AGAINST(today=today, before=before) + beside)
    for each in facts.ended:
        text = f"  {each.reason[:20]:<20} {each.today:>6}   {each.yesterday:>6}"
        bad = each.today and each.reason not in FINE_ENDINGS and each.reason not in ("live", "unfinished")
        yield screen.warn(text) if bad else text
    for what, pair in ((words.FIRST_SOUND, facts.first_sound_ms), (words.ANSWERS, facts.answers_ms)):
        if pair is not None:
            text = _named(what, f"p50 {pair[0] / 1000:.1f} s, p95 {pair[1] / 1000:.1f} s")
            yield screen.warn(text) if pair[1] >= SLOW_MS else text
    if facts.lines_a_call is not None:
        yield _named(words.LINES_A_CALL, words.OWN_LINES(lines=f"{facts.lines_a_call:.0f}"))
    for bill in facts.spent:
        told = words.SPENT_UNTIL_NOW(today=f"{bill.today:.2f} {bill.currency}", yesterday=f"{bill.yesterday:.2f}")
        yield _named(words.SPENT_TODAY, told)
    text = _named(words.JOBS, words.JOBS_ARE(waiting=facts.jobs_waiting, held=facts.jobs_held))
    yield screen.bad(f"{text}: make jobs") if facts.jobs_held else text


def _alerts(now: Status, screen: Screen) -> Iterator[str]:
    if now.alerts is None:
        yield screen.dim(_named(words.ALERTS, words.NOBODY_WATCHES))
        return
    acting = [alert for alert in now.alerts if not alert.hidden]
    if not acting:
        yield _named(words.ALERTS, words.NO_ALERTS)
    for alert in acting:
        head = words.SINCE(name=alert.name, since=hour(alert.since.astimezone(UTC), now.at))
        yield (screen.bad if alert.severity == "page" else screen.warn)(_named(words.ALERT, head))
        yield Prose(f"  {alert.told}")
        yield Prose(screen.dim(f"  {words.READ(next=alert.next, page=alert.page)}"))
