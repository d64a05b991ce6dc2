"""A descriptor is written to without waiting, whatever it is and whoever reads at its other end."""

import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from prosaas_logging import outlet as module
from prosaas_logging.outlet import Outlet


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's reading and its writing end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def test_a_file_takes_more_at_once_than_a_pipe_keeps_apart_from_other_processes_lines(
    pipe: tuple[int, int], tmp_path: Path
) -> None:
    with (tmp_path / "log").open("wb") as file:
        assert Outlet(file.fileno()).longest == 64 * 1024
    assert Outlet(pipe[1]).longest == select.PIPE_BUF


def test_a_full_pipe_takes_nothing_and_says_when_it_takes_something_again(pipe: tuple[int, int]) -> None:
    outlet = Outlet(pipe[1])
    assert outlet.wait(0)
    while outlet.write(b"x" * 4096):
        pass
    assert not outlet.wait(0)
    os.read(pipe[0], 65536)
    assert outlet.wait(0)
    assert outlet.write(b"y") == 1


@pytest.mark.parametrize("signalled", [BlockingIOError, InterruptedError])
def test_who_is_not_served_now_is_not_gone(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, signalled: type[OSError]
) -> None:
    outlet = Outlet(pipe[1])

    def refuse(*_: object) -> int:
        raise signalled

    monkeypatch.setattr(os, "write", refuse)
    assert outlet.write(b"x") == 0


def test_a_descriptor_that_is_closed_says_so_when_it_is_written_to() -> None:
    low = os.dup(1)
    os.close(low)
    outlet = Outlet(low)
    assert outlet.wait(0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        outlet.write(b"x")


def test_another_s_pipe_is_asked_first_and_given_no_more_than_it_surely_takes(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of another user, which cannot be opened anew."""

    def refuse(*_: object) -> int:
        raise PermissionError

    with monkeypatch.context() as closed:
        closed.setattr(os, "open", refuse)
        outlet = Outlet(pipe[1])
    assert outlet.write(b"x" * 10_000) == 4096
    os.set_blocking(pipe[1], False)
    with suppress(BlockingIOError):
        while os.write(pipe[1], b"x" * 4096):
            pass
    os.set_blocking(pipe[1], True)
    assert outlet.write(b"x") == 0


def test_a_pipe_of_our_own_is_not_asked_first(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """That would be one call of the kernel more for each piece, and it says by itself when it is full."""
    asked: list[float] = []
    monkeypatch.setattr(Outlet, "wait", lambda _, seconds: asked.append(seconds))
    assert Outlet(pipe[1]).write(b"x") == 1
    assert asked == []


def test_a_descriptor_is_waited_for_as_long_as_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    class Asked:
        def register(self, *what: object) -> None:
            asked.append(what)

        def poll(self, milliseconds: float) -> list[object]:
            asked.append((milliseconds,))
            return []

    monkeypatch.setattr(module, "poll", Asked)
    reader, sender = socket.socketpair()
    assert not Outlet(sender.fileno()).wait(0.25)
    assert asked == [(sender.fileno(), select.POLLOUT), (250.0,)]
    reader.close()
    sender.close()
