"""Who waits before the phone line is let in by turns, and nobody waits for a whole crowd."""

import socket
from contextlib import ExitStack

from prosaas_calls.doorway import BACKLOG, Doorway

ROOM, CROWD = 16, 600


def test_behind_a_crowd_no_more_are_let_in_first_than_there_is_room_for() -> None:
    """Those who came before are turned away at once, in the order in which they came, and each is counted."""
    shown_out: list[None] = []
    with ExitStack() as stack, Doorway("127.0.0.1", 0, room=ROOM, shown_out=lambda: shown_out.append(None)) as door:
        door.listen(BACKLOG)
        door.setblocking(False)

        def arrives() -> int:
            someone = stack.enter_context(socket.create_connection(door.getsockname()))
            port: int = someone.getsockname()[1]
            return port

        for _ in range(CROWD):
            arrives()
        caller, before, turns = arrives(), 0, 0
        while True:
            try:
                guest, (_, port) = door.accept()
            except BlockingIOError:
                turns += 1
                continue
            stack.enter_context(guest)
            if port == caller:
                break
            before += 1
    assert before < ROOM
    assert len(shown_out) >= CROWD - ROOM
    assert turns < 10


def test_while_there_is_room_nobody_is_turned_away() -> None:
    with ExitStack() as stack, Doorway("127.0.0.1", 0, room=ROOM, shown_out=lambda: None) as door:
        door.listen(BACKLOG)
        door.setblocking(False)
        came = [stack.enter_context(socket.create_connection(door.getsockname())) for _ in range(ROOM)]
        let_in: list[socket.socket] = []
        while len(let_in) < ROOM:
            try:
                guest, address = door.accept()
            except BlockingIOError:
                continue
            stack.enter_context(guest)
            let_in.append(address)
        assert let_in == [each.getsockname() for each in came]
