"""`make alert-test`: one alert through Alertmanager to whoever is told, and whether it got there."""

import time

from prosaas_ops.options import FINE, PROBLEM, Options
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack import alerts
from prosaas_ops.texts import machine
from prosaas_ops.texts import watched as words

OPTIONS = ()

# Alertmanager gathers what comes together for ten seconds; then a receiver has time to answer.
_WAIT_S = 40.0
_LOOK_S = 1.0
_READ = "docs/alerts.md#who-is-told"


def run(_options: Options) -> int:
    screen = Screen()
    labels = {"alertname": "AlertTest", "severity": "warn", "number": str(time.time_ns())}
    told_of = {"summary": words.A_TEST.en, "summary_he": words.A_TEST.he, "next": "make status", "page": _READ}
    alerts.raise_alert(labels, told_of)
    before = alerts.handed_on()
    screen.say(str(words.SENT))
    deadline = time.monotonic() + _WAIT_S
    told: dict[str, bool] = {}
    while not told and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        told = outcome(before, alerts.handed_on())
    for kind, well in told.items():
        how = machine.OK if well else machine.BAD
        screen.say(f"{how!s:<8} {kind}{'' if well else words.TOOK_NOT}")
    if not told:
        screen.say(f"{machine.BAD!s:<8} {words.NOBODY_TOLD}", f"{'':<8} {words.THEN_UP(page=_READ)}")
    return FINE if told and all(told.values()) else PROBLEM


def outcome(before: dict[str, tuple[float, float]], now: dict[str, tuple[float, float]]) -> dict[str, bool]:
    """By kind of receiver that was tried since, whether it took what it was given."""
    tried = {kind: counts for kind, counts in now.items() if counts[0] > before.get(kind, (0.0, 0.0))[0]}
    return {kind: failed <= before.get(kind, (0.0, 0.0))[1] for kind, (_, failed) in tried.items()}
