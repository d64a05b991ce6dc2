"""Lines wait for their reader in bounded room, of which each level may fill its share."""

from types import SimpleNamespace
from typing import Any

import pytest

from prosaas_logging import buffer as module
from prosaas_logging.buffer import Buffer
from prosaas_logging.levels import CRITICAL, DEBUG, ERROR, INFO, WARNING
from prosaas_logging.real import Event

# With what Python takes beside it, a twentieth of the room.
LINE = b"x" * 87 + b"\n"
CAPACITY = 4000


class Reader:
    """Takes as many bytes as it is told, in whatever pieces; who waits for it sees the clock go on."""

    def __init__(self, takes: int = 0, longest: int = 4096) -> None:
        self.takes = takes
        self.longest = longest
        self.pieces: list[bytes] = []
        self.waited: list[float] = []
        self.gone = False

    def write(self, data: bytes) -> int:
        if self.gone:
            raise BrokenPipeError
        took = data[: self.takes]
        self.takes -= len(took)
        self.pieces += [took] if took else []
        return len(took)

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return False


Lost = list[tuple[int, str]]


def made(monkeypatch: pytest.MonkeyPatch, reader: Any) -> tuple[Buffer, Lost]:
    """A buffer in virtual time, and what it lost."""
    lost: Lost = []
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: sum(reader.waited)))
    return Buffer(reader, CAPACITY, lambda level, cause: lost.append((level, cause))), lost


def test_each_level_fills_its_share_to_the_last_byte_and_the_lowest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    buffer, lost = made(monkeypatch, reader)

    def kept(level: int, count: int) -> list[int]:
        lost.clear()
        buffer.store([(level, LINE)] * count)
        return [level for level, cause in lost if cause == "full"]

    # What the reader is at takes no room.
    buffer.store([(DEBUG, LINE)])
    buffer.write()
    assert kept(DEBUG, 10) == []
    assert kept(DEBUG, 1) == [DEBUG] * 10
    assert kept(DEBUG, 9) == kept(INFO, 5) == []
    assert kept(INFO, 10) == [DEBUG] * 10
    assert reader.waited == []
    assert kept(INFO, 1) == [INFO]
    assert kept(WARNING, 5) == []
    assert kept(ERROR, 1) == [INFO] * 15
    assert kept(CRITICAL, 15) == [CRITICAL]
    assert kept(DEBUG, 1) == [DEBUG]


def test_a_reader_is_waited_for_a_moment_in_all_and_again_once_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(longest=10)
    buffer, lost = made(monkeypatch, reader)
    buffer.store([(INFO, LINE)] * 30)
    assert (len(lost), sum(reader.waited)) == (14, 0.2)
    for megabytes, earned in ((0.05, 0.05), (0.5, 0.2)):
        reader.waited.clear()
        for _ in range(round(megabytes * 1024**2 / len(LINE))):
            reader.takes += len(LINE)
            buffer.write()
            buffer.store([(INFO, LINE)])
        assert reader.waited == []
        buffer.store([(INFO, LINE)] * 5)
        assert sum(reader.waited) == pytest.approx(earned, abs=0.001)


def test_a_reader_that_takes_something_meanwhile_costs_nobody_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    buffer, lost = made(monkeypatch, reader)

    def wait(_: float) -> bool:
        reader.waited.append(0.01)
        reader.takes += len(LINE)
        return True

    monkeypatch.setattr(reader, "wait", wait)
    buffer.store([(INFO, LINE)] * 25)
    assert lost == []
    # A piece is whole lines: its room is free as soon as it is on its way.
    assert 0 < len(reader.waited) <= 10


def test_lines_go_out_in_whole_pieces_and_who_waits_hears_when_all_before_are_out() -> None:
    reader = Reader(longest=10)
    buffer = Buffer(reader, CAPACITY, lambda *_: None)  # type: ignore[arg-type]
    first, last = Event(), Event()
    buffer.store([(INFO, b"one\n"), (INFO, b"two\n"), (INFO, b"four\n"), (INFO, b"a long line\n"), (INFO, b"end\n")])
    buffer.tell(last)
    buffer.store([(INFO, b"more\n")])
    for takes, pieces in (
        (3, [b"one"]),
        (5, [b"\ntwo\n"]),
        (5, [b"four\n"]),
        (12, [b"a long line\n"]),
        (4, [b"end\n"]),
    ):
        assert not last.wait(0)
        reader.takes, reader.pieces = takes, []
        buffer.write()
        assert reader.pieces == pieces
    assert last.wait(0)
    reader.takes = 100
    buffer.write()
    assert reader.pieces == [b"end\n", b"more\n"]
    buffer.tell(first)
    buffer.write()
    assert first.wait(0)
    assert not buffer


def test_what_a_reader_that_is_gone_leaves_is_lost_by_its_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    buffer, lost = made(monkeypatch, reader)
    reader.gone = True
    buffer.store([(INFO, LINE), (ERROR, LINE)])
    buffer.write()
    assert lost == [(INFO, "closed"), (ERROR, "closed")]
    assert not buffer
    reader.gone, reader.takes = False, 1000
    buffer.store([(INFO, LINE)])
    buffer.write()
    assert reader.pieces == [LINE]
