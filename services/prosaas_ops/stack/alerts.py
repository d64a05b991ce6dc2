"""What Alertmanager knows: the alerts that stand now, and how many it handed on."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prosaas_ops.options import Problem
from prosaas_ops.stack.web import asked
from prosaas_ops.texts import language, refused

ADDRESS = "http://alertmanager:9093"
_HANDED_ON = re.compile(
    r'^alertmanager_notifications(_failed)?_total\{integration="([a-z]+)"(?:,[^}]*)?\} (\S+)', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert that stands; `hidden` where another one explains it."""

    name: str
    severity: str
    since: datetime
    summary: str
    next: str
    page: str
    hidden: bool
    summary_he: str = ""

    @property
    def told(self) -> str:
        """The summary, in the operator's language where the rule has it."""
        return (self.summary_he if language() == "he" else "") or self.summary


def standing(address: str = ADDRESS) -> list[Alert] | None:
    """The alerts, those that somebody must act on first; None where no Alertmanager answers."""
    try:
        found = [_alert(row) for row in json.loads(asked(f"{address}/api/v2/alerts"))]
        return sorted(found, key=lambda alert: (alert.hidden, alert.severity != "page", alert.since))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # Something else may answer there.
        return None


def _alert(row: dict[str, Any]) -> Alert:
    labels, words = row["labels"], row["annotations"]
    return Alert(
        str(labels.get("alertname", "?")),
        str(labels.get("severity", "")),
        datetime.fromisoformat(row["startsAt"]),
        str(words.get("summary", "")),
        str(words.get("next", "")),
        str(words.get("page", "")),
        row.get("status", {}).get("state") == "suppressed",
        str(words.get("summary_he", "")),
    )


def handed_on(address: str = ADDRESS) -> dict[str, tuple[float, float]]:
    """By kind of receiver, how many notifications were tried and how many of them failed."""
    counts: dict[str, list[float]] = {}
    for failed, kind, number in _HANDED_ON.findall(_answered(f"{address}/metrics")):
        counts.setdefault(kind, [0.0, 0.0])[bool(failed)] += float(number)
    return {kind: (tried, failed) for kind, (tried, failed) in counts.items()}


def raise_alert(labels: dict[str, str], words: dict[str, str], address: str = ADDRESS) -> None:
    """Have Alertmanager take one alert as if a rule had fired."""
    body = json.dumps([{"labels": labels, "annotations": words}]).encode()
    _answered(f"{address}/api/v2/alerts", body)


def _answered(url: str, body: bytes | None = None) -> str:
    try:
        return asked(url, body)
    except OSError as error:
        raise Problem(refused.ALERTS_AWAY(why=error)) from None
