"""Rings become files: bounded, once, with the time stamps of their moments."""

import json
import os
import threading
from collections import deque
from pathlib import Path

import pytest

from prosaas_logging.catalogue import AUDIO_DELTA, BLACKBOX_FAILED, BLACKBOX_WRITTEN
from prosaas_logging.json_lines import JsonRenderer
from prosaas_logging.levels import DEBUG
from prosaas_logging.logger import get_logger
from prosaas_logging.real import Thread
from prosaas_logging.record import Context, Record
from prosaas_logging.recorder import BURST, MOST_WAITING, Recorder, file_name, make_room
from prosaas_logging.render import TextRenderer
from prosaas_logging.scope import Scope
from prosaas_logging.settings import LogSettings

log = get_logger("tests.recorder")


class World:
    def __init__(self, target: Path | str, *, folded: bool = False, place: str = "") -> None:
        configured = LogSettings("svc")
        self.now = 0.0
        self.said: list[tuple[Record, Context]] = []
        self.recorder = Recorder(
            str(target),
            JsonRenderer(configured, TextRenderer(configured)),
            lambda record, context: self.said.append((record, context)),
            clock=lambda: self.now,
            folded=folded,
            place=place,
        )

    def call(self, call_sid: str = "CA1", records: int = 3, **fields: object) -> Scope:
        made = Scope("call", {"call_sid": call_sid})
        made.ring = deque(maxlen=500)
        for number in range(records):
            heard = {"response_id": "r", "bytes": number, **fields}
            made.ring.append((1_700_000_000.0 + number, DEBUG, log, AUDIO_DELTA, heard, None))
        return made


def test_a_dump_is_a_file_of_lines_with_their_own_times_and_one_line_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    call = world.call()
    assert world.recorder.dump(call, "error")
    assert world.recorder.flush(30)
    head, *lines = [json.loads(line) for line in (tmp_path / "CA1.jsonl").read_text().splitlines()]
    assert (head["blackbox"], head["reason"], head["records"]) == ("CA1", "error", 3)
    assert [line["timestamp"] for line in lines] == [f"2023-11-14T22:13:2{number}.000000Z" for number in range(3)]
    assert all(line["call_sid"] == "CA1" for line in lines)
    ((record, context),) = world.said
    assert record[3] is BLACKBOX_WRITTEN
    assert record[4]["path"] == str(tmp_path / "CA1.jsonl")
    assert context.fields == {"call_sid": "CA1"}
    assert not call.ring


def test_an_empty_ring_writes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert not world.recorder.dump(world.call(records=0), "error")
    assert not list(tmp_path.iterdir())


def test_secrets_do_not_reach_a_file(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.recorder.dump(world.call(token="hunter22", note="Bearer abcdefgh", phone="+972501234567"), "error")
    world.recorder.flush()
    text = (tmp_path / "CA1.jsonl").read_text()
    assert not [secret for secret in ("hunter22", "abcdefgh", "501234567") if secret in text]


def test_a_storm_of_errors_writes_a_burst_and_then_one_now_and_then(tmp_path: Path) -> None:
    world = World(tmp_path)
    written = [world.recorder.dump(world.call(f"CA{number}"), "error") for number in range(100)]
    assert sum(written) == BURST
    world.now += 6.0
    assert world.recorder.dump(world.call("CA-later"), "error")
    assert not world.recorder.dump(world.call("CA-later-still"), "error")
    assert world.recorder.suppressed == 100 - BURST + 1
    world.now += 3600
    assert sum(world.recorder.dump(world.call(f"CA{number}"), "error") for number in range(100)) == BURST


def test_a_wish_for_an_empty_ring_gives_no_storm_one_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(BURST):
        world.recorder.dump(world.call(f"CA{number}"), "error")
    assert not world.recorder.dump(world.call(records=0), "asked for", always=True)
    assert not world.recorder.dump(world.call(), "error")


def test_a_recording_is_written_without_being_waited_for_and_says_where_it_was_made(tmp_path: Path) -> None:
    world, told = World(tmp_path, place="host-1"), threading.Event()
    world.recorder._submit = lambda *_: told.set()
    assert world.recorder.dump(world.call(records=1), "error")
    assert told.wait(30)
    head = json.loads((tmp_path / "CA1.jsonl").read_text().splitlines()[0])
    assert head == {"blackbox": "CA1", "kind": "call", "reason": "error", "records": 1, "place": "host-1"}


def test_an_operator_s_wish_is_not_limited(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(100):
        world.recorder.dump(world.call(f"CA{number}"), "error")
    assert world.recorder.dump(world.call("CA-asked"), "asked for", always=True)


def test_the_oldest_files_make_room(tmp_path: Path) -> None:
    for number in range(5):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(b"x" * 100)
        os.utime(file, (number, number))
    make_room(tmp_path, needed=100, total=400)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2.jsonl", "3.jsonl", "4.jsonl"]
    make_room(tmp_path, needed=100, total=400)
    assert len(list(tmp_path.iterdir())) == 3, "there is room to the last byte"


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        *(("CA1-b_c.d", "CA1-b_c.d"), ("a/b c", "a_b_c"), ("..a", "a"), ("", "unnamed"), ("...", "unnamed")),
        ("x" * 150, "x" * 100),
    ],
)
def test_an_id_is_its_file_s_name_as_far_as_it_can_be_one(identity: str, name: str) -> None:
    assert file_name(identity) == name


@pytest.mark.parametrize("identity", ["../../etc/passwd", "/etc/passwd", "..", "", "a\0b", "ש" * 300])
def test_an_id_from_the_network_cannot_leave_the_directory(identity: str, tmp_path: Path) -> None:
    name = file_name(identity)
    assert (tmp_path / f"{name}.jsonl").resolve().parent == tmp_path.resolve()
    assert 0 < len(name) <= 100


def test_on_a_platform_without_volumes_the_ring_goes_to_the_log(tmp_path: Path) -> None:
    world = World("stdout")
    world.recorder.dump(world.call(), "error")
    world.recorder.flush()
    *records, (last, _) = world.said
    assert [record[0] for record, _ in records] == [1_700_000_000.0, 1_700_000_001.0, 1_700_000_002.0]
    assert records[0][1].tail[-1] == "recorded=22:13:20.000Z"
    assert last[4]["path"] == "stdout"
    call = world.call(records=0)
    call.ring.append((1_700_000_000.0625, DEBUG, log, "said", {}, None))
    world.recorder.dump(call, "error")
    world.recorder.flush()
    context = world.said[-2][1]
    assert (context.tail, context.fields) == (("call_sid=CA1", "recorded=22:13:20.062Z"), {"call_sid": "CA1"})


def test_a_recording_that_could_not_be_written_is_said_as_that_and_the_next_one_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    world = World(tmp_path / "file" / "below")
    world.recorder.dump(world.call(), "error")
    assert world.recorder.flush(30)
    ((record, context),) = world.said
    assert (record[3], record[4]["count"]) == (BLACKBOX_FAILED, 1)
    assert "NotADirectoryError" in str(record[4]["error"])
    assert context.fields == {"call_sid": "CA1"}
    (tmp_path / "file").unlink()
    world.recorder.dump(world.call("CA2"), "error")
    assert world.recorder.flush(30)
    assert (tmp_path / "file" / "below" / "CA2.jsonl").exists()


def test_what_was_suppressed_is_told_once_in_a_while(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(BURST + 5):
        world.recorder.dump(world.call(f"CA{number}"), "error")
    assert world.recorder.flush(30)
    for _ in range(3):
        world.now += 30.0
        world.recorder.sweep()
    told = [record[4] for record, _ in world.said if record[3] is BLACKBOX_FAILED]
    assert told == [{"count": 5, "error": "too many at once"}]
    world.now += 30.0
    for seconds, count in ((0.0, 1), (29.0, 1), (1.0, 2)):
        world.now += seconds
        world.recorder.suppressed += 1
        world.recorder.sweep()
        counts = [record[4]["count"] for record, _ in world.said if record[3] is BLACKBOX_FAILED]
        assert counts == [5, *[1, 2][:count]]


def test_an_empty_ring_costs_an_error_storm_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(BURST * 2):
        world.recorder.dump(world.call(records=0), "error")
    assert world.recorder.dump(world.call(), "error")


def test_rings_that_wait_for_a_slow_disk_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    disk = threading.Event()
    monkeypatch.setattr("prosaas_logging.recorder.make_room", lambda *_: disk.wait(30))
    written = [world.recorder.dump(world.call(f"CA{n}"), "crash", always=True) for n in range(MOST_WAITING + 50)]
    disk.set()
    assert world.recorder.flush(30)
    assert MOST_WAITING <= sum(written) <= MOST_WAITING + 1
    assert len(list(tmp_path.iterdir())) == sum(written)


def test_files_are_bounded_in_number_too(tmp_path: Path) -> None:
    for number in range(5):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(b"x")
        os.utime(file, (number, number))
    make_room(tmp_path, needed=1, most=4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2.jsonl", "3.jsonl", "4.jsonl"]


def test_recordings_are_for_the_service_and_its_group_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.recorder.dump(world.call(), "error")
    assert world.recorder.flush(30)
    assert (tmp_path / "CA1.jsonl").stat().st_mode & 0o137 == 0


@pytest.mark.parametrize("what", ["a ring", "folded lines"])
def test_when_the_interpreter_starts_no_more_threads_all_is_written_on_the_spot(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.12 refuses them to what runs at its exit, where a short program first has something to write."""

    def refuse(thread: Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(Thread, "start", refuse)
    recorder = World(tmp_path, folded=True).recorder
    call = World(tmp_path).call(records=1)
    if what == "a ring":
        assert recorder.dump(call, "error")
    else:
        recorder.keep_folded(call, call.ring[0])
    assert recorder.flush(0)
    (file,) = tmp_path.rglob("CA1.jsonl")
    assert '"response_id":"r"' in file.read_text()


def test_of_one_scope_so_many_folded_bytes_are_kept_and_no_line_of_them_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prosaas_logging.recorder.MOST_FOLDED_BYTES", 2000)
    world = World(tmp_path, folded=True)
    for call in (world.call(), world.call("CA2", 1)):
        for _ in range(20):
            world.recorder.keep_folded(call, call.ring[0])
        assert world.recorder.flush(30)
    for sid in ("CA1", "CA2"):
        file = tmp_path / "folded" / f"{sid}.jsonl"
        assert str(file) == world.recorder.where_folded(world.call(sid))
        lines = file.read_bytes().splitlines(keepends=True)
        assert 2000 - len(lines[0]) < file.stat().st_size <= 2000
        assert [json.loads(line)["bytes"] for line in lines] == [0] * len(lines)
        assert file.stat().st_mode & 0o777 == 0o640
    world.recorder.keep_folded(world.call(), call.ring[0])
    assert world.recorder.flush(30)
    assert (tmp_path / "folded" / "CA1.jsonl").stat().st_size <= 2000


def test_a_folded_line_that_just_fits_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, folded=True)
    for sid in ("CA1", "CA2"):
        call = world.call(sid, 1)
        for _ in range(5):
            world.recorder.keep_folded(call, call.ring[0])
        assert world.recorder.flush(30)
        kept = Path(world.recorder.where_folded(call)).read_bytes()
        monkeypatch.setattr("prosaas_logging.recorder.MOST_FOLDED_BYTES", len(kept) * 3 // 5)
    assert kept.count(b"\n") == 3


def test_a_folded_line_that_cannot_be_rendered_costs_none_of_those_that_wait_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, folded=True)
    call = world.call()
    render, rendered = world.recorder._render.line, 0

    def line(record: Record, context: Context) -> bytes:
        nonlocal rendered
        rendered += 1
        if rendered <= 2:
            raise ValueError("a fault")
        return render(record, context)

    monkeypatch.setattr(world.recorder._render, "line", line)
    other = world.call("CA2", 1)
    for each in (other, *[call] * 3):
        world.recorder.keep_folded(each, each.ring[0])
    assert world.recorder.flush(30)
    assert len(Path(world.recorder.where_folded(call)).read_text().splitlines()) == 2
    assert not Path(world.recorder.where_folded(other)).exists()
    assert [record[4] for record, _ in world.said if record[3] is BLACKBOX_FAILED] == [
        {"count": 2, "error": "ValueError: a fault"}
    ]


def test_a_file_of_folded_lines_that_cannot_be_written_costs_no_other_call_its_own(tmp_path: Path) -> None:
    world = World(tmp_path, folded=True)
    (tmp_path / "folded" / "CA1.jsonl").mkdir(parents=True)
    for call in (world.call("CA1"), world.call("CA1"), world.call("CA2")):
        world.recorder.keep_folded(call, call.ring[0])
    assert world.recorder.flush(30)
    assert len((tmp_path / "folded" / "CA2.jsonl").read_text().splitlines()) == 1
    ((said, _),) = world.said
    assert (said[3], said[4]["count"]) == (BLACKBOX_FAILED, 2)


def test_folded_lines_are_written_a_second_after_the_last_time_without_being_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path, folded=True)
    call = world.call()
    file = Path(world.recorder.where_folded(call))
    for number, wait in ((1, 0.9), (2, 1.0)):
        world.recorder.keep_folded(call, call.ring[0])
        world.now += wait
        world.recorder.sweep()
        # A ring is written behind what came before it, by the same thread.
        world.recorder.sweep()
        assert file.exists() is False or number == 2
    assert world.recorder.flush(30)
    assert len(file.read_text().splitlines()) == 2


def test_folded_lines_beyond_what_may_wait_are_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prosaas_logging.recorder.MOST_FOLDED_WAITING", 3)
    world = World(tmp_path, folded=True)
    call = world.call()
    for _ in range(5):
        world.recorder.keep_folded(call, call.ring[0])
    assert world.recorder.suppressed == 2
    world.now += 30
    world.recorder.sweep()
    assert [record[4] for record, _ in world.said if record[3] is BLACKBOX_FAILED] == [
        {"count": 2, "error": "too many at once"}
    ]
    assert world.recorder.flush(30)
    assert len(Path(world.recorder.where_folded(call)).read_text().splitlines()) == 3


@pytest.mark.parametrize("target", ["stdout", "none"])
def test_where_recordings_are_no_files_folded_lines_are_in_the_recorder_alone(target: str) -> None:
    recorder = World(target, folded=True).recorder
    call = World(target).call(records=1)
    assert recorder.where_folded(call) == "recorder"
    recorder.keep_folded(call, call.ring[0])
    assert recorder.flush(5)
    assert recorder.suppressed == 0
