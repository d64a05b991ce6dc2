"""A writer that never blocks its callers and accounts for every line it loses."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from prosaas_logging.catalogue import LOG_DROPPED
from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.logger import get_logger
from prosaas_logging.scope import Context, Record
from prosaas_logging.writer import Losses, Writer

log = get_logger("tests.writer")
NOWHERE = Context({})


def render(record: Record, context: Context) -> bytes:
    if record[3] == "unrenderable":
        raise RuntimeError("no")
    if record[3] is LOG_DROPPED:
        return f"LOST {record[4]['total']}\n".encode()
    return f"{record[1]} {record[3]}\n".encode()


def report(losses: Losses) -> tuple[Record, Context]:
    return (0.0, WARNING, log, LOG_DROPPED, {"total": sum(losses.values())}, None), NOWHERE


def record(text: str, level: int = INFO) -> Record:
    return 0.0, level, log, text, {}, None


class Pipe:
    """A pipe whose reader reads only when told to."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def read_until(self, what: bytes, timeout: float = 10) -> bytes:
        data = b""
        deadline = time.monotonic() + timeout
        while what not in data:
            assert time.monotonic() < deadline, data[-200:]
            data += os.read(self.reading, 65536)
        return data

    def close(self) -> None:
        for fd in (self.reading, self.writing):
            with suppress(OSError):
                os.close(fd)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


@pytest.fixture
def writers() -> Iterator[list[Writer]]:
    made: list[Writer] = []
    yield made
    for writer in made:
        writer.close(0.1)


def start(writers: list[Writer], fd: int, capacity: int = 1024**2) -> Writer:
    writer = Writer(fd, render, capacity, report=report)
    writers.append(writer)
    writer.start()
    return writer


def test_lines_come_out_whole_and_in_order(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    for number in range(1000):
        writer.submit(record(f"line-{number}"), NOWHERE)
    lines = pipe.read_until(b"line-999\n").decode().splitlines()
    assert writer.flush(30)
    assert lines == [f"20 line-{number}" for number in range(1000)]
    assert writer.lines == {INFO: 1000}


def test_a_line_is_in_the_pipe_soon_without_a_flush(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    writer.submit(record("soon"), NOWHERE)
    assert pipe.read_until(b"\n", timeout=2) == b"20 soon\n"


def fill(writer: Writer) -> None:
    """Log until even warnings are lost; the pipe of 64 KiB and the buffer are full then."""
    text = "x" * 200
    deadline = time.monotonic() + 30
    while not any(level == "WARNING" for level, _ in writer.dropped):
        for level in (DEBUG, INFO, WARNING):
            writer.submit(record(text, level), NOWHERE)
        assert time.monotonic() < deadline


def test_a_stalled_reader_holds_nobody_up_and_every_loss_is_counted(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing, capacity=256 * 1024)
    submitted = 0
    for number in range(20_000):
        writer.submit(record(f"{number} " + "x" * 100, (DEBUG, INFO, WARNING)[number % 3]), NOWHERE)
        submitted += 1
        if number % 200 == 0:
            assert not writer.flush(0.001) or number < 2000
    drained = threading.Thread(target=lambda: writer.flush(20))
    drained.start()
    data = pipe.read_until(b"LOST", timeout=20)
    drained.join()
    data += pipe.read_until(b"\n") if not data.endswith(b"\n") else b""
    lost = sum(writer.dropped.values())
    assert lost > 0
    written = sum(1 for line in data.decode().splitlines() if not line.startswith("LOST"))
    assert written + lost == submitted
    assert {cause for _, cause in writer.dropped} <= {"full", "backlog"}


def test_debug_is_given_up_first_and_warnings_last(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing, capacity=512 * 1024)
    for number in range(900):
        writer.submit(record("d" * 1000, DEBUG), NOWHERE)
        if number % 100 == 99:
            writer.flush(0.05)
    for number in range(200):
        writer.submit(record(f"warn-{number} " + "w" * 1000, WARNING), NOWHERE)
    writer.flush(0.1)
    assert writer.dropped["DEBUG", "full"] > 0
    assert not [key for key in writer.dropped if key[0] == "WARNING"]
    data = pipe.read_until(b"warn-199 ", timeout=20)
    assert data.count(b"warn-") == 200


def test_memory_stays_within_its_bound_whatever_is_logged(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing, capacity=256 * 1024)
    fill(writer)
    assert writer._size <= 256 * 1024


def test_a_reader_that_went_away_is_survived(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    os.close(pipe.reading)
    for _ in range(10):
        writer.submit(record("to nobody", ERROR), NOWHERE)
        writer.flush()
    assert writer.dropped["ERROR", "closed"] >= 9
    pipe.reading, _ = os.pipe()


def test_a_closed_descriptor_is_survived(tmp_path: object, writers: list[Writer]) -> None:
    fd = os.open(os.devnull, os.O_WRONLY)
    writer = start(writers, fd)
    os.close(fd)
    writer.submit(record("to nobody"), NOWHERE)
    writer.flush()
    assert sum(writer.dropped.values()) + sum(writer.lines.values()) >= 1
    assert writer._thread is not None
    assert writer._thread.is_alive()


def test_a_record_that_cannot_be_rendered_costs_only_itself(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    writer.submit(record("unrenderable"), NOWHERE)
    writer.submit(record("fine"), NOWHERE)
    assert b"20 fine\n" in pipe.read_until(b"fine\n")
    assert writer.dropped == {("INFO", "render"): 1}


def test_a_long_line_arrives_in_one_piece_through_a_narrow_pipe(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    texts = [character * 15_000 for character in "abcdefgh"]
    for text in texts:
        writer.submit(record(text), NOWHERE)
    data = pipe.read_until(b"h\n").decode()
    assert data.splitlines() == [f"20 {text}" for text in texts]


def test_a_flush_against_a_reader_that_never_reads_ends_in_time(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    for _ in range(2000):
        writer.submit(record("x" * 100), NOWHERE)
    began = time.monotonic()
    assert not writer.flush(0.2)
    assert time.monotonic() - began < 5


def test_after_the_end_a_line_is_written_on_the_spot(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    assert writer.close()
    writer.submit(record("last words"), NOWHERE)
    os.set_blocking(pipe.reading, False)
    assert os.read(pipe.reading, 100) == b"20 last words\n"


def test_a_pipe_s_other_users_do_not_find_it_non_blocking(pipe: Pipe, writers: list[Writer]) -> None:
    start(writers, pipe.writing)
    assert os.get_blocking(pipe.writing)
    assert os.get_blocking(pipe.reading)


@pytest.mark.parametrize("target", ["file", "socket", "null"])
def test_any_kind_of_descriptor_serves(target: str, tmp_path: object, writers: list[Writer]) -> None:
    import socket

    reader, sender = socket.socketpair()
    path = f"{tmp_path}/log"
    fd = {
        "file": lambda: os.open(path, os.O_WRONLY | os.O_CREAT),
        "socket": lambda: os.dup(sender.fileno()),
        "null": lambda: os.open(os.devnull, os.O_WRONLY),
    }[target]()
    writer = start(writers, fd)
    for number in range(500):
        writer.submit(record(f"line {number}"), NOWHERE)
    assert writer.flush(30)
    assert not writer.dropped
    os.close(fd)
    reader.close()
    sender.close()
