"""`live-calls`: how many calls are up, and which; what a deploy or a restart must wait for."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass

from prosaas_ops.options import FINE, Options, Problem
from prosaas_ops.terminal import Screen, table

OPTIONS = ("QUIET",)

_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is up now."""

    call_sid: str
    business_id: str
    started_at: str


def live_calls() -> list[LiveCall]:
    """The calls that prosaas-calls holds; none when it is not running."""
    url = os.environ.get("CALLS_INTERNAL_URL", "http://prosaas-calls:5050").rstrip("/")
    try:
        with urllib.request.urlopen(f"{url}/calls", timeout=_TIMEOUT_SECONDS) as answer:
            body = json.load(answer)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return []
    except ValueError:
        raise Problem(f"{url}/calls answered with something that is no list of calls") from None
    rows = body if isinstance(body, list) else body.get("calls", [])
    return [
        LiveCall(str(row["call_sid"]), str(row.get("business_id") or ""), str(row.get("started_at") or ""))
        for row in rows
    ]


def run(options: Options) -> int:
    calls = live_calls()
    screen = Screen()
    if options.flag("QUIET", default=False):
        screen.say(str(len(calls)))
    elif not calls:
        screen.say("no live calls")
    else:
        rows = [
            ["call", "business", "started"],
            *([call.call_sid, call.business_id, call.started_at] for call in calls),
        ]
        for line in table(rows):
            screen.say(line)
    return FINE
