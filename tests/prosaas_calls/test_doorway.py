"""Who waits before the phone line is let in by turns, and nobody waits for a whole crowd."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
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
