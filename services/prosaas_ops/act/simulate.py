"""Places one simulated call on the running stack and listens to what all services say of it."""

import http.client
import json
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from prosaas_logging.trouble import WINDOW_SECONDS
from prosaas_ops.options import SERVICES, Problem, Usage
from prosaas_ops.stack.engine import Engine
from prosaas_ops.stack.follow import Follow, Happening
from prosaas_ops.stack.lines import RANK, Line
from prosaas_ops.texts import refused

BUDGET = range(10, 31)
# What every call that the agent had writes, however short it was.
EXPECTED = ("CALL_START", "CALL_END")
DEBUG_LEAST = 500
# A level that is set for one simulated call outlives the longest of them by little.
LONGEST_CALL_SECONDS = 900.0
# The job that every call leaves; a message that it took may be told to the business long before it ends.
_JOB = "call.summarise"
# What the carrier tells last of a call, to another service than has it.
_STATUS = "CALL_STATUS"
# How long the call's last line and its job may come after the caller has hung up.
_PATIENCE_SECONDS = 15.0
_STATUS_SECONDS = 5.0
# Until when after a warning its service has told how often it came again: a webhook that was put off twice is one.
_COUNTED_SECONDS = WINDOW_SECONDS + 2.0
_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 30.0


@dataclass(slots=True)
class Placed:
    """A finished simulated call."""

    call_sid: str
    lines: list[Line] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    # What was seen in time: CALL_END, and JOB_DONE or JOB_FAILED of the call's own job.
    end_seen: bool = False
    job: str = ""

    def rows(self, service: str = "") -> int:
        """Printed rows of the call, those of stack traces too, in one service or in all: the budget is the stack's."""
        return sum(line.rows for line in self.lines if service in ("", line.service))

    @property
    def missing(self) -> list[str]:
        """What is expected of every call, and was not written of this one."""
        said = {line.event for line in self.lines}
        return [event for event in EXPECTED if event not in said]

    @property
    def met(self) -> bool:
        """Whether the caller had the agent on the line at all; in some stories they are not meant to."""
        return self.result.get("streams") != 0

    def loud(self) -> Counter[str]:
        """What was written at DEBUG, by event."""
        return Counter(line.event or line.text[:40] for line in self.lines if line.level == "DEBUG")


def place(
    engine: Engine,
    call_sid: str,
    *,
    scenario: str,
    speed: float,
    numbers: Mapping[str, str] = MappingProxyType({}),
    accepted: Callable[[], None] = lambda: None,
    waits: Callable[[float], None] = lambda _: None,
    heard: Callable[[Line | Happening], None] = lambda _: None,
) -> Placed:
    """One call from ring to record: `accepted` once the simulator dials, then `heard` with each line of the call.

    `waits` is told for how many seconds the lines of a call that is over may still come: what kept coming is counted.
    `numbers` are its `to_number` and `from_number` where they are not the demo's.
    """
    if not (asked := _simulators(engine)):
        raise Problem(str(refused.NO_SIMULATOR))
    placed = Placed(call_sid)
    stream = Follow(engine, list(SERVICES.values()), since=time.time())
    told: queue.SimpleQueue[dict[str, Any] | Exception] = queue.SimpleQueue()
    order = {"scenario": scenario, "speed": speed, "call_sid": call_sid, "count": 1, **numbers}
    placed.started = time.time()
    threading.Thread(target=_caller, args=(order, told), daemon=True).start()
    deadline, reported, counted, waited = None, False, 0.0, False
    try:
        # The first thing that the simulator tells: it dials, or why it does not.
        _news(told)
        accepted()
        for item in stream:
            if isinstance(item, Happening):
                heard(item)
            elif item is not None and item.call_sid == call_sid:
                placed.lines.append(item)
                heard(item)
                # Its job may be tried again for long after the end.
                if RANK[item.level] >= RANK["WARNING"] and not (placed.ended and item.at > placed.ended):
                    counted = max(counted, item.at + _COUNTED_SECONDS)
                placed.end_seen = placed.end_seen or item.event == "CALL_END"
                reported = reported or item.event == _STATUS
                if item.event in ("JOB_DONE", "JOB_FAILED") and _of_the_call(item):
                    placed.job = item.event
            while not told.empty():
                said = _news(told)
                if said.get("what") == "result":
                    placed.result, placed.ended = said, time.time()
                    deadline = time.monotonic() + _PATIENCE_SECONDS
            over = False
            if deadline and placed.end_seen and placed.job:
                over = reported
                # What the carrier says comes with these, or not at all: a service may write no more than warnings.
                deadline = min(deadline, time.monotonic() + _STATUS_SECONDS)
            if deadline and (over or time.monotonic() > deadline):
                left = counted - time.time()
                if left <= 0:
                    break
                if not waited:
                    waits(left)
                waited = True
    except Problem:
        if _simulators(engine) - asked:
            raise Problem(str(refused.SIMULATOR_RENEWED)) from None
        raise
    finally:
        stream.close()
    placed.seconds = float(placed.result.get("duration_ms", (placed.ended - placed.started) * 1000)) / 1000
    return placed


def _simulators(engine: Engine) -> set[str]:
    """Those that run, by their ids."""
    return {container.id for container in engine.containers("simulator") if container.state == "running"}


def _of_the_call(line: Line) -> bool:
    """Whether it is the call's own job that a line of the worker tells of."""
    return line.service == "worker" and (line.fields.get("job") == _JOB or f"job={_JOB}" in line.text)


def _news(told: "queue.SimpleQueue[dict[str, Any] | Exception]") -> dict[str, Any]:
    said = told.get()
    if isinstance(said, Exception):
        raise said
    return said


def _caller(order: dict[str, Any], told: "queue.SimpleQueue[dict[str, Any] | Exception]") -> None:
    """Hands the order to the simulator and reports what it tells; a call that cannot be placed is one Problem."""
    url = urlsplit(os.environ.get("SIMULATOR_URL", "http://simulator:9000"))
    try:
        connection = http.client.HTTPConnection(url.hostname or "simulator", url.port or 80, timeout=_CONNECT_SECONDS)
        connection.connect()
        stream = connection.sock
        stream.settimeout(_ANSWER_SECONDS)
        connection.request("POST", "/_/calls", json.dumps(order), {"Content-Type": "application/json"})
        response = connection.getresponse()
        # It has accepted; callers may be silent for long, and no call is longer than this.
        stream.settimeout(LONGEST_CALL_SECONDS)
        if response.status == http.HTTPStatus.BAD_REQUEST:
            raise Usage(refused.SIMULATOR_REFUSED(why=_reason(response.read())))
        if response.status != http.HTTPStatus.OK:
            raise Problem(refused.SIMULATOR_REFUSED(why=_reason(response.read())))
        told.put({"what": "accepted"})
        last: dict[str, Any] = {}
        for row in response:
            if row.strip():
                last = json.loads(row)
                told.put(last)
        if last.get("what") != "result":
            told.put(Problem(str(refused.SIMULATOR_STOPPED)))
    except (Problem, Usage) as problem:
        told.put(problem)
    except (OSError, ValueError, http.client.HTTPException) as error:
        told.put(Problem(refused.SIMULATOR_AWAY(why=error)))


def _reason(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    with suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["error"])
    return text.splitlines()[0] if text else str(refused.NO_REASON)
