"""What the console asks and does: the commands' own functions, masked, and shared by all who look just then."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from prosaas_core.phones import is_withheld
from prosaas_ops.act.capture import gathered, masked
from prosaas_ops.ask.blackbox import Recording, recorded
from prosaas_ops.console.live import Tail
from prosaas_ops.lock import at_work
from prosaas_ops.masks import Masker, known_secrets
from prosaas_ops.options import SERVICES
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.alerts import standing
from prosaas_ops.stack.day import Day, HeldJob, day
from prosaas_ops.stack.engine import Container, Engine, Gone
from prosaas_ops.stack.follow import merged
from prosaas_ops.stack.lines import Line, naming
from prosaas_ops.stack.live_calls import LiveCall, live_calls
from prosaas_ops.stack.records import call_record
from prosaas_ops.started import is_demo
from prosaas_ops.stories.call import Story, tell
from prosaas_ops.texts.told import WITHHELD

T = TypeVar("T")

DEBUG_SECONDS = 900
# Ten who look at one live call ask once.
_FRESH_SECONDS = 1.0
_MOST_KEPT = 20
_CAPTURED = timedelta(hours=1)


class Numbers(NamedTuple):
    """Both ends of a call, whole."""

    caller: str
    called: str


class Shared:
    """Answers kept for a moment, so that the same question at the same time is asked once."""

    def __init__(self, seconds: float = _FRESH_SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._now = seconds, now
        self._lock = threading.Lock()
        self._asking: dict[object, threading.Lock] = {}
        self._kept: dict[object, tuple[float, object]] = {}

    def get(self, key: object, ask: Callable[[], T]) -> T:
        with self._lock:
            turn = self._asking.setdefault(key, threading.Lock())
        with turn:
            at, answer = self._kept.get(key, (-1e9, None))
            if self._now() - at >= self._seconds:
                answer = ask()
                with self._lock:
                    self._kept[key] = self._now(), answer
                    while len(self._kept) > _MOST_KEPT:
                        oldest = next(iter(self._kept))
                        del self._kept[oldest]
                        self._asking.pop(oldest, None)
            return answer  # type: ignore[return-value]


class World:
    """One stack, as the console sees it. Methods block: they are called from threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._masker = Masker(known_secrets())
        self._shared = Shared()
        self.tail = Tail(engine, (*SERVICES.values(), "postgres", "gateway"))

    def story(self, call_sid: str) -> Story | None:
        """The story without a secret, and with the ends of phone numbers alone."""
        return self._shared.get(("story", call_sid), lambda: self._tell(call_sid))

    def _tell(self, call_sid: str) -> Story | None:
        story = tell(self._engine, call_sid)
        if story is None:
            return None
        shown = masked(story, self._masker)
        if story.record is not None and shown.record is not None:
            caller, called = shortened(story.record.from_number), shortened(story.record.to_number)
            shown.record = replace(shown.record, from_number=caller, to_number=called)
        return shown

    def numbers(self, call_sid: str) -> Numbers | None:
        """Who rang whom, whole: the caller writes down who asked."""
        record = call_record(call_sid)
        return None if record is None else Numbers(record.from_number, record.to_number)

    def live(self) -> list[LiveCall] | None:
        """The calls that are up now; None where prosaas-calls does not say."""
        return self._shared.get("live", lambda: live_calls(self._engine))

    def debug_left(self, call_sid: str) -> float:
        """For how many seconds yet the call is at DEBUG; 0 where it is not."""
        target = live_switch.Target(call_sid)
        return max(self._of_each(lambda one: live_switch.seconds_left(self._engine, one, target)), default=0.0)

    def raise_debug(self, call_sid: str) -> None:
        """DEBUG for the call; each container takes it back by itself when the time is over."""
        target, time = live_switch.Target(call_sid), f"{DEBUG_SECONDS}s"
        self._of_each(lambda one: live_switch.raise_to_debug(self._engine, one, target, time))

    def lower_debug(self, call_sid: str) -> None:
        self._of_each(lambda one: live_switch.lower(self._engine, one, live_switch.Target(call_sid)))

    def _of_each(self, ask: Callable[[Container], T]) -> list[T]:
        """Of every generation, for the call may be an older one's; one that is gone by now has none."""
        answers = []
        for one in self._engine.generations("prosaas-calls"):
            with suppress(Gone):
                answers.append(ask(one))
        return answers

    def recordings(self, call_sid: str) -> list[Recording]:
        """The flight recorder of the call; empty where it has nothing."""
        found = recorded(self._engine, call_sid)
        for recording in found:
            recording.moments = [(at, self.masked(line)) for at, line in recording.moments]
        return found

    def capture(self, call_sid: str) -> tuple[str, bytes]:
        """The name and the bytes of one file with the last hour, or with all of one call."""
        until = datetime.now(UTC)
        start = until - _CAPTURED
        record = call_record(call_sid) if call_sid else None
        if record is not None and record.started_at is not None:
            start = record.started_at - timedelta(minutes=1)
            until = (record.ended_at or until) + _CAPTURED
        window = start.timestamp(), until.timestamp()
        lines = merged(self._engine, tuple(SERVICES.values()), *window, naming(call_sid))
        if call_sid:
            lines = [line for line in lines if line.call_sid == call_sid]
        return gathered(self._engine, lines, start, call_sid, self._masker)

    def day(self) -> Day:
        return self._shared.get("day", self._day)

    def alerts(self) -> list[str]:
        """What stands now, as far as there is an Alertmanager, without what something else explains."""
        found = self._shared.get("alerts", standing) or []
        return [f"{alert.name}: {alert.told}" for alert in found if not alert.hidden]

    def at_work(self) -> str:
        """The command that changes the stack just now, asked anew: it may just have begun."""
        return at_work()

    def held(self) -> list[HeldJob]:
        """Asked anew: a job may just have been put back."""
        return self._day().held

    def _day(self) -> Day:
        return day(datetime.now(UTC), demo=is_demo(self._engine))

    def retry(self, job: int) -> str:
        """What the worker's own tool says of putting a held job back."""
        worker = self._engine.running("worker")
        _, out, err = self._engine.run(worker, "python", "-m", "prosaas_worker.admin", "retry", str(job))
        return (out or err).strip()

    def masked(self, line: Line) -> Line:
        return masked(line, self._masker)


def shortened(number: str) -> str:
    """The end of a number, by which people tell them apart; what is no number stays as it is."""
    if is_withheld(number):
        return str(WITHHELD)
    return f"…{number[-4:]}" if sum(map(str.isdigit, number)) > 5 else number
