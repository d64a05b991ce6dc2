"""The calls that are up now, as prosaas-calls itself tells them."""

import json
import os
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from prosaas_ops.options import Problem
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.texts import conduct as words

_TIMEOUT_SECONDS = 3.0
_LONGEST_ANSWER = 4 << 20
# A drain is known by what only a drain says: the word of the readiness page, as services/healthcheck.py prints it.
DRAINING = '"draining"'
# Asked inside the container, for who has no way to it.
_ASK = (
    "import os,urllib.request;p=os.environ.get('OPERATORS_PORT') or 5051;"
    "print(urllib.request.urlopen(f'http://127.0.0.1:{p}/calls',timeout=2).read().decode())"
)


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

    url = urlsplit(os.environ.get("CALLS_INTERNAL_URL", "http://prosaas-calls:5051"))
    live: dict[str, LiveCall] = {}
    try:
        # While one generation drains beside another, the name leads to both.
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(url.hostname, url.port, type=socket.SOCK_STREAM)}
        for address in found:
            host = f"[{address}]" if ":" in address else address
            with urllib.request.urlopen(f"http://{host}:{url.port}/calls", timeout=_TIMEOUT_SECONDS) as answer:
                body = json.loads(answer.read(_LONGEST_ANSWER))
            live |= {call.call_sid: call for call in _read(body)}
        return list(live.values())
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        running = any(container.state == "running" for container in engine.containers("prosaas-calls"))
        return None if running else []


def live_ids(engine: Engine) -> tuple[str, ...] | None:
    """The ids of those calls; None where nobody could say."""
    calls = live_calls(engine)
    return None if calls is None else tuple(call.call_sid for call in calls)


def held(engine: Engine) -> dict[str, list[LiveCall] | None]:
    """The calls of each running container of prosaas-calls, by its name; None of one that does not say."""
    found = {container.name: _asked(engine, container) for container in _running(engine)}
    # One that has ended since has no calls; an engine that does not answer knows of no ending.
    still = {container.name for container in _running(engine)} if None in found.values() else set(found)
    return {name: calls for name, calls in found.items() if calls is not None or name in still}


def drains(engine: Engine, container: Container) -> bool:
    """Whether it says that it takes no new call, and keeps those that it has."""
    try:
        return DRAINING in "".join(engine.run(container, "healthcheck", "ready")[1:])
    except Problem:
        return False


def in_words(calls: Collection[int | None]) -> str:
    """How many they are together, in digits; what is not known is said, and is never none. Nothing for no call."""
    known = sum(count for count in calls if count is not None)
    if None in calls:
        return f"{known} + {words.UNKNOWN}" if known else str(words.UNKNOWN)
    return str(known) if known else ""


def _running(engine: Engine) -> list[Container]:
    return [container for container in engine.containers("prosaas-calls") if container.state == "running"]


def _asked(engine: Engine, container: Container) -> list[LiveCall] | None:
    try:
        code, out, _ = engine.run(container, "python", "-IS", "-c", _ASK)
        return _read(json.loads(out)) if code == 0 else None
    except (Problem, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read(body: Any) -> list[LiveCall]:
    rows: Iterable[Any] = body if isinstance(body, list) else body["calls"]
    return [
        LiveCall(str(row["call_sid"]), str(row.get("business_id") or ""), str(row.get("started_at") or ""))
        for row in rows
    ]
