"""The calls that are up now, as prosaas-calls itself tells them."""

import json
import os
from dataclasses import dataclass

from prosaas_ops.stack.engine import Engine

_TIMEOUT_SECONDS = 3.0
_LONGEST_ANSWER = 4 << 20
UNKNOWN = "unknown: prosaas-calls runs and does not answer. `make logs S=calls` may say why"


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is up now."""

    call_sid: str
    business_id: str
    started_at: str


def live_calls(engine: Engine) -> list[LiveCall] | None:
    """The calls that prosaas-calls holds: none where it does not run, None where it runs and nobody could say."""
    # Few commands ask, and both take long to import.
    import http.client
    import urllib.request

    url = os.environ.get("CALLS_INTERNAL_URL", "http://prosaas-calls:5051").rstrip("/")
    try:
        with urllib.request.urlopen(f"{url}/calls", timeout=_TIMEOUT_SECONDS) as answer:
            body = json.loads(answer.read(_LONGEST_ANSWER))
        rows = body if isinstance(body, list) else body["calls"]
        return [
            LiveCall(str(row["call_sid"]), str(row.get("business_id") or ""), str(row.get("started_at") or ""))
            for row in rows
        ]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        running = any(container.state == "running" for container in engine.containers("prosaas-calls"))
        return None if running else []
