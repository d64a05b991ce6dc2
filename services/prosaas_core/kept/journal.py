"""A call on disk as it happens, so that its record outlives the process: one thread writes, whoever finds it reads."""

import fcntl
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from prosaas_core.records import CallRecord
from prosaas_logging import get_logger
from prosaas_logging.catalogue import CALL_JOURNAL_BACK, CALL_JOURNAL_FAILED

log = get_logger(__name__)

SUFFIX = ".journal"
# What happened is written after half of the second that it may take, so that the disk has the other half.
EVERY_S = 0.5
# Disk is taken so much ahead: a volume that is full at the worst moment still holds the end of each call.
RESERVED = 64 * 1024
# A call that says more than this keeps its numbers and its ending alone.
MOST_BYTES = 8 * 1024**2

# One key each: `call` (the record's fields as they are now), `said` (a number and its line of the transcript), `line`
# (an entry of the timeline), `process` (what is known of who writes).
Entry = Mapping[str, Any]
News = Callable[[], Iterable[Entry]]


class Journal:
    """One call's file, locked for as long as its process lives. The thread of `Journals` alone touches it."""

    def __init__(self, path: Path, news: News, wake: Callable[[], None]) -> None:
        self.path = path
        self._news = news
        self._wake = wake
        self._fd: int | None = None
        self._at = 0
        self._reserved = 0
        self._pending = b""
        self._noting: Future[Path] | None = None
        self._closing: Future[Path] | None = None
        self._forgotten = False

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for the disk."""
        return self._noting is not None or self._closing is not None

    def note(self) -> Future[Path]:
        """Have the news of now written at once; done once they are on disk, an error where they are not."""
        noting: Future[Path] = Future()
        noting.set_running_or_notify_cancel()
        self._noting = noting
        self._wake()
        return noting

    def close(self) -> Future[Path]:
        """Have the last news written, and the file left for whoever finds it; done once it is on disk.

        A disk that fails is told to who waits, and tried again all the same.
        """
        closing: Future[Path] = Future()
        closing.set_running_or_notify_cancel()
        self._closing = closing
        self._wake()
        return closing

    def forget(self) -> None:
        """The record is safe elsewhere: have the file removed."""
        self._forgotten = True
        self._wake()

    def turn(self, process: Entry) -> bool:
        """Write what is new; whether that was the last time."""
        if self._forgotten:
            self._remove()
            return True
        # Looked at before the news are asked for: what is told then is the last.
        closing, noting, self._noting = self._closing, self._noting, None
        waiting = [each for each in (noting, closing) if each is not None]
        try:
            self._write(process)
        except BaseException as error:
            for each in waiting:
                if not each.done():
                    each.set_exception(error)
            raise
        if closing is not None and self._fd is not None:
            os.close(self._fd)
        for each in waiting:
            if not each.done():
                each.set_result(self.path)
        return closing is not None

    def _write(self, process: Entry) -> None:
        # What an earlier turn could not write comes first; nothing new is asked for until it is on disk.
        before = self._at
        self._flush()
        entries = [entry for entry in self._news() if self._at < MOST_BYTES or "call" in entry]
        if entries:
            self._pending = b"".join(encoded(entry) for entry in (*entries, process))
            self._flush()
        if self._fd is not None and self._at > before:
            os.fdatasync(self._fd)

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._fd is None:
            self._fd = _held(self.path)
        self._reserve(self._fd)
        while self._pending:
            written = os.pwrite(self._fd, self._pending, self._at)
            self._at += written
            self._pending = self._pending[written:]

    def _reserve(self, fd: int) -> None:
        if self._at + len(self._pending) + RESERVED // 4 > self._reserved:
            wanted = self._at + len(self._pending) + RESERVED
            try:
                os.posix_fallocate(fd, self._at, wanted - self._at)
                self._reserved = wanted
            except OSError:
                # What is written may fit all the same, and says so if not.
                pass

    def _remove(self) -> None:
        if self._fd is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._fd)


class Journals:
    """The journals of a process. Their thread writes what is new twice a second, and what ends at once."""

    def __init__(self, folder: Path, about: Callable[[], Mapping[str, Any]] = dict, every_s: float = EVERY_S) -> None:
        self._folder = folder
        self._about = about
        self._every_s = every_s
        self._journals: set[Journal] = set()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._failing = False

    def open(self, call_sid: str, news: News) -> Journal:
        """Keep a call from now on. `news` is asked by the thread, and answers with what it has not told before."""
        name = re.sub(r"\W", "_", call_sid)[:100]
        journal = Journal(self._folder / f"{name}.{token_hex(4)}{SUFFIX}", news, self._wake.set)
        self._journals.add(journal)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journals", daemon=True)
            self._thread.start()
        self._wake.set()
        return journal

    def close(self, timeout_s: float) -> None:
        """Write what there is, and write no more; at most so many seconds."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._every_s if self._journals else None)
            self._wake.clear()
            self._turn()
        self._turn()

    def _turn(self) -> None:
        if not self._journals:
            return
        process: Entry = {}
        failed: Exception | None = None
        try:
            process = {"process": dict(self._about())}
        except Exception as error:
            failed = error
        for journal in sorted(self._journals.copy(), key=lambda journal: not journal.awaited):
            try:
                if journal.turn(process):
                    self._journals.discard(journal)
            except Exception as error:
                failed = error
        if failed is not None and not self._failing:
            log.event(CALL_JOURNAL_FAILED, error=f"{type(failed).__name__}: {failed}")
        elif failed is None and self._failing:
            log.event(CALL_JOURNAL_BACK)
        self._failing = failed is not None


def encoded(entry: Entry) -> bytes:
    """An entry as one line; half a surrogate pair, which callers' words may hold, is kept as it is."""
    return json.dumps(entry, ensure_ascii=False, default=datetime.isoformat).encode("utf-8", "surrogatepass") + b"\n"


def _held(path: Path) -> int:
    """The new file, locked, and its name on disk."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        fcntl.flock(fd, fcntl.LOCK_EX)
        # Who looks for journals may have found it empty, before it was locked, and taken it away.
        if os.fstat(fd).st_nlink:
            break
        os.close(fd)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return fd


@contextmanager
def claimed(path: Path) -> Iterator[bytes | None]:
    """What is in the file, for the one who has it now; None while its writer lives or somebody else has it."""
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    with open(fd, "rb") as file:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file.read() if os.fstat(fd).st_nlink else None


def read(data: bytes) -> tuple[CallRecord, Mapping[str, Any]]:
    """The record that a journal comes to, and what is known of its process; ValueError where it is no journal.

    A line that was cut off by the end, and the room that was reserved behind it, count for nothing.
    """
    call: dict[str, Any] = {}
    process: dict[str, Any] = {}
    said: dict[int, Any] = {}
    lines: list[Any] = []
    for line in data.split(b"\n"):
        try:
            entry = json.loads(line.strip(b"\0").decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            continue
        if not isinstance(entry, dict):
            continue
        call |= entry.get("call", {})
        process |= entry.get("process", {})
        if "said" in entry:
            number, turn = entry["said"]
            said[number] = turn
        if "line" in entry:
            lines.append(entry["line"])
    if not call:
        raise ValueError("no beginning of a call")
    spoken = [said[number] for number in sorted(said) if not _wordless(said[number])]
    return CallRecord.of({**call, "transcript": spoken, "events": lines}), process


def _wordless(turn: Any) -> bool:
    """Whether it turned out that nothing was said, as in a cough; what nobody wrote down is no such thing."""
    return isinstance(turn, dict) and not turn.get("text") and "transcribed" not in turn
