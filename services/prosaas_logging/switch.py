"""The live switch's other end: every process follows the state file, running calls included, and reverts by itself."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from .catalogue import LOG_LEVEL_CHANGED, LOG_LEVEL_REVERTED
from .events import AnyEvent
from .levels import level_name
from .policy import apply, in_force, level_named
from .scope import Scope, live_scopes
from .settings import LogSettings
from .switch_state import (
    TARGETS,
    Change,
    Presence,
    State,
    read_state,
    remove_presence,
    started_at,
    write_presence,
)

POLL_SECONDS: Final = 0.25

Say = Callable[[AnyEvent, dict[str, object]], None]
Fingerprint = tuple[int, int, int] | None


class Switch:
    """What the state file asks of this process."""

    def __init__(
        self,
        settings: LogSettings,
        say: Say,
        dump: Callable[[Scope], object],
        clock: Callable[[], float] = time.time,
        *,
        silent: bool = False,
    ) -> None:
        self._settings = settings
        self._say = say
        self._dump = dump
        self._clock = clock
        self._path: Path = settings.switch_file
        self._seen: Fingerprint = None
        self._state = State()
        self._due = 0.0
        self._present = False
        # It follows without a word, and is not counted: beside a process that it serves.
        self._silent = silent

    def start(self) -> None:
        """Follow what is asked already, and say that this process is here."""
        self._state = State(dumps=read_state(self._path).dumps)
        self.poll()

    def restart_after_fork(self) -> None:
        """A child follows from where its parent stood, and is counted by itself once it is sure to stay Python."""
        self._due = self._clock() + POLL_SECONDS
        self._present = False

    def stop(self) -> None:
        """The process is leaving."""
        self._present = True
        self._due = math.inf
        remove_presence(self._path, os.getpid())

    def poll(self) -> None:
        """Look at the file, a few times a second, and at the clock."""
        now = self._clock()
        if 0 <= self._due - now <= POLL_SECONDS or self._due == math.inf:
            return
        self._due = now + POLL_SECONDS
        seen = _fingerprint(self._path)
        state = read_state(self._path) if seen != self._seen else self._state
        asked = [name for name, number in state.dumps.items() if number != self._state.dumps.get(name)]
        former, current = self._state, state.at(now)
        changed = seen != self._seen or former.changes != current.changes
        if former.changes != current.changes:
            self._apply(current)
        # Only now, for what failed half-way is to be tried again.
        self._seen, self._state = seen, current
        if former.changes != current.changes and not self._silent:
            self._announce(former, current)
        if (changed or not self._present) and not self._silent:
            self._write_presence()
            self._present = True
        for scope in live_scopes() if asked else ():
            if scope.id in asked:
                self._dump(scope)

    def _apply(self, state: State) -> None:
        changes = sorted(state.changes, key=lambda item: TARGETS.index(item.target))
        targets = tuple(item for item in changes if item.target not in ("service", "logger"))
        # A switch is stronger than a setting: with the service at another level, only what was switched by name counts.
        names = {} if _of_service(state) else dict(self._settings.levels)
        names |= {item.value: item.number for item in changes if item.target == "logger"}
        threshold = self._threshold(state)
        apply(replace(in_force(), threshold=threshold, targets=targets, names=tuple(names.items())))

    def _announce(self, former: State, current: State) -> None:
        """Say what is new and what is over, whatever the level."""
        now = self._clock()
        before = {(item.target, item.value): item for item in former.changes}
        after = {(item.target, item.value): item for item in current.changes}
        for key, item in after.items():
            if before.get(key) != item:
                left = max(0, round(item.until - now))
                self._say(LOG_LEVEL_CHANGED, {"level": item.level, "target": str(item), "for_s": left, "by": "logctl"})
        for key, item in before.items():
            if key not in after:
                why = "time is over" if item.until <= now else "reset"
                level = level_name(self._level_without(item, current))
                self._say(LOG_LEVEL_REVERTED, {"level": level, "target": str(item), "why": why})

    def _level_without(self, over: Change, state: State) -> int:
        """What holds for the target of *over*, which is over, in *state*."""
        if over.target == "service":
            return self._settings.level
        named = level_named(over.value, in_force().names) if over.target == "logger" else None
        return self._threshold(state) if named is None else named

    def _threshold(self, state: State) -> int:
        override = _of_service(state)
        return override.number if override else self._settings.level

    def _write_presence(self) -> None:
        override = _of_service(self._state)
        write_presence(
            self._path,
            Presence(
                service=self._settings.service,
                pid=os.getpid(),
                level=level_name(self._threshold(self._state)),
                source="logctl" if override else self._settings.level_source,
                base=level_name(self._settings.level),
                blackbox=self._settings.blackbox,
                revision=self._state.revision,
                started=started_at(os.getpid()) or 0,
            ),
        )


def _of_service(state: State) -> Change | None:
    return next((item for item in state.changes if item.target == "service"), None)


def _fingerprint(path: Path) -> Fingerprint:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
