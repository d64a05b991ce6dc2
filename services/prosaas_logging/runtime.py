"""One call that starts logging in a process, and the few that end it."""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import NamedTuple

from .bridge import Bridge
from .catalogue import CONFIG_INVALID, LOG_DROPPED
from .events import AnyEvent
from .gate import Force, put_in_force
from .json_lines import JsonRenderer
from .levels import WARNING, level_name
from .logger import get_logger
from .recorder import Recorder, announcement
from .render import TextRenderer
from .repeats import Repeats
from .scope import Context, Record
from .settings import LogSettings, load_settings
from .switch import Switch
from .writer import Losses, Writer

FLUSH_SECONDS = 1.0
_log = get_logger("prosaas_logging")


class Running(NamedTuple):
    """The parts of a process that logs."""

    settings: LogSettings
    writer: Writer
    repeats: Repeats
    recorder: Recorder
    bridge: Bridge
    switch: Switch


_running: Running | None = None
_starting = threading.Lock()


def bootstrap(service: str, *, environ: Mapping[str, str] | None = None, version: str | None = None) -> LogSettings:
    """Start logging: first thing in an entry point, once for a process; another call changes nothing."""
    global _running
    with _starting:
        if _running is not None:
            return _running.settings
        settings = load_settings(service, environ, version=version)
        _running = _start(settings)
    for problem in settings.problems:
        _log.event(
            CONFIG_INVALID, name=problem.name, value=problem.value, valid=problem.valid, fallback=problem.fallback
        )
    return settings


def flush(timeout: float = FLUSH_SECONDS) -> bool:
    """Wait until everything logged before is written, at most *timeout* seconds; whether it is."""
    running = _running
    if running is None:
        return True
    deadline = time.monotonic() + timeout
    running.recorder.flush(timeout)
    return running.writer.flush(max(0.0, deadline - time.monotonic()))


def shutdown(timeout: float = FLUSH_SECONDS) -> None:
    """Write what is left, at most *timeout* seconds; what is logged after it is written on the spot."""
    running = _running
    if running is None:
        return
    deadline = time.monotonic() + timeout
    running.bridge.finish()
    running.repeats.sweep(everything=True)
    running.recorder.flush(timeout)
    running.switch.stop()
    running.writer.close(max(0.0, deadline - time.monotonic()))


def counters() -> dict[str, dict[tuple[str, str], int]]:
    """Lines written by (level, event) and records lost by (level, cause), for a service's own metrics."""
    running = _running
    if running is None:
        return {"lines": {}, "dropped": {}}
    lines: Counter[tuple[str, str]] = Counter()
    for key, count in list(running.writer.lines.items()):
        level, event = (key, "") if isinstance(key, int) else (key[0], key[1].name)
        lines[level_name(level), event] += count
    return {"lines": lines, "dropped": dict(running.writer.dropped)}


def _start(settings: LogSettings) -> Running:
    text = TextRenderer(settings)
    json_lines = JsonRenderer(settings, text)
    writer = Writer(
        1, json_lines.line if settings.json else text.line, settings.buffer, report=_loss_report, tick=_tick
    )
    repeats = Repeats(writer.submit, text.text)
    recorder = Recorder(settings.blackbox, JsonRenderer(settings, text), writer.submit, announcement(_log))
    bridge = Bridge(flush)
    submit = writer.submit
    submit_repeated = repeats.submit

    def route(record: Record, context: Context) -> None:
        (submit_repeated if record[1] >= WARNING else submit)(record, context)

    bridge.install()
    put_in_force(
        Force(
            threshold=settings.level,
            ring=settings.recorder,
            budget=settings.call_budget,
            submit=route,
            dump=recorder.dump,
            render_entry=text.entry,
            listeners=(bridge.set_levels,),
        )
    )

    def say(event: AnyEvent, fields: dict[str, object]) -> None:
        writer.submit((time.time(), WARNING, _log, event, fields, None), Context({}))

    switch = Switch(settings, say, lambda scope: recorder.dump(scope, "asked for", asked=True))
    writer.start()
    _prepare_for_the_end()
    switch.start()
    return Running(settings, writer, repeats, recorder, bridge, switch)


def _tick() -> None:
    if _running is not None:
        _running.repeats.sweep()
        _running.switch.poll()


def _loss_report(losses: Losses) -> tuple[Record, Context]:
    parts = ", ".join(f"{level} {cause}: {count}" for (level, cause), count in sorted(losses.items()))
    fields: dict[str, object] = {"total": sum(losses.values()), "losses": parts}
    return (time.time(), WARNING, _log, LOG_DROPPED, fields, None), Context({})


def _prepare_for_the_end() -> None:
    """Every way out of the process passes a bounded flush."""
    atexit.register(shutdown)
    os.register_at_fork(after_in_child=_after_fork)
    # Python warns of the threads that a fork leaves behind; ours starts anew in the child, by the line above.
    warnings.filterwarnings("ignore", message=r".*multi-threaded, use of fork\(\)", category=DeprecationWarning)
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
    running = _running
    if running is None:
        return
    running.recorder.restart_after_fork()
    running.switch.restart_after_fork()
    running.writer.restart_after_fork()
    _flush_before_hard_exit()


def _flush_before_hard_exit() -> None:
    """Children that multiprocessing, RQ or billiard forked leave through ``os._exit``, which runs no exit handlers."""
    leave = os._exit
    if getattr(leave, "flushes_log", False):
        return

    def leave_flushed(status: int) -> None:
        shutdown()
        leave(status)

    leave_flushed.flushes_log = True  # type: ignore[attr-defined]
    os._exit = leave_flushed  # type: ignore[assignment]
