"""One call that starts logging in a process, and the few that end it."""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from types import FrameType
from typing import Final, NamedTuple, NoReturn

from .adopt.bridge import Bridge
from .adopt.descriptors import Descriptors, capture
from .adopt.follow import follow_threads
from .catalogue import CONFIG_INVALID, LOG_DROPPED
from .events import AnyEvent
from .json_lines import JsonRenderer
from .levels import level_name
from .logger import get_logger
from .losses import Lost
from .policy import Policy, Recorded, apply, in_force
from .real import Lock
from .record import Context, Record, ours
from .recorder import Recorder
from .render import TextRenderer
from .scope import current, tell_all
from .settings import LogSettings, load_settings
from .switch import Switch
from .trouble import Repeats, Said
from .writer import Writer

FLUSH_SECONDS: Final = 1.0
# Below every level that anybody names.
_LOWEST: Final = 1
_log = get_logger("prosaas_logging")


class Running(NamedTuple):
    """The parts of a process that logs."""

    settings: LogSettings
    writer: Writer
    recorder: Recorder
    bridge: Bridge
    switch: Switch
    descriptors: Descriptors | None


_running: Running | None = None
_starting = Lock()


def bootstrap(
    service: str,
    *,
    environ: Mapping[str, str] | None = None,
    version: str | None = None,
    packages: Iterable[str] = (),
) -> LogSettings:
    """Start logging: first thing in an entry point, once for a process; another call changes nothing.

    *packages* are the service's own: an installed one would be taken for a library, which is quieter.
    """
    global _running
    with _starting:
        if _running is not None:
            return _running.settings
        settings = load_settings(service, environ, version=version)
        _running = _start(settings, frozenset(packages))
    for problem in settings.problems:
        _log.event(
            CONFIG_INVALID, name=problem.name, value=problem.value, valid=problem.valid, fallback=problem.fallback
        )
    return settings


def relay(settings: LogSettings) -> None:
    """Start logging in the process that reads another's descriptors, which has told what is wrong in its settings."""
    global _running
    _running = _start(replace(settings, descriptors=""), frozenset(), silent=True)


def flush(timeout: float = FLUSH_SECONDS) -> bool:
    """Wait until what was logged before is written or counted as lost, at most *timeout* seconds; whether it is."""
    running = _running
    if running is None:
        return True
    deadline = time.monotonic() + timeout
    recorded = running.recorder.flush(timeout)
    return running.writer.flush(max(0.0, deadline - time.monotonic())) and recorded


def shutdown(timeout: float = FLUSH_SECONDS) -> None:
    """Write what is left, at most *timeout* seconds, half as much more for what is read from descriptors 1 and 2.

    What is logged after it is written on the spot.
    """
    running = _running
    if running is None:
        return
    deadline = time.monotonic() + timeout
    running.bridge.finish()
    running.recorder.flush(timeout)
    running.switch.stop()
    running.writer.close(max(0.0, deadline - time.monotonic()))
    if running.descriptors is not None:
        running.descriptors.finish(max(timeout / 2, deadline - time.monotonic()))


def counters() -> dict[str, dict[tuple[str, str], int]]:
    """Lines written by (level, event) and what was lost by (level, cause), for a service's own metrics."""
    running = _running
    if running is None:
        return {"lines": {}, "dropped": {}}
    lines: Counter[tuple[str, str]] = Counter()
    for key, count in list(running.writer.lines.items()):
        level, event = (key, "") if isinstance(key, int) else (key.level, key.name)
        lines[level_name(level), event] += count
    dropped = dict(running.writer.dropped)
    if running.recorder.suppressed:
        dropped["BLACKBOX", "suppressed"] = running.recorder.suppressed
    return {"lines": lines, "dropped": dropped}


def _start(settings: LogSettings, packages: frozenset[str], *, silent: bool = False) -> Running:
    descriptors = capture(settings.service, first=settings.descriptors == "first") if settings.descriptors else None
    output = 1 if descriptors is None else descriptors.output
    text = TextRenderer(settings)
    render = JsonRenderer(settings, text).line if settings.json else text.line
    writer = Writer(output, render, settings.buffer, report=_loss_report, repeats=Repeats(text.text), tick=_tick)
    recorder = Recorder(
        settings.blackbox,
        JsonRenderer(settings, text),
        writer.submit,
        folded=settings.folded == "file",
        place=settings.place,
    )
    bridge = Bridge(flush)
    bridge.install()
    if settings.follow_threads:
        follow_threads()
    apply(
        Policy(
            threshold=settings.level,
            names=settings.levels,
            packages=packages,
            ring=settings.recorder,
            budget=settings.call_budget,
            submit=writer.submit,
            dump=recorder.dump,
            keep_folded=recorder.keep_folded,
            where_folded=recorder.where_folded,
            render_entry=text.entry,
        )
    )

    def say(event: AnyEvent, fields: dict[str, object]) -> None:
        writer.submit(ours(event, fields), Context({}))

    switch = Switch(settings, say, lambda scope: recorder.dump(scope, "asked for", always=True), silent=silent)
    writer.start()
    _prepare_for_the_end()
    switch.start()
    return Running(settings, writer, recorder, bridge, switch, descriptors)


def _tick() -> None:
    if _running is not None:
        _running.switch.poll()
        _running.recorder.sweep()
        tell_all(time.time())
        if _running.descriptors is not None and _running.descriptors.lost():
            _log.warning("what is written to descriptors 1 and 2 is no event any more: its reader has ended")


def _loss_report(losses: Lost) -> Said:
    parts = ", ".join(f"{level} {cause}: {count}" for (level, cause), count in sorted(losses.items()))
    return ours(LOG_DROPPED, {"total": sum(losses.values()), "losses": parts}), Context({})


def _prepare_for_the_end() -> None:
    """Every way out of the process passes a bounded flush."""
    atexit.register(shutdown)
    os.register_at_fork(after_in_child=_after_fork)
    _flush_before_hard_exit()
    if not faulthandler.is_enabled() and sys.__stderr__ is not None:
        with suppress(OSError, ValueError):
            faulthandler.enable(sys.__stderr__)
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, frame: FrameType | None) -> None:
    """For a program without a handler of its own: what it said last is written, and then it ends as it would have."""
    shutdown()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    # The first process of a container is immune to its own default action.
    os._exit(128 + number)


def _after_fork() -> None:
    """A child starts from nothing, and starts nothing before it says something: it may be about to run another program.

    Until then its policy lets everything through, and the first thing that comes puts the former policy in force.
    """
    running = _running
    if running is None:
        return
    running.bridge.restart_after_fork()
    running.recorder.reset()
    running.switch.restart_after_fork()
    running.writer.reset()
    policy = in_force()
    if policy.wake is not None:
        return

    def wake() -> None:
        apply(policy)
        running.writer.start()

    def submit(record: Record, context: Context) -> None:
        wake()
        if record[1] >= policy.level_for(context.fields):
            policy.submit(record, context)
        else:
            current().keep(record)

    def dump(scope: Recorded, reason: str, always: bool) -> bool:
        wake()
        return policy.dump(scope, reason, always)

    apply(replace(policy, threshold=_LOWEST, targets=(), submit=submit, dump=dump, wake=wake))


def _flush_before_hard_exit() -> None:
    """``os._exit`` runs no exit handlers, and is how children leave that multiprocessing, RQ or billiard forked."""
    leave = os._exit

    @wraps(leave)
    def leave_flushed(status: int) -> NoReturn:
        shutdown()
        leave(status)

    os._exit = leave_flushed
