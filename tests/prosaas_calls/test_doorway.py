"""Who waits before the phone line is let in by turns, and nobody waits for a whole crowd."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from picows import WSUpgradeResponse, ws_create_server

from calls_world.waiting import until
from prosaas_calls.doorway import BACKLOG, Doorway

ROOM, CROWD, TURNS = 16, 600, 12


@contextmanager
def besieged(crowd: int, shown_out: list[int]) -> Iterator[tuple[Doorway, list[int]]]:
    """A doorway before which so many wait, with their ports in the order in which they came."""
    with ExitStack() as stack, Doorway("127.0.0.1", 0, room=ROOM, shown_out=shown_out.append) as door:
        door.listen(BACKLOG)
        door.setblocking(False)
        came = [stack.enter_context(socket.create_connection(door.getsockname())) for _ in range(crowd)]
        yield door, [each.getsockname()[1] for each in came]


def let_in(door: Doorway) -> list[list[int]]:
    """The ports of those who are let in, turn by turn, as a loop has them."""
    turns: list[list[int]] = []
    with ExitStack() as stack:
        for _ in range(TURNS):
            turns.append([])
            with suppress(BlockingIOError):
                while True:
                    guest, (_, port) = door.accept()
                    stack.enter_context(guest)
                    turns[-1].append(port)
    return turns


def test_behind_a_crowd_no_more_are_let_in_first_than_there_is_room_for() -> None:
    """Those who came before are turned away in a few turns, in the order in which they came, and each is counted."""
    shown_out: list[int] = []
    with besieged(CROWD, shown_out) as (door, came):
        assert list(chain.from_iterable(let_in(door))) == came[-ROOM:]
    assert sum(shown_out) == CROWD - ROOM


def test_others_have_their_turn_between_eight_who_are_let_in_and_between_128_who_are_turned_away() -> None:
    shown_out: list[int] = []
    with besieged(CROWD, shown_out) as (door, _):
        sizes = [len(turn) for turn in let_in(door)]
    assert shown_out == [128, 128, 128, 128, CROWD - ROOM - 4 * 128]
    assert list(filter(None, sizes)) == [8, 8]


def test_who_is_left_behind_128_who_are_turned_away_need_not_wait_for_another_turn() -> None:
    with besieged(ROOM + 128, []) as (door, _):
        assert [len(turn) for turn in let_in(door)][:2] == [8, 8]


def test_a_turn_in_which_nobody_came_takes_nothing_from_the_next() -> None:
    with besieged(0, []) as (door, _), ExitStack() as stack:
        assert let_in(door) == [[]] * TURNS
        for _ in range(ROOM):
            stack.enter_context(socket.create_connection(door.getsockname()))
        assert [len(turn) for turn in let_in(door)][:2] == [8, 8]


def test_the_kernel_keeps_a_second_of_a_voice_of_each_and_not_much_more() -> None:
    """A flood is its sender's to keep."""
    with besieged(1, []) as (door, _), door.accept()[0] as guest:
        assert 50 * 300 < guest.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 64 * 1024


def test_who_starts_again_has_the_same_door_at_once() -> None:
    """The kernel remembers for a minute each connection that was ended here."""
    with besieged(1, []) as (door, _):
        port = door.getsockname()[1]
        door.accept()[0].close()
    with Doorway("127.0.0.1", port, room=ROOM, shown_out=lambda _: None) as again:
        again.listen(BACKLOG)
        assert again.getsockname() == ("127.0.0.1", port)


class Visitors(ExitStack):
    """Who comes one by one to a door with so much room."""

    def __init__(self, room: int, shown_out: list[int]) -> None:
        super().__init__()
        self.door = self.enter_context(Doorway("127.0.0.1", 0, room=room, shown_out=shown_out.append))
        self.door.listen(BACKLOG)
        self.door.setblocking(False)

    def come(self) -> socket.socket:
        return self.enter_context(socket.create_connection(self.door.getsockname()))

    def let_in(self) -> socket.socket:
        """Our side of whoever came first."""
        while True:
            with suppress(BlockingIOError):
                return self.enter_context(self.door.accept()[0])

    def one_more(self) -> tuple[socket.socket, socket.socket]:
        """Who came, and our side of it."""
        return self.come(), self.let_in()


def gone(guest: socket.socket) -> bool:
    guest.setblocking(False)
    try:
        return guest.recv(1) == b""
    except BlockingIOError:
        return False


def test_beyond_the_room_the_guest_who_came_first_is_shown_out() -> None:
    """Whoever has the descriptor of one who is gone came last all the same."""
    shown_out: list[int] = []
    with Visitors(2, shown_out) as visitors:
        _, leaving = visitors.one_more()
        first, _ = visitors.one_more()
        second, descriptor = visitors.come(), leaving.fileno()
        leaving.close()
        assert visitors.let_in().fileno() == descriptor
        assert (shown_out, gone(first)) == ([], False)
        third, _ = visitors.one_more()
        assert shown_out == [1]
        assert [gone(each) for each in (first, second, third)] == [True, False, False]


def test_who_is_gone_and_who_proved_to_be_a_call_take_no_guests_place() -> None:
    shown_out: list[int] = []
    with Visitors(1, shown_out) as visitors, Path(os.devnull).open() as somebody_elses:
        _, leaving = visitors.one_more()
        descriptor = leaving.fileno()
        leaving.close()
        os.dup2(somebody_elses.fileno(), descriptor)
        caller, ours = visitors.one_more()
        visitors.door.admit(ours.fileno())
        guest, _ = visitors.one_more()
        os.close(descriptor)
        assert (shown_out, gone(caller), gone(guest)) == ([], False, False)


def test_while_there_is_room_nobody_is_turned_away() -> None:
    shown_out: list[int] = []
    with besieged(ROOM, shown_out) as (door, came):
        assert list(chain.from_iterable(let_in(door))) == came
    assert shown_out == []


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """This process can open nothing more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(each) for each in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
    taken = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for descriptor in taken:
            os.close(descriptor)


@pytest.mark.parametrize("crowd", [1, ROOM + 200], ids=["one who waits", "a crowd"])
async def test_without_a_descriptor_left_the_door_pauses_and_then_opens_again(crowd: int) -> None:
    """It asks once, not as often as the loop goes round; who waited is let in when there are descriptors again."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    shown_out: list[int] = []
    with besieged(crowd, shown_out) as (door, _):
        with no_descriptor_left():
            server = await ws_create_server(
                lambda _request: WSUpgradeResponse.create_error_response(404), sock=door, backlog=BACKLOG
            )
            await asyncio.sleep(0.3)
            assert [context["message"] for context in told] == ["socket.accept() out of system resource"]
        await until(lambda: door._guests)
        server.close()
