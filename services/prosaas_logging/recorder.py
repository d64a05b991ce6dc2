"""The flight recorder's way out: rings of records, rendered only when something went wrong, into bounded files."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final, NamedTuple

from .catalogue import BLACKBOX_WRITTEN
from .json_lines import JsonRenderer
from .levels import WARNING
from .scope import Context, Record, Scope
from .values import dump, freeze

TOTAL_BYTES: Final = 64 * 1024**2
# An error storm writes this many files at once, and then one every few seconds.
BURST: Final = 10
REFILL_SECONDS: Final = 6.0
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
        logger_record: Callable[[Dump, str], Record],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._render = render
        self._submit = submit
        self._announce = logger_record
        self._clock = clock
        self._tokens = float(BURST)
        self._refilled = clock()
        self.suppressed = 0
        self._reset()

    def _reset(self) -> None:
        self._queue: SimpleQueue[Dump | threading.Event] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def restart_after_fork(self) -> None:
        """In a child: the thread starts again with the first dump."""
        self._reset()

    def dump(self, scope: Scope, reason: str, *, asked: bool = False) -> bool:
        """Hand the ring of *scope* over to be written and empty it; whether there was anything, and room for it."""
        if not scope.ring or not self._target:
            return False
        if not asked and not self._take_token():
            self.suppressed += 1
            return False
        records = []
        while scope.ring:
            records.append(scope.ring.popleft())
        self._queue.put(Dump(file_name(scope.id), scope.kind, reason, records, scope.context))
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="prosaas-log-recorder", daemon=True)
            self._thread.start()
        return True

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait until the dumps so far are written."""
        if self._thread is None or not self._thread.is_alive():
            return True
        done = threading.Event()
        self._queue.put(done)
        return done.wait(timeout)

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
            item = self._queue.get()
            if isinstance(item, threading.Event):
                item.set()
                continue
            try:
                self._write(item)
            except Exception as broken:
                self._submit(self._announce(item, f"{type(broken).__name__}: {broken}"), item.context)

    def _write(self, item: Dump) -> None:
        if self._target == "stdout":
            for record in item.records:
                moment = time.strftime("%H:%M:%S", time.gmtime(record[0])) + f".{int(record[0] % 1 * 1000):03d}Z"
                self._submit(frozen(record), Context(item.context.fields, (*item.context.tail, f"recorded={moment}")))
            self._submit(self._announce(item, "stdout"), item.context)
            return
        directory = Path(self._target)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{item.name}.jsonl"
        head = dump({"blackbox": item.name, "kind": item.kind, "reason": item.reason, "records": len(item.records)})
        lines = [head + b"\n"]
        lines += [self._render.line(frozen(record), item.context) for record in item.records]
        make_room(directory, sum(map(len, lines)))
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        with open(fd, "ab") as file:
            file.writelines(lines)
        self._submit(self._announce(item, str(path)), item.context)


def frozen(record: Record) -> Record:
    """A record from a ring, its values made plain at last."""
    moment, level, logger, what, fields, error = record
    return moment, level, logger, what, freeze(fields), error


def announcement(logger: object) -> Callable[[Dump, str], Record]:
    """The line that says where a ring went."""

    def announce(item: Dump, path: str) -> Record:
        fields: dict[str, object] = {"path": path, "records": len(item.records), "reason": item.reason}
        return time.time(), WARNING, logger, BLACKBOX_WRITTEN, fields, None  # type: ignore[return-value]

    return announce


def file_name(identity: str) -> str:
    """*identity* as a file's name; it may come from the network, so nothing in it may be a path."""
    return _NOT_IN_A_NAME.sub("_", identity).lstrip(".")[:100] or "unnamed"


def make_room(directory: Path, needed: int, total: int = TOTAL_BYTES) -> None:
    """Remove the oldest files of *directory* until *needed* more bytes stay within *total*."""
    files = []
    for path in directory.glob("*.jsonl"):
        try:
            status = path.stat()
        except OSError:
            continue
        files.append((status.st_mtime, status.st_size, path))
    used = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if used + needed <= total:
            return
        path.unlink(missing_ok=True)
        used -= size
