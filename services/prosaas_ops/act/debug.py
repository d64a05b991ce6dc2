"""`make debug-api|calls|worker`: DEBUG without a restart, on the screen and in a file, taken back when you leave."""

import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TextIO

from prosaas_ops.files import output_folder
from prosaas_ops.options import FINE, NOTHING, OTHERS, Options, Problem, Usage, complain, spoken_duration
from prosaas_ops.screen.piece import piece
from prosaas_ops.screen.terminal import Prose, RateCap, Screen, short
from prosaas_ops.stack import sessions
from prosaas_ops.stack import switch as live_switch
from prosaas_ops.stack.engine import Container, Engine
from prosaas_ops.stack.follow import Follow, Happening
from prosaas_ops.stack.found import calls_of, is_ending
from prosaas_ops.stack.lines import Line
from prosaas_ops.stack.live_calls import live_calls
from prosaas_ops.stack.naming import one_call
from prosaas_ops.stack.records import business_known, missing_digits
from prosaas_ops.stack.swarm import opened
from prosaas_ops.texts import lines as words
from prosaas_ops.texts import told

OPTIONS = ("CALL", "BUSINESS", "PHONE", "FOR", "MAX", *(("S",) if OTHERS else ()))

_AFTER_CALL_SECONDS = 1.0
_LEAST_DIGITS = 7


def run(options: Options) -> int:
    service = options.service()
    target = live_switch.target_from(options)
    few = len(re.sub(r"\D", "", target.phone)) < _LEAST_DIGITS or is_ending(target.phone)
    if target.phone and (few or missing_digits(target.phone)):
        raise Usage(words.NOT_WHOLE(phone=options.text("PHONE")))
    length = options.duration("FOR", "15m").total_seconds()
    cap = RateCap(options.number("MAX", 200))
    engine, screen = opened(), Screen()
    target = replace(target, call_sid=one_call(engine, options))
    containers = {found.id: found for found in engine.generations(service)}
    if target.call_sid and service == "prosaas-calls" and not _is_live(engine, target.call_sid):
        return NOTHING
    if not _is_known(target):
        screen.say(Prose(screen.warn(words.UNKNOWN_TARGET(target=target))))
    for session in sessions.others(engine, options.command):
        screen.say(Prose(screen.warn(words.NOTE(what=session))))
    sharing: list[sessions.Session] = []

    def stays(container: Container) -> bool:
        """Whether another terminal debugs the same target, and nobody has taken it back."""
        same = [session for session in sessions.others(engine, options.command) if session.target == target]
        sharing[:] = same if same and _is_on(engine, container, target) else []
        return bool(sharing)

    path = output_folder() / f"{options.command}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}.log"
    with closing(Follow(engine, [service], since=time.time())) as stream:
        try:
            with live_switch.raised(engine, list(containers.values()), target, length, stays) as raise_in:
                until = f"{datetime.fromtimestamp(time.time() + length, UTC):%H:%M:%S} UTC"
                length_said = spoken_duration(length)
                screen.say(Prose(words.DEBUGGING(target=target, service=service, until=until, length=length_said)))
                screen.say(Prose(words.TO_FILE(path=path, most=options.number("MAX", 200))))
                with path.open("w", encoding="utf-8", buffering=1) as file:
                    watch = Watch(
                        target,
                        length,
                        lambda: any(_is_on(engine, found, target) for found in containers.values()),
                        lambda: _joined(engine, service, containers, raise_in),
                    )
                    try:
                        why = watch.show(stream, screen, cap, file)
                    except KeyboardInterrupt:
                        why = str(words.YOU_LEFT)
                    # It is read while it grows, under its own name: what a full disk or a kill ended lacks this row.
                    file.write(f"{words.FILE_ENDS(why=why)}\n")
        except KeyboardInterrupt:
            why = str(words.YOU_LEFT)
    return _farewell(screen, service, target, why, sharing, str(path))


def _joined(
    engine: Engine, service: str, containers: dict[str, Container], raise_in: Callable[[Container], None]
) -> bool:
    """Take in a generation that has come since; whether any runs."""
    running = [found for found in engine.containers(service) if found.state == "running"]
    for found in running:
        if found.id not in containers:
            # One that has just begun does not listen yet; the engine tells of it again once it is healthy.
            with suppress(Problem):
                raise_in(found)
                containers[found.id] = found
    return bool(running)


def _is_known(target: live_switch.Target) -> bool:
    """Whether the database has heard of the number or the business; where it cannot be asked, it may have."""
    with suppress(Problem, Usage):
        if target.phone:
            return calls_of(target.phone).every > 0
        if target.business.isdecimal():
            return business_known(int(target.business))
    return True


def _is_live(engine: Engine, call_sid: str) -> bool:
    """Whether the call can be debugged; where nobody can say which are live, the operator's word is taken."""
    calls = live_calls(engine)
    if calls is None or any(call.call_sid == call_sid for call in calls):
        return True
    known = ", ".join(call.call_sid for call in calls) or words.NONE
    complain(f"debug-calls: {words.NOT_LIVE(call_sid=call_sid, known=known)}")
    return False


class Watch:
    """Shows and keeps the target's lines until there is a reason to stop."""

    def __init__(
        self,
        target: live_switch.Target,
        length: float,
        still_on: Callable[[], bool],
        still_runs: Callable[[], bool] = lambda: False,
    ) -> None:
        self._target = target
        self._deadline = time.monotonic() + length
        self._still_on = still_on
        # Asked at each thing that happens to a container of the service.
        self._still_runs = still_runs
        self._ended_at: float | None = None

    def show(self, stream: Iterable[Line | Happening | None], screen: Screen, cap: RateCap, file: TextIO) -> str:
        """Returns the reason, in words for the operator."""
        for item in stream:
            if held := cap.report():
                screen.say(Prose(screen.dim(words.NOT_SHOWN(held=held))))
            if isinstance(item, Happening):
                screen.say(screen.happening(item))
            elif item is not None and self._concerns(item):
                rows = [f"{item.stamp} {item.human()}", *item.stack]
                file.write("".join(f"{piece(row)}\n" for row in rows))
                if cap.admit(item):
                    screen.say(*screen.line(item, self._target.call_sid))
            if reason := self._reason(item):
                return reason
        return str(words.LOG_ENDED)

    def _concerns(self, line: Line) -> bool:
        return not self._target.call_sid or line.call_sid == self._target.call_sid

    def _reason(self, item: Line | Happening | None) -> str:
        now = time.monotonic()
        if isinstance(item, Happening):
            runs = self._still_runs()
            if item.what == "die" and not runs:
                return str(words.STOPPED)
            return ""
        if item is not None:
            if item.event == "LOG_LEVEL_REVERTED" and not self._still_on():
                return str(words.TAKEN_BACK)
            if item.event == "CALL_END" and item.call_sid and item.call_sid == self._target.call_sid:
                self._ended_at = now
        if self._ended_at is not None and now > self._ended_at + _AFTER_CALL_SECONDS:
            return str(words.CALL_ENDED)
        return str(words.TIME_OVER) if now >= self._deadline else ""


def _is_on(engine: Engine, container: Container, target: live_switch.Target) -> bool:
    """Not when somebody took it back, nor when the service has stopped."""
    try:
        return live_switch.seconds_left(engine, container, target) > 0
    except Problem:
        return False


def _farewell(
    screen: Screen, service: str, target: live_switch.Target, why: str, sharing: list[sessions.Session], path: str
) -> int:
    screen.say()
    if sharing:
        screen.say(Prose(words.STAYS_ON(why=why, target=target, session=sharing[0])))
    else:
        screen.say(Prose(words.CONFIGURED_AGAIN(why=why, service=service, target=target)))
    call = f" · make trace CALL={target.call_sid}" if target.call_sid else ""
    quiet = f" · make quiet-{short(service)}" if sharing else ""
    screen.say(Prose(screen.dim(told.NEXT(commands=f"less {path}{call}{quiet}"))))
    return FINE
