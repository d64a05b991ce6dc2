"""The calls that are up now, as prosaas-calls itself tells them."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass

from prosaas_ops.options import Problem

_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is up now."""

    call_sid: str
    business_id: str
    started_at: str


def live_calls() -> list[LiveCall]:
    """The calls that prosaas-calls holds; none when it is not running."""
    url = os.environ.get("CALLS_INTERNAL_URL", "http://prosaas-calls:5051").rstrip("/")
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
