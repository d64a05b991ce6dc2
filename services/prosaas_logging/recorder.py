"""Writes the flight recorder's files: a ring is rendered only when something went wrong, and the files are bounded."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from .catalogue import BLACKBOX_FAILED, BLACKBOX_WRITTEN
from .events import AnyEvent
from .json_lines import JsonRenderer
from .policy import Recorded
from .real import Empty, Event, SimpleQueue, Thread
from .record import Context, Record, drain, ours
from .values import dump, freeze

TOTAL_BYTES: Final = 64 * 1024**2
# Files beyond so many are as bad as bytes: whoever looks for the oldest looks at each.
MOST_FILES: Final = 2000
# Rings that wait for a slow disk; more would be memory without a bound.
MOST_WAITING: Final = 64
# An error storm writes this many files at once, and then one every few seconds.
BURST: Final = 10
REFILL_SECONDS: Final = 6.0
_TELL_SECONDS: Final = 30.0
# What was folded away: how often it is written, how many lines may wait for that, and how much of one scope is kept.
FOLDED_SECONDS: Final = 1.0
MOST_FOLDED_WAITING: Final = 4096
MOST_FOLDED_BYTES: Final = 1024**2
FOLDED_DIRECTORY: Final = "folded"
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]")


class Dump(NamedTuple):
    """A ring on its way to a file."""

    name: str
    kind: str
    reason: str
    records: list[Record]
    context: Context


class Recorder:
    """Writes rings on a thread of its own, for a slow disk must hold up neither a call nor its lines."""

    def __init__(
        self,
        target: str,
        render: JsonRenderer,
        submit: Callable[[Record, Context], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        folded: bool = False,
        place: str = "",
    ) -> None:
        self._target = target
        self._place = {"place": place} if place else {}
        self._keeps_folded = folded and target.startswith("/")
        self._render = render
        self._submit = submit
        self._clock = clock
        self._tokens = float(BURST)
        self._refilled = clock()
        self.reset()

    def reset(self) -> None:
        """In a forked child: the thread starts again with the first dump, and what it has to tell is the parent's."""
        self._queue: SimpleQueue[Dump | Event] = SimpleQueue()
        # Lines that a budget folded away, each with its scope's name.
        self._folded: deque[tuple[str, Record, Context]] = deque()
        self._folded_at = self._told_at = self._clock()
        self._thread = Thread(self._run)
        self.suppressed = 0
        self._told = 0

    def dump(self, scope: Recorded, reason: str, always: bool = False) -> bool:
        """Hand what *scope* recorded over to be written; whether there was anything, and room for it.

        An error storm is bounded in pace; what is *always* wanted, only by how many rings wait for the disk.
        """
        if not self._target:
            return False
        if self._queue.qsize() >= MOST_WAITING or not (always or self._take_token()):
            self.suppressed += 1
            return False
        records = scope.drain()
        if not records:
            if not always:
                self._tokens += 1
            return False
        self._queue.put(Dump(file_name(scope.id), scope.kind, reason, records, scope.context))
        self._start()
        return True

    def keep_folded(self, scope: Recorded, record: Record) -> None:
        """Have a folded line written to the scope's file, soon; beyond what may wait for that it is counted."""
        if not self._keeps_folded:
            return
        if len(self._folded) >= MOST_FOLDED_WAITING:
            self.suppressed += 1
            return
        self._folded.append((file_name(scope.id), record, scope.context))

    def where_folded(self, scope: Recorded) -> str:
        """The file of a scope's folded lines; without one, a word for where else they are."""
        return str(self._folded_path(file_name(scope.id))) if self._keeps_folded else "recorder"

    def _folded_path(self, name: str) -> Path:
        return Path(self._target) / FOLDED_DIRECTORY / f"{name}.jsonl"

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait until the dumps and the folded lines so far are written."""
        if not self._folded and not self._thread.running:
            return self._queue.empty()
        done = Event()
        self._queue.put(done)
        self._start()
        return done.wait(timeout)

    def sweep(self) -> None:
        """Have folded lines written, and tell how many recordings were too many to be written, each now and then."""
        if self._folded and self._clock() - self._folded_at >= FOLDED_SECONDS:
            self._folded_at = self._clock()
            self._queue.put(Event())
            self._start()
        if (count := self.suppressed - self._told) and self._clock() - self._told_at >= _TELL_SECONDS:
            self._told_at = self._clock()
            self._told += count
            self._say(BLACKBOX_FAILED, {"count": count, "error": "too many at once"}, Context({}))

    def _start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:
            # The interpreter ends and starts no more threads.
            with suppress(Empty):
                while True:
                    self._handle(self._queue.get_nowait())

    def _take_token(self) -> bool:
        now = self._clock()
        self._tokens = min(float(BURST), self._tokens + (now - self._refilled) / REFILL_SECONDS)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _run(self) -> None:
        while True:
            self._handle(self._queue.get())

    def _handle(self, item: Dump | Event) -> None:
        try:
            self._write_folded()
        except Exception as broken:
            self._say(BLACKBOX_FAILED, {"count": 1, "error": f"{type(broken).__name__}: {broken}"}, Context({}))
        if isinstance(item, Event):
            item.set()
            return
        try:
            where = self._write(item)
        except Exception as broken:
            error = f"{type(broken).__name__}: {broken}"
            self._say(BLACKBOX_FAILED, {"count": 1, "error": error, "reason": item.reason}, item.context)
            return
        fields = {"path": where, "records": len(item.records), "reason": item.reason}
        self._say(BLACKBOX_WRITTEN, fields, item.context)

    def _write_folded(self) -> None:
        """Append what waits to the files of its scopes, of each so much and no more; one that fails costs no other."""
        lines: dict[str, list[bytes]] = {}
        failed, why = 0, ""
        for name, record, context in drain(self._folded):
            try:
                line = self._render.line(frozen(record), context)
            except Exception as broken:
                failed, why = failed + 1, f"{type(broken).__name__}: {broken}"
            else:
                lines.setdefault(name, []).append(line)
        if lines:
            make_room(self._folded_path("").parent, sum(len(line) for some in lines.values() for line in some))
        for name, some in lines.items():
            try:
                self._append(name, some)
            except Exception as broken:
                failed, why = failed + len(some), f"{type(broken).__name__}: {broken}"
        if failed:
            self._say(BLACKBOX_FAILED, {"count": failed, "error": why}, Context({}))

    def _append(self, name: str, lines: list[bytes]) -> None:
        with open(self._folded_path(name), "ab", opener=_ours_to_read) as file:
            left = MOST_FOLDED_BYTES - file.tell()
            for line in lines:
                left -= len(line)
                if left >= 0:
                    file.write(line)

    def _say(self, event: AnyEvent, fields: dict[str, object], context: Context) -> None:
        self._submit(ours(event, fields), context)

    def _write(self, item: Dump) -> str:
        """Write a ring out; where it went."""
        if self._target == "stdout":
            for record in item.records:
                moment = time.strftime("%H:%M:%S", time.gmtime(record[0])) + f".{int(record[0] % 1 * 1000):03d}Z"
                self._submit(frozen(record), Context(item.context.fields, (*item.context.tail, f"recorded={moment}")))
            return "stdout"
        path = Path(self._target, f"{item.name}.jsonl")
        head = {"blackbox": item.name, "kind": item.kind, "reason": item.reason, "records": len(item.records)}
        lines = [dump(head | self._place) + b"\n"]
        lines += [self._render.line(frozen(record), item.context) for record in item.records]
        make_room(path.parent, sum(map(len, lines)))
        with open(path, "ab", opener=_ours_to_read) as file:
            file.writelines(lines)
        return str(path)


def _ours_to_read(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)


def frozen(record: Record) -> Record:
    """A record from a ring, its values made plain at last."""
    moment, level, logger, what, fields, error = record
    return moment, level, logger, what, freeze(fields), error


def file_name(identity: str) -> str:
    """*identity* as a file's name; it may come from the network, so nothing in it may be a path."""
    return _NOT_IN_A_NAME.sub("_", identity).lstrip(".")[:100] or "unnamed"


def make_room(directory: Path, needed: int, total: int = TOTAL_BYTES, most: int = MOST_FILES) -> None:
    """Make *directory*, and room in it: *needed* more bytes within *total*, one more file within *most*."""
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for path in directory.glob("*.jsonl"):
        try:
            status = path.stat()
        except OSError:
            continue
        files.append((status.st_mtime, status.st_size, path))
    used = sum(size for _, size, _ in files)
    for number, (_, size, path) in enumerate(sorted(files)):
        if used + needed <= total and len(files) - number < most:
            return
        path.unlink(missing_ok=True)
        used -= size
