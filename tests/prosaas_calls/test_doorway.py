"""Who waits before the phone line is let in by turns, and nobody waits for a whole crowd."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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


def let_in(door: Doorway) -> list[int]:
    """The ports of those who are let in, as a loop has its turns."""
    ports = []
    with ExitStack() as stack:
        for _ in range(TURNS):
            with suppress(BlockingIOError):
                while True:
                    guest, (_, port) = door.accept()
                    stack.enter_context(guest)
                    ports.append(port)
    return ports


def test_behind_a_crowd_no_more_are_let_in_first_than_there_is_room_for() -> None:
    """Those who came before are turned away in a few turns, in the order in which they came, and each is counted."""
    shown_out: list[int] = []
    with besieged(CROWD, shown_out) as (door, came):
        assert let_in(door) == came[-ROOM:]
    assert sum(shown_out) == CROWD - ROOM


def test_while_there_is_room_nobody_is_turned_away() -> None:
    shown_out: list[int] = []
    with besieged(ROOM, shown_out) as (door, came):
        assert let_in(door) == came
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
