"""What is printed becomes events, line by line, whoever prints it and in whatever pieces."""

import io
import threading
from collections.abc import Iterator

import pytest

from prosaas_logging import scope
from prosaas_logging.adopt.prints import Printed
from prosaas_logging.catalogue import STDERR, STDOUT
from prosaas_logging.levels import DEBUG, ERROR, INFO
from prosaas_logging.policy import Policy, apply
from prosaas_logging.record import Record

TRACEBACK = ("Traceback (most recent call last):", '  File "x.py", line 1, in <module>', "    1 / 0")


class World:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.original = io.StringIO()
        self.printed = Printed(self.original, "stdout")

    def policy(self, **more: object) -> Policy:
        return Policy(submit=lambda record, _: self.records.append(record), **more)  # type: ignore[arg-type]

    @property
    def said(self) -> list[object]:
        return [record[4]["text"] for record in self.records]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    apply(world.policy())
    yield world
    apply(Policy())


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["one\n"], ["one"]),
        (["one\ntwo\nthr", "ee", "\n"], ["one", "two", "three"]),
        (["one\r\n", " \n", "\n", "  two\n"], ["one", "  two"]),
        (["half"], []),
    ],
)
def test_whole_lines_are_said_at_once_and_half_ones_wait_for_their_other_half(
    pieces: list[str], said: list[str], world: World
) -> None:
    assert [world.printed.write(piece) for piece in pieces] == [len(piece) for piece in pieces]
    assert world.said == said


def test_who_closes_it_is_heard_all_the_same(world: World) -> None:
    """Many a library closes what it has written to."""
    world.printed.close()
    world.printed.writelines(["one\n", "two\n"])
    assert world.said == ["one", "two"]


def test_bytes_are_text_also_where_a_character_is_cut_in_two(world: World) -> None:
    raw = "שלום\n".encode()
    assert world.printed.buffer.write(raw[:3]) == 3
    assert world.printed.buffer.write(memoryview(raw[3:])) == len(raw) - 3
    world.printed.write_bytes(b"\xff\n\xd7")
    assert world.said == ["שלום", "\ufffd"]
    world.printed.finish()
    assert world.said == ["שלום", "\ufffd", "\ufffd"]


@pytest.mark.parametrize("more", [0, 1])
def test_a_line_without_an_end_waits_up_to_its_bound(more: int, world: World) -> None:
    world.printed.write("x" * (64 * 1024 + more))
    assert len(world.said) == more


def test_who_prints_finds_a_stream_of_text_that_is_no_terminal(world: World) -> None:
    printed = world.printed
    assert (printed.encoding, printed.errors, printed.mode, printed.name) == ("utf-8", "replace", "w", "<stdout>")
    assert (printed.isatty(), printed.writable(), printed.buffer.writable()) == (False, True, True)
    assert printed.line_buffering
    assert printed.replaces(world.original)
    assert not printed.replaces(io.StringIO())
    printed.reconfigure(encoding="ascii")
    printed.writelines(["a\n", "b\n"])
    assert world.said == ["a", "b"]
    with pytest.raises(TypeError, match="must be str, not bytes"):
        printed.write(b"x")  # type: ignore[arg-type]


def test_a_traceback_is_one_error_with_its_kind_and_its_stack(world: World) -> None:
    lines = [*TRACEBACK, "ZeroDivisionError: division: by zero"]
    world.printed.write("\n".join(["before", *lines, "after", ""]))
    assert world.said == ["before", lines[-1], "after"]
    error = world.records[1][5]
    assert error == ("ZeroDivisionError", "division: by zero", "\n".join(lines))
    assert [record[5] for record in (world.records[0], world.records[2])] == [None, None]


def test_the_frames_of_a_crash_are_one_error_that_ends_with_the_next_line_or_the_process(world: World) -> None:
    frames = [
        "Current thread 0x1 (most recent call first):",
        '  File "x.py", line 1 in f',
        ' File "x.py", line 2 in g',
    ]
    world.printed.write("\n".join(["Fatal Python error: Aborted", *frames, "next", *frames, "end", *frames, ""]))
    assert world.said == ["Fatal Python error: Aborted", frames[0], "next", frames[0], "end"]
    world.printed.finish()
    assert world.said[-1] == frames[0]
    assert [record[5] for record in world.records if record[5]] == [("Crash", frames[0], "\n".join(frames))] * 3


def test_a_stack_without_an_end_is_said_when_it_has_its_bound_of_lines(world: World) -> None:
    for begin in (TRACEBACK[0], "Thread 0x1 (most recent call first):"):
        world.printed.write(f"{begin}\n" + "  deeper\n" * 1001)
        world.printed.finish()
    stacks = [record[5].stack.count("\n") + 1 for record in world.records if record[5]]
    assert stacks == [501, 501]
    # What is beyond it is lines as any other.
    assert world.said.count("  deeper") == 1 + 501 + 501


def test_the_end_of_a_process_says_what_is_half_said_and_a_forked_child_does_not(world: World) -> None:
    world.printed.write("\n".join([*TRACEBACK, "half"]))
    world.printed.finish()
    assert world.said == [*TRACEBACK, "half"]
    world.printed.write("the parent's")
    world.printed.forget()
    world.printed.finish()
    world.printed.write(" line\n")
    assert world.said[4:] == [" line"]


def test_each_thread_has_a_half_of_its_own_and_the_dead_are_said_when_there_are_many(world: World) -> None:
    world.printed.write("mine")
    for number in range(64):
        thread = threading.Thread(target=world.printed.write, args=(f"theirs {number}",))
        thread.start()
        thread.join()
        assert len(world.said) == (63 if number == 63 else 0)
    world.printed.write(" still\n")
    assert world.said[-1] == "mine still"


@pytest.mark.parametrize(
    ("threshold", "named", "said"),
    [(INFO, None, True), (ERROR, None, False), (ERROR, ERROR, True), (INFO, DEBUG, False)],
)
def test_a_print_has_its_event_s_level_or_the_one_that_its_name_was_given(
    threshold: int, named: int | None, said: bool, world: World
) -> None:
    names = () if named is None else (("stdout", named),)
    apply(world.policy(threshold=threshold, names=names, ring=5))
    with scope(call_sid="CA1") as call:
        world.printed.write("hello\n")
        (kept,) = world.records if said else call.drain()
    assert (kept[1], kept[2].name, kept[3]) == (STDOUT.level if named is None else named, "stdout", STDOUT)
    assert bool(world.records) is said


def test_what_nobody_would_keep_of_prints_is_not_kept(world: World) -> None:
    apply(world.policy(threshold=ERROR))
    with scope(call_sid="CA1") as call:
        world.printed.write("hello\n")
        assert call.drain() == []
    assert world.records == []


def test_standard_error_is_said_as_that(world: World) -> None:
    Printed(world.original, "stderr").write("hello\n")
    ((_, level, logger, what, _, _),) = world.records
    assert (level, logger.name, what) == (STDERR.level, "stderr", STDERR)
