"""`make alert-test`: one alert through Alertmanager to whoever is told, and whether it got there."""

import time

from prosaas_ops.options import FINE, PROBLEM, Options
from prosaas_ops.screen.terminal import Screen
from prosaas_ops.stack import alerts

OPTIONS = ()

# Alertmanager gathers what comes together for ten seconds; then a receiver has time to answer.
_WAIT_S = 40.0
_LOOK_S = 1.0
_READ = "docs/alerts.md#who-is-told"


def run(_options: Options) -> int:
    screen = Screen()
    labels = {"alertname": "AlertTest", "severity": "warn", "number": str(time.time_ns())}
    words = {"summary": "A test: nothing is wrong", "next": "make status", "page": _READ}
    alerts.raise_alert(labels, words)
    before = alerts.handed_on()
    screen.say("sent to Alertmanager; it hands it on within ten seconds")
    deadline = time.monotonic() + _WAIT_S
    told: dict[str, bool] = {}
    while not told and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        told = outcome(before, alerts.handed_on())
    for kind, well in told.items():
        why = "" if well else ": it did not take it; `docker compose logs alertmanager` says why"
        screen.say(f"{'ok' if well else 'problem':<8} {kind}{why}")
    if not told:
        screen.say("problem  nobody was told: set ALERT_WEBHOOK_URL, ALERT_SLACK_URL or ALERT_EMAIL_TO in .env,")
        screen.say(f"         then make up-prod. Read: {_READ}")
    return FINE if told and all(told.values()) else PROBLEM


def outcome(before: dict[str, tuple[float, float]], now: dict[str, tuple[float, float]]) -> dict[str, bool]:
    """By kind of receiver that was tried since, whether it took what it was given."""
    tried = {kind: counts for kind, counts in now.items() if counts[0] > before.get(kind, (0.0, 0.0))[0]}
    return {kind: failed <= before.get(kind, (0.0, 0.0))[1] for kind, (_, failed) in tried.items()}
