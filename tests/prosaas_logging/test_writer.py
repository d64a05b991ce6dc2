"""A writer that never blocks its callers and accounts for every line it loses."""

import fcntl
import os
import select
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from prosaas_logging.buffer import Buffer
from prosaas_logging.catalogue import LOG_DROPPED, LOG_LEVEL_CHANGED
from prosaas_logging.levels import DEBUG, ERROR, INFO, WARNING
from prosaas_logging.logger import get_logger
from prosaas_logging.losses import REPORT_SECONDS, Lost
from prosaas_logging.outlet import ATOMIC, Outlet
from prosaas_logging.record import Context, Record, weight
from prosaas_logging.redact import redact
from prosaas_logging.trouble import Repeats, Said
from prosaas_logging.writer import PORTION, TICK_SECONDS, Writer

log = get_logger("tests.writer")
NOWHERE = Context({})


def render(record: Record, context: Context) -> bytes:
    if record[3] == "unrenderable":
        raise RuntimeError("no")
    if record[3] is LOG_DROPPED:
        return f"LOST {record[4]['total']}\n".encode()
    return f"{record[1]} {record[3]}\n".encode()


def report(losses: Lost) -> tuple[Record, Context]:
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
            ready, _, _ = select.select([self.reading], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, data[-200:]
            data += os.read(self.reading, 65536)
        return data

    def close(self) -> None:
        for fd in (self.reading, self.writing):
            with suppress(OSError):
                os.close(fd)


class Reader(threading.Thread):
    """Reads a pipe up to the line ``END``, perhaps with a pause after each 64 KiB."""

    def __init__(self, fd: int, pause: float = 0.0) -> None:
        super().__init__()
        self._fd = fd
        self._pause = pause
        self.data = bytearray()

    def run(self) -> None:
        while not self.data.endswith(b"END\n"):
            self.data += os.read(self._fd, 65536)
            time.sleep(self._pause)


def finish(writer: Writer, reader: Reader) -> list[bytes]:
    """Every line that was written."""
    writer.submit(record("END", WARNING), NOWHERE)
    reader.join(60)
    return bytes(reader.data).splitlines()[:-1]


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


def test_what_waits_is_weighed_as_it_is(pipe: Pipe, writers: list[Writer]) -> None:
    """Not each record is weighed, but their sum is about right: DEBUG may fill half of four megabytes, and no more."""
    busy, free = threading.Event(), threading.Event()

    def slow(record: Record, context: Context) -> bytes:
        busy.set()
        assert free.wait(30)
        return b""

    writer = Writer(pipe.writing, slow, 4 * 1024**2, report=report)
    writers.append(writer)
    writer.start()
    writer.submit(record("first"), NOWHERE)
    assert busy.wait(10)
    for _ in range(3000):
        writer.submit(record("x" * 4000, DEBUG), NOWHERE)
    kept = 3000 - sum(writer.dropped.values())
    free.set()
    assert 400 < kept < 560


def test_a_fault_while_a_full_pipe_is_waited_for_ends_no_thread_and_loses_nothing(
    pipe: Pipe, writers: list[Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    former, raised = Outlet.wait, threading.Event()
    ended: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", ended.append)

    def faulty(outlet: Outlet, seconds: float) -> bool:
        if not raised.is_set():
            raised.set()
            raise RuntimeError("injected")
        return former(outlet, seconds)

    monkeypatch.setattr(Outlet, "wait", faulty)
    writer = start(writers, pipe.writing, 16 * 1024**2)
    texts = [f"{number} {'x' * 200}" for number in range(10_000)]
    for text in texts:
        writer.submit(record(text), NOWHERE)
    assert raised.wait(10)
    reader = Reader(pipe.reading)
    reader.start()
    assert finish(writer, reader) == [f"{INFO} {text}".encode() for text in texts]
    assert ended == []


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
    assert writer.flush(30)
    began = time.monotonic()
    writer.submit(record("soon"), NOWHERE)
    assert pipe.read_until(b"\n", timeout=10) == b"20 soon\n"
    assert time.monotonic() - began < 0.5


def fill(writer: Writer, text: str = "x" * 200) -> None:
    """Log until even warnings are lost; the pipe and the buffer are full then."""
    deadline = time.monotonic() + 30
    while not any(level == "WARNING" for level, _ in writer.dropped):
        for level in (DEBUG, INFO, WARNING):
            writer.submit(record(text, level), NOWHERE)
        assert time.monotonic() < deadline


def test_a_stalled_reader_holds_nobody_up_and_every_loss_is_counted(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing, capacity=256 * 1024)
    submitted = 40_000
    waits = []
    for number in range(submitted):
        began = time.perf_counter()
        writer.submit(record(f"{number} " + "x" * 100, (DEBUG, INFO, WARNING)[number % 3]), NOWHERE)
        waits.append(time.perf_counter() - began)
    assert sorted(waits)[int(submitted * 0.99)] < 0.005
    reader = Reader(pipe.reading)
    reader.start()
    assert writer.flush(30)
    time.sleep(REPORT_SECONDS)
    lines = finish(writer, reader)
    lost = sum(writer.dropped.values())
    assert lost > 0
    assert sum(int(line.split()[-1]) for line in lines if b"LOST" in line) == lost
    assert sum(1 for line in lines if b"LOST" not in line) + lost == submitted
    assert {cause for _, cause in writer.dropped} <= {"full", "backlog"}


def test_debug_is_given_up_first_and_warnings_last(pipe: Pipe, writers: list[Writer]) -> None:
    capacity = 512 * 1024
    writer = start(writers, pipe.writing, capacity)
    # The pipe is full; then DEBUG and INFO as much as they may, and warnings up to the last quarter's end.
    for level, count in ((INFO, 1100), (DEBUG, 600), (INFO, 600), (WARNING, 440)):
        for number in range(count):
            writer.submit(record(f"{number} " + "x" * 1000, level), NOWHERE)
            if number % 20 == 19:
                writer.flush(0.005)
    assert writer.dropped["DEBUG", "full"] > 0
    assert writer.dropped["INFO", "full"] > 0
    assert not [key for key in writer.dropped if key[0] == "WARNING"]
    data = pipe.read_until(b"30 439 ", timeout=20)
    assert data.count(b"\n30 ") == 440


@pytest.mark.parametrize("length", [10, 200, 16_000])
def test_memory_stays_within_twice_its_bound_and_two_portions_whatever_is_logged(
    pipe: Pipe, writers: list[Writer], length: int
) -> None:
    capacity = 1024**2
    writer = start(writers, pipe.writing, capacity)
    tracemalloc.start()
    try:
        deadline = time.monotonic() + 20
        for number in range(10_000_000):
            for level in (DEBUG, INFO, WARNING):
                text = f"{number}{'x' * length}"
                writer.submit((0.0, level, log, text, {"number": number, "text": text[::-1]}, None), NOWHERE)
            if writer.dropped["WARNING", "full"] + writer.dropped["WARNING", "backlog"] > 50:
                break
            assert time.monotonic() < deadline
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * capacity + 2 * PORTION * 2 * length


def test_a_flood_of_errors_into_a_stalled_pipe_leaves_nothing_behind_but_its_buffer(
    pipe: Pipe, writers: list[Writer]
) -> None:
    writer = start(writers, pipe.writing, capacity=256 * 1024)
    fill(writer)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20_000):
            writer.submit(record("error", ERROR), NOWHERE)
        writer.flush(0.1)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 128 * 1024


def test_a_reader_that_went_away_is_survived(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    os.close(pipe.reading)
    for _ in range(10):
        writer.submit(record("to nobody", ERROR), NOWHERE)
        writer.flush()
    assert writer.dropped["ERROR", "closed"] >= 9
    pipe.reading, _ = os.pipe()


def test_a_closed_descriptor_costs_what_was_for_it_and_the_next_one_serves(
    tmp_path: Path, writers: list[Writer]
) -> None:
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    writer = start(writers, fd)
    os.close(fd)
    writer.submit(record("to nobody"), NOWHERE)
    assert writer.flush(30)
    assert writer.dropped["INFO", "closed"] == 1
    assert os.open(path, os.O_WRONLY) == fd
    writer.submit(record("to somebody"), NOWHERE)
    assert writer.flush(30)
    os.close(fd)
    assert b"to somebody" in path.read_bytes()


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
        writer.submit(record("x" * 1000), NOWHERE)
    began = time.monotonic()
    assert not writer.flush(0.2)
    assert time.monotonic() - began < 5


def test_a_burst_of_20_megabytes_loses_nothing_while_somebody_reads(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing, capacity=8 * 1024**2)
    reader = Reader(pipe.reading)
    reader.start()
    text = "x" * 90
    for number in range(200_000):
        writer.submit(record(f"{number} {text}", (INFO, WARNING)[number & 1]), NOWHERE)
    assert writer.flush(60)
    assert len(finish(writer, reader)) == 200_000
    assert not writer.dropped


def test_a_reader_that_takes_its_time_is_waited_for(
    pipe: Pipe, writers: list[Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer's clock is what was read, a second every 640 KiB: it stands still while others have the processor."""
    writer = start(writers, pipe.writing, capacity=512 * 1024)
    reader = Reader(pipe.reading, pause=0.005)
    monkeypatch.setattr("prosaas_logging.writer.time", SimpleNamespace(monotonic=lambda: len(reader.data) / 655_360))
    reader.start()
    text = "x" * 490
    for number in range(20_000):
        writer.submit(record(f"{number} {text}"), NOWHERE)
    assert writer.flush(60)
    assert len(finish(writer, reader)) == 20_000
    assert not writer.dropped


def test_a_burst_into_a_file_loses_nothing(tmp_path: Path, writers: list[Writer]) -> None:
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer = start(writers, fd, capacity=8 * 1024**2)
    text = "x" * 90
    for number in range(200_000):
        writer.submit(record(f"{number} {text}"), NOWHERE)
    assert writer.flush(60)
    assert not writer.dropped
    os.close(fd)
    with open(tmp_path / "log", "rb") as file:
        assert sum(1 for _ in file) == 200_000


def test_a_flood_starves_neither_the_tick_nor_a_flush(pipe: Pipe, writers: list[Writer]) -> None:
    """Rendering takes longer than logging here: there is always more."""
    ticks = []

    def render_slowly(record: Record, context: Context) -> bytes:
        sum(range(1000))
        return render(record, context)

    writer = Writer(pipe.writing, render_slowly, 1024**2, report=report, tick=lambda: ticks.append(time.monotonic()))
    writers.append(writer)
    writer.start()
    reader = Reader(pipe.reading)
    reader.start()
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            writer.submit(record("x" * 100), NOWHERE)

    floods = [threading.Thread(target=flood) for _ in range(2)]
    for thread in floods:
        thread.start()
    began = time.monotonic()
    flushed = [writer.flush(5) for _ in range(5)]
    time.sleep(max(0.0, 1.5 - (time.monotonic() - began)))
    over.set()
    for thread in floods:
        thread.join()
    passed = time.monotonic() - began
    assert flushed == [True] * 5
    assert len(ticks) >= passed / TICK_SECONDS / 4
    assert not writer.dropped
    finish(writer, reader)


def test_a_flush_tells_the_truth_when_nothing_is_rendered(
    pipe: Pipe, writers: list[Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = start(writers, pipe.writing)
    held = threading.Event()
    monkeypatch.setattr(writer, "_render", lambda *_: held.wait(30) and b"late\n")
    writer.submit(record("late"), NOWHERE)
    assert not writer.flush(0.1)
    held.set()
    assert writer.flush(30)
    assert pipe.read_until(b"late\n")


def test_an_error_is_in_the_pipe_when_its_call_returns(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    writer.flush(30)
    os.set_blocking(pipe.reading, False)
    for number in range(3):
        writer.submit(record(f"before {number}"), NOWHERE)
        writer.submit(record(f"failed {number}", ERROR), NOWHERE)
        assert f"failed {number}\n".encode() in os.read(pipe.reading, 1000)


def test_errors_wait_for_a_bounded_share_of_time(pipe: Pipe, writers: list[Writer]) -> None:
    """However slow rendering is, a storm of errors is not held up by it for more than a moment in all."""
    writer = Writer(pipe.writing, lambda *_: time.sleep(0.02) or b"slow\n", 1024**2, report=report)
    writers.append(writer)
    writer.start()
    began = time.monotonic()
    for _ in range(200):
        writer.submit(record("failed", ERROR), NOWHERE)
    assert time.monotonic() - began < 1.0


def test_the_switch_and_the_next_line_survive_a_tick_that_fails(pipe: Pipe, writers: list[Writer]) -> None:
    def tick() -> None:
        raise RuntimeError

    writer = Writer(pipe.writing, render, 1024**2, report=report, tick=tick)
    writers.append(writer)
    writer.start()
    writer.submit(record("fine"), NOWHERE)
    assert b"20 fine\n" in pipe.read_until(b"fine\n")


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


def test_a_buffer_says_whether_anything_waits_in_it(pipe: Pipe) -> None:
    buffer = Buffer(Outlet(pipe.writing), 1024**2, lambda *_: None)
    assert not buffer
    buffer.store([(INFO, b"line\n")])
    assert buffer
    buffer.write()
    assert not buffer


def test_what_was_written_leaves_its_room_to_others_to_the_last_byte(pipe: Pipe) -> None:
    """However many pieces went before, as much waits for a reader as at first, and not one line more."""
    lost: list[tuple[int, str]] = []
    buffer = Buffer(Outlet(pipe.writing), 64 * 1024, lambda level, cause: lost.append((level, cause)))

    def taken() -> int:
        lost.clear()
        buffer.store([(DEBUG, b"x")] * 1000)
        return 1000 - len(lost)

    first = taken()
    assert 100 < first < 300
    for _ in range(500):
        buffer.write()
        os.read(pipe.reading, 65536)
        assert not buffer
        buffer.store([(DEBUG, b"one\n")])
    buffer.write()
    assert taken() == first


def test_each_written_line_is_counted_once_by_its_level_or_event(pipe: Pipe, writers: list[Writer]) -> None:
    writer = start(writers, pipe.writing)
    for said, level in (("a", INFO), ("b", INFO), ("c", ERROR), (LOG_LEVEL_CHANGED, INFO), ("unrenderable", INFO)):
        writer.submit((0.0, level, log, said, {"total": 1}, None), NOWHERE)
    assert writer.flush(30)
    assert {said: writer.lines[said] for said in (INFO, ERROR, LOG_LEVEL_CHANGED)} == {
        INFO: 2,
        ERROR: 1,
        LOG_LEVEL_CHANGED: 1,
    }
    assert writer.dropped == {("INFO", "render"): 1}


def test_a_record_weighs_what_its_texts_do_on_top_of_itself() -> None:
    fields: dict[str, object] = {"a": "x" * 100, "b": 7, "c": None, "d": "y" * 10}
    assert weight((0.0, INFO, log, "z" * 1000, fields, None)) == weight((0.0, INFO, log, "", {}, None)) + 1110
    assert weight((0.0, WARNING, log, LOG_DROPPED, {"total": 1}, None)) == weight((0.0, INFO, log, "", {}, None))


def test_what_might_block_is_given_a_little_at_a_time_and_a_pipe_of_our_own_as_much_as_it_takes(pipe: Pipe) -> None:
    """A socket or a terminal that says it takes something may still take less than a long line."""
    reader, sender = socket.socketpair()
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024**2)
    assert Outlet(sender.fileno()).write(b"x" * 15_000) == ATOMIC
    # However small the machine keeps pipes for somebody who has many.
    assert Outlet(pipe.writing).write(b"x" * 15_000) > ATOMIC
    reader.close()
    sender.close()


def test_who_writes_asks_a_descriptor_that_may_block_and_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(Outlet, "wait", lambda _, seconds: bool(asked.append(seconds)))
    reader, sender = socket.socketpair()
    assert Outlet(sender.fileno()).write(b"x") == 0
    assert asked == [0]
    reader.close()
    sender.close()


def test_lines_of_two_writers_on_a_narrow_pipe_do_not_mix(pipe: Pipe, writers: list[Writer]) -> None:
    both = [start(writers, pipe.writing), start(writers, pipe.writing)]
    fcntl.fcntl(pipe.writing, fcntl.F_SETPIPE_SZ, 4096)
    for number in range(1500):
        for writer, name in zip(both, "ab", strict=True):
            writer.submit(record(f"{number} {name * 300}"), NOWHERE)
    reader = Reader(pipe.reading)
    reader.start()
    for writer in both:
        assert writer.flush(30)
    lines = finish(both[0], reader)
    for name in "ab":
        own = [line for line in lines if line.endswith(name.encode())]
        assert own == [f"20 {number} {name * 300}".encode() for number in range(1500)]


def test_a_socket_that_nobody_reads_does_not_stop_the_writer_s_clock(writers: list[Writer]) -> None:
    reader, sender = socket.socketpair()
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    ticks = []
    writer = Writer(sender.fileno(), render, 1024**2, report=report, tick=lambda: ticks.append(0))
    writers.append(writer)
    writer.start()
    for _ in range(50):
        writer.submit(record("x" * 15_000), NOWHERE)
    assert not writer.flush(0.5)
    before = len(ticks)
    assert not writer.flush(1)
    assert len(ticks) > before
    reader.close()
    writer.close(0.1)
    sender.close()


def test_a_turn_takes_only_what_was_there_when_it_began(pipe: Pipe, writers: list[Writer]) -> None:
    """Each line here makes another: a turn that went on until there are none would never come to an end."""
    over = threading.Event()

    def render_and_log(record: Record, context: Context) -> bytes:
        if not over.is_set() and record[3] == "again":
            writer.submit(record, context)
        return render(record, context)

    writer = Writer(pipe.writing, render_and_log, 1024**2, report=report)
    writers.append(writer)
    writer.start()
    reader = Reader(pipe.reading)
    reader.start()
    writer.submit(record("again"), NOWHERE)
    flushed = [writer.flush(10) for _ in range(3)]
    over.set()
    finish(writer, reader)
    assert flushed == [True] * 3


def test_a_backlog_wakes_the_writer(pipe: Pipe, writers: list[Writer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prosaas_logging.writer.POLL_SECONDS", 30.0)
    writer = start(writers, pipe.writing)
    for number in range(2 * PORTION):
        writer.submit(record(f"line-{number}"), NOWHERE)
    assert b"line-0\n" in pipe.read_until(b"line-63\n", timeout=10)


def test_others_have_the_processor_in_the_midst_of_a_long_record(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up: list[object] = []
    monkeypatch.setattr("prosaas_logging.redact.sleep", given_up.append)
    redact("a short one: token=abcdef")
    assert not given_up
    redact("token=abcdef " * 2000)
    assert len(given_up) == 2, "its beginning and its end, of which each takes a few milliseconds at most"


class Slow(Repeats):
    """Takes its time over what is said again: until the last counts are told, or for a moment."""

    def __init__(self) -> None:
        super().__init__(lambda record, _: str(record[3]))
        self.again = threading.Event()
        self.told = threading.Event()

    def sift(self, record: Record, context: Context) -> list[Said]:
        if self._runs:
            self.again.set()
            self.told.wait(0.3)
        return super().sift(record, context)

    def sweep(self, *, everything: bool = False) -> list[Said]:
        said = super().sweep(everything=everything)
        if everything:
            self.told.set()
        return said


def test_what_is_counted_while_the_last_counts_are_told_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, repeats = Pipe(), Slow()
    writer = Writer(pipe.writing, render, 1 << 20, report=report, repeats=repeats)
    writer.start()
    writer.submit(record("again", WARNING), NOWHERE)
    assert writer.flush(5)
    writer.submit(record("again", WARNING), NOWHERE)
    assert repeats.again.wait(5)
    # As if the flush had ended just before it came.
    monkeypatch.setattr(writer, "flush", lambda timeout: True)
    writer.close(5)
    assert "REPEATED" in pipe.read_until(b"REPEATED").decode()
    pipe.close()
