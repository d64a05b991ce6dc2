"""The listening socket of the phone line: a connection is a guest until it proves to be a call, and guests are few."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# How many wait in the kernel. A full queue is turned away in 40 ms, 10 µs each, nearly all of it the kernel's; a
# shorter one would be full sooner, and whoever meets a full one comes again a second later.
BACKLOG = 4096
# How many are let in before others have their turn.
_AT_ONCE = 8
# Turning somebody away costs a tenth of letting them in.
_TURNED_AWAY_AT_ONCE = 128
# struct tcp_info: of a socket that listens, tcpi_unacked is how many wait to be accepted.
_WAITING = struct.Struct("24xI")
# More than a second of a caller's voice, and no more than a few milliseconds of work, whatever it is.
_RECEIVE_BYTES = 32 * 1024


class Doorway(socket.socket):
    """Lets everybody in, and the guest who came first out when there are more than `room`.

    It leans on an accept loop that calls `accept` until BlockingIOError, as asyncio's and aiofastnet's do.
    """

    def __init__(self, host: str, port: int, *, room: int, shown_out: Callable[[int], None]) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it: without a bound, the kernel would keep megabytes of a flood for us.
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        self.bind((host, port))
        self._room = room
        self._shown_out = shown_out
        self._guests: dict[int, socket.socket] = {}
        self._let_in = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, as a guest; BlockingIOError when nobody waits, or others are to have their turn."""
        if self._let_in >= _AT_ONCE or (not self._let_in and self._turn_away()):
            self._let_in = 0
            raise BlockingIOError
        try:
            guest, address = super().accept()
        except OSError as error:
            # Where no descriptor is left the loop is to pause, not to ask on: its turn is over, as when nobody waits.
            self._let_in = 0 if isinstance(error, BlockingIOError) else _AT_ONCE
            raise
        self._let_in += 1
        # A descriptor that is given again belonged to somebody who is gone.
        self._guests.pop(guest.fileno(), None)
        self._guests[guest.fileno()] = guest
        if len(self._guests) > self._room:
            self._make_room()
        return guest, address

    def admit(self, descriptor: int) -> None:
        """Whose connection this is has proved to be a call, and is no guest any more."""
        self._guests.pop(descriptor, None)

    def remove_reader(self, descriptor: int) -> None:
        """For the pause of aiofastnet's accept loop, which asks the socket for what the event loop does."""
        asyncio.get_running_loop().remove_reader(descriptor)

    def _turn_away(self) -> bool:
        """Who has more behind them than there is room for would be shown out unheard. Whether some of them are left."""
        (waiting,) = _WAITING.unpack(self.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _WAITING.size))
        too_many: int = waiting - self._room
        turned_away = 0
        for _ in range(min(too_many, _TURNED_AWAY_AT_ONCE)):
            # A descriptor alone: a socket around it would cost a third of all this.
            try:
                os.close(self._accept()[0])  # type: ignore[attr-defined]
            except OSError:
                # `accept` meets the same, and says so.
                too_many = 0
                break
            turned_away += 1
        if turned_away:
            self._shown_out(turned_away)
        return too_many > _TURNED_AWAY_AT_ONCE

    def _make_room(self) -> None:
        self._guests = {number: guest for number, guest in self._guests.items() if guest.fileno() == number}
        if len(self._guests) > self._room:
            first = self._guests.pop(next(iter(self._guests)))
            with suppress(OSError):
                first.shutdown(socket.SHUT_RDWR)
            self._shown_out(1)
