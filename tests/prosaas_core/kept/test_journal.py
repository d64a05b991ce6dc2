"""A call's journal: on disk in time, whole whatever cuts it off, and in one pair of hands at once."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prosaas_core.kept import journal as module
from prosaas_core.kept.journal import Entry, Journal, Journals, claimed, encoded, read
from prosaas_logging import capture_events

SAFETY_S = 20
NOW = datetime(2026, 1, 25, 14, tzinfo=UTC)
CALL = {"call_sid": "CA1", "started_at": NOW, "ended_at": NOW, "duration_s": 1.5, "end_reason": "crashed"}
LINE = {"t_ms": 5, "level": "INFO", "event": "TRANSCRIPT_AI", "text": 'AI: "שלום"', "folded": False}


class Told:
    """A call that has some things to tell, each once."""

    def __init__(self, *entries: Entry) -> None:
        self.waiting = list(entries)
        self.asked = threading.Event()

    def __call__(self) -> Iterable[Entry]:
        told, self.waiting = self.waiting, []
        self.asked.set()
        return told


@pytest.fixture
def journals(tmp_path: Path) -> Iterator[Journals]:
    opened = Journals(tmp_path, lambda: {"version": "1.2"}, every_s=0.01)
    yield opened
    opened.close(SAFETY_S)


def begin(**changes: Any) -> Entry:
    return {"call": {**CALL, **changes}}


def said(number: int, text: str) -> Entry:
    return {"said": (number, {"who": "ai", "text": text, "at_ms": number})}


def on_disk(journal: Journal) -> bytes:
    return journal.path.read_bytes().rstrip(b"\0") if journal.path.exists() else b""


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SAFETY_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_a_call_tells_is_on_disk_while_it_is_live(tmp_path: Path) -> None:
    """Within the second that is promised, at the pace that production has."""
    opened = Journals(tmp_path)
    told = Told(begin())
    journal = opened.open("CA1", told)
    eventually(lambda: on_disk(journal))
    told.waiting = [said(0, "שלום"), {"line": LINE}]
    began = time.monotonic()
    eventually(lambda: b"TRANSCRIPT_AI" in on_disk(journal))
    assert time.monotonic() - began < 1.0
    opened.close(SAFETY_S)


def test_who_waits_for_the_disk_is_told_once_it_is_there_or_why_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, whatever the pace; and what could not be written comes with the next turn."""
    opened = Journals(tmp_path, every_s=SAFETY_S)
    told = Told(begin())
    journal = opened.open("CA1", told)
    assert b"CA1" in journal.note().result(5).read_bytes()
    told.waiting = [begin(end_reason="drained")]

    def full(fd: int, data: bytes, at: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        noting = journal.note()
        with pytest.raises(OSError, match="No space"):
            noting.result(5)
    assert b"drained" in journal.note().result(5).read_bytes()
    opened.close(SAFETY_S)


def test_a_journal_is_read_back_as_the_record_and_what_came_last_counts(journals: Journals) -> None:
    told = Told(begin(), said(1, "b"), said(0, "half"), said(0, "\ud800"), {"line": LINE}, begin(end_reason="drained"))
    path = journals.open("CA1", told).close().result(SAFETY_S)
    with claimed(path) as data:
        assert data is not None
        record, process = read(data)
    assert (record.call_sid, record.started_at, record.end_reason) == ("CA1", NOW, "drained")
    assert [line["text"] for line in record.transcript] == ["\ud800", "b"]
    assert record.events == [LINE]
    assert process == {"version": "1.2"}


def test_a_turn_that_nobody_wrote_down_is_read_back_and_a_cough_is_not(journals: Journals) -> None:
    silent = {"who": "customer", "text": "", "at_ms": 5}
    lost = {"said": [0, {**silent, "transcribed": False}]}
    cough = {"said": [1, {**silent, "transcribed": False}]}, {"said": [1, silent]}
    path = journals.open("CA1", Told(begin(), lost, *cough)).close().result(SAFETY_S)
    with claimed(path) as data:
        assert data is not None
        record, _ = read(data)
    assert record.transcript == [lost["said"][1]]


def test_wherever_a_file_is_cut_off_the_lines_before_it_count(journals: Journals) -> None:
    """Also in the middle of a Hebrew letter, and with the room that was reserved behind it."""
    path = journals.open("CA1", Told(begin(), *(said(number, "שלום") for number in range(3)))).close().result(SAFETY_S)
    whole = path.read_bytes().rstrip(b"\0")
    beginning = whole.index(b"\n")
    for end in range(beginning, len(whole)):
        record, _ = read(whole[:end] + b"\0" * 100)
        lines = whole[:end].count(b"\n") + (whole[end : end + 1] == b"\n")
        assert len(record.transcript) == min(3, lines - 1), end
    with pytest.raises(ValueError, match="no beginning"):
        read(whole[: beginning - 1])


def test_a_live_journal_is_nobodys_to_take_and_a_closed_one_is_one_finders(journals: Journals) -> None:
    told = Told(begin())
    journal = journals.open("CA1", told)
    eventually(lambda: on_disk(journal))
    with claimed(journal.path) as data:
        assert data is None
    path = journal.close().result(SAFETY_S)
    with claimed(path) as first:
        assert first is not None
        with claimed(path) as second:
            assert second is None


def test_a_finder_that_was_too_late_finds_nothing(journals: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one stored it and took the file away between this one's look and its lock."""
    path = journals.open("CA1", Told(begin())).close().result(SAFETY_S)
    lock = module.fcntl.flock

    def late(fd: int, how: int) -> None:
        path.unlink(missing_ok=True)
        lock(fd, how)

    monkeypatch.setattr(module.fcntl, "flock", late)
    with claimed(path) as data:
        assert data is None
    with claimed(path) as data:
        assert data is None


def test_a_file_that_is_taken_away_before_it_is_locked_is_made_again(
    journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finder may take an empty file for that of a process which died at once."""
    lock, taken = module.fcntl.flock, list[int]()

    def late(fd: int, how: int) -> None:
        if not taken:
            taken.append(fd)
            os.unlink(os.readlink(f"/proc/self/fd/{fd}"))
        lock(fd, how)

    monkeypatch.setattr(module.fcntl, "flock", late)
    path = journals.open("CA1", Told(begin())).close().result(SAFETY_S)
    assert taken
    assert read(path.read_bytes())[0].call_sid == "CA1"


def test_a_full_disk_costs_nothing_once_it_has_room_again(journals: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a write stands, the other half follows; one line tells of the trouble and one of its end."""
    write, full = os.pwrite, threading.Event()
    full.set()
    refused = threading.Event()

    def some(fd: int, data: bytes, at: int) -> int:
        if full.is_set() and at > 20:
            refused.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:21] if full.is_set() else data, at)

    monkeypatch.setattr(os, "pwrite", some)
    with capture_events() as events:
        told = Told(begin(), said(0, "a"))
        journal = journals.open("CA1", told)
        assert refused.wait(SAFETY_S)
        told.waiting = [said(1, "b")]
        closing = journal.close()
        with pytest.raises(OSError, match="No space"):
            closing.result(SAFETY_S)
        full.clear()
        eventually(lambda: b'"b"' in on_disk(journal))
        eventually(lambda: "CALL_JOURNAL_BACK" in [event.event for event in events])
    data = on_disk(journal)
    assert [line["text"] for line in read(data)[0].transcript] == ["a", "b"]
    assert data.count(b'"said"') == 2
    assert [event.event for event in events] == ["CALL_JOURNAL_FAILED", "CALL_JOURNAL_BACK"]


def test_room_for_a_calls_end_is_taken_while_there_is_some(journals: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume that is full from now on still takes what the call says next."""
    told = Told(begin())
    journal = journals.open("CA1", told)
    eventually(lambda: on_disk(journal))
    reserved = journal.path.stat().st_blocks * 512

    def full(fd: int, at: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    told.waiting = [said(number, "x" * 400) for number in range(100)]
    eventually(lambda: b'"x' in on_disk(journal))
    assert len(on_disk(journal)) < reserved
    assert journal.path.stat().st_blocks * 512 == reserved


def test_a_call_whose_news_fail_holds_up_no_other(journals: Journals) -> None:
    def broken() -> Iterable[Entry]:
        raise ZeroDivisionError

    with capture_events() as events:
        journals.open("CA0", broken)
        path = journals.open("CA1", Told(begin())).close().result(SAFETY_S)
        eventually(lambda: events)
    assert read(path.read_bytes())[0].call_sid == "CA1"
    assert events[0].fields["error"] == "ZeroDivisionError: "


def test_a_forgotten_journal_is_gone(journals: Journals, tmp_path: Path) -> None:
    journal = journals.open("CA1", Told(begin()))
    eventually(lambda: on_disk(journal))
    journal.forget()
    eventually(lambda: not list(tmp_path.iterdir()))


def test_a_call_without_end_keeps_its_numbers_alone(journals: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    told = Told(begin(), said(0, "x" * 1000))
    journal = journals.open("CA1", told)
    eventually(lambda: b"xxx" in on_disk(journal))
    told.waiting = [said(1, "y"), begin(duration_s=99)]
    record, _ = read(journal.close().result(SAFETY_S).read_bytes())
    assert record.duration_s == 99
    assert len(record.transcript) == 1


def test_a_journal_is_on_the_disk_before_anybody_relies_on_it(
    journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut it is there: the folder that has its name, and its bytes."""
    steps = list[str]()

    def noting(name: str) -> Callable[[int], None]:
        real = getattr(os, name)

        def sync(descriptor: int) -> None:
            steps.append(f"{name} {Path(os.readlink(f'/proc/self/fd/{descriptor}')).suffix}")
            real(descriptor)

        return sync

    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, noting(name))
    journals.open("CA1", Told(begin())).close().result(SAFETY_S)
    assert steps == ["fsync ", "fdatasync .journal"]


def test_a_strange_call_sid_stays_in_the_folder(journals: Journals, tmp_path: Path) -> None:
    """A name from outside is not a path, and is not too long for one."""
    assert journals.open("../../etc/" + "a" * 500, Told(begin())).close().result(SAFETY_S).parent == tmp_path


def test_hundreds_of_calls_are_kept_by_one_thread(journals: Journals) -> None:
    """And each has its own file, also where two have the same id: a call that came back after a transfer."""
    before = threading.active_count()
    closing = [journals.open("CA1", Told(begin(duration_s=number))).close() for number in range(300)]
    paths = {each.result(SAFETY_S) for each in closing}
    assert len(paths) == 300
    assert threading.active_count() <= before + 1


def test_an_entry_is_one_line_whatever_is_in_it() -> None:
    assert encoded({"said": (0, {"text": "a\nb\u2028\0"})}).count(b"\n") == 1


def test_a_process_that_cannot_tell_of_itself_keeps_its_calls_all_the_same(tmp_path: Path) -> None:
    """What is known of it is read from files, which a process that has too many of them open cannot open."""

    def about() -> dict[str, Any]:
        raise OSError(errno.EMFILE, "too many open files")

    journals = Journals(tmp_path, about, every_s=0.01)
    with capture_events() as events:
        journal = journals.open("CA1", Told(begin(), said(0, "שלום")))
        path = journal.close().result(SAFETY_S)
    journals.close(SAFETY_S)

    record, process = read(path.read_bytes())
    assert [line["text"] for line in record.transcript] == ["שלום"]
    assert not process
    assert [event.event for event in events] == ["CALL_JOURNAL_FAILED"]
