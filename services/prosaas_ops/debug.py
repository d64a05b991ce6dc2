"""`make debug-api|calls|worker`: DEBUG without a restart, on the screen and in a file, taken back when you leave."""

import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TextIO

from prosaas_ops import live_switch, sessions
from prosaas_ops.engine import Container, Engine
from prosaas_ops.follow import Follow, Happening
from prosaas_ops.lines import Line
from prosaas_ops.live_calls import live_calls
from prosaas_ops.options import FINE, NOTHING, SERVICES, Options, complain, spoken_duration
from prosaas_ops.terminal import RateCap, Screen, short
from prosaas_ops.trace import output_folder

OPTIONS = ("CALL", "BUSINESS", "PHONE", "FOR", "MAX")

# The container's own time limit, should this process die, comes this much after the one promised.
_GRACE_SECONDS = 5
_AFTER_CALL_SECONDS = 1.0


def run(options: Options) -> int:
    service = SERVICES[options.command.removeprefix("debug-")]
    target = live_switch.target_from(options)
    length = options.duration("FOR", "15m").total_seconds()
    cap = RateCap(options.number("MAX", 200))
    engine, screen = Engine(), Screen()
    container = engine.running(service)
    if target.call_sid and service == "prosaas-calls" and not _is_live(target.call_sid):
        return NOTHING
    for session in sessions.others(engine, options.command):
        screen.say(screen.paint(f"note: {session}", "33"))
    _hear_the_terminal_close()
    stream = Follow(engine, [service], since=time.time())
    live_switch.raise_to_debug(engine, container, target, f"{round(length) + _GRACE_SECONDS}s")
    path = output_folder() / f"{options.command}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}.log"
    until = datetime.fromtimestamp(time.time() + length, UTC)
    screen.say(
        f"DEBUG for {target} in {service} until {until:%H:%M:%S} UTC ({spoken_duration(length)}); Ctrl-C takes it back"
    )
    screen.say(f"every line goes to {path}; the screen shows up to {options.number('MAX', 200)} a second")
    try:
        with path.open("w", encoding="utf-8", buffering=1) as file:
            why = _show(stream, target, cap, screen, file, time.monotonic() + length)
    except KeyboardInterrupt:
        why = "you left"
    finally:
        # A second Ctrl-C must not stop what the first one asked for.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stream.close()
        left_on = _leave(engine, container, target, options.command)
    return _farewell(screen, service, target, why, left_on, str(path))


def _is_live(call_sid: str) -> bool:
    calls = live_calls()
    if any(call.call_sid == call_sid for call in calls):
        return True
    known = ", ".join(call.call_sid for call in calls) or "none"
    complain(f"debug-calls: {call_sid} is not live now; live calls: {known}. One that has ended: make trace CALL=")
    return False


def _show(
    stream: Follow, target: live_switch.Target, cap: RateCap, screen: Screen, file: TextIO, deadline: float
) -> str:
    """Shows and keeps lines until there is a reason to stop, which it returns."""
    ended_at = None
    for item in stream:
        now = time.monotonic()
        if isinstance(item, Happening):
            screen.say(screen.happening(item))
            if item.what == "die":
                return "the service stopped: after a restart it is at its configured level"
        elif item is not None:
            if not target.call_sid or item.call_sid == target.call_sid:
                file.write("\n".join([f"{item.stamp} {item.human()}", *item.stack]) + "\n")
                if cap.admit():
                    screen.say(screen.line(item))
            if _reverted(item, target):
                return "somebody took it back (make quiet, or another terminal)"
            if item.event == "CALL_END" and item.call_sid and item.call_sid == target.call_sid:
                ended_at = now
        if held := cap.report():
            screen.say(screen.dim(f"… {held} lines not shown here, all are in the file (raise it with MAX=)"))
        if ended_at is not None and now > ended_at + _AFTER_CALL_SECONDS:
            return "the call ended"
        if now >= deadline:
            return "the time is over"
    return "the log ended"


def _reverted(line: Line, target: live_switch.Target) -> bool:
    return line.event == "LOG_LEVEL_REVERTED" and all(word in line.text for word in str(target).split()[1:])


def _leave(engine: Engine, container: Container, target: live_switch.Target, command: str) -> list[sessions.Session]:
    """Takes the level back, unless another terminal still debugs the same target."""
    sharing = [session for session in sessions.others(engine, command) if session.target == target]
    if not sharing:
        live_switch.lower(engine, container, target)
    return sharing


def _farewell(
    screen: Screen, service: str, target: live_switch.Target, why: str, sharing: list[sessions.Session], path: str
) -> int:
    screen.say()
    if sharing:
        screen.say(f"{why}. DEBUG for {target} stays on: {sharing[0]} and takes it back")
    else:
        screen.say(f"{why}. {service} is at its configured level again for {target}")
    call = f" · make trace CALL={target.call_sid}" if target.call_sid else ""
    screen.say(screen.dim(f"next: less -R {path}{call} · make quiet-{short(service)}"))
    return FINE


def _hear_the_terminal_close() -> None:
    """The wrapper keeps this process's stdin open as long as its terminal lives; its end is a hang-up."""
    if os.environ.get("OPS_STDIN") != "terminal":
        return

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, daemon=True).start()
