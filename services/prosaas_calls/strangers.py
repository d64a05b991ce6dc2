"""Logs connections that turned out not to be calls: at most one line a second, however many there are."""

import asyncio
from collections.abc import Callable

from prosaas_calls.sockets import shown
from prosaas_logging import get_logger
from prosaas_logging.catalogue import STRANGERS_SHOWN_OUT

log = get_logger(__name__)

_PAUSE_SECONDS = 1.0


class Strangers:
    """The first is told as it comes; those of the second after it are counted, and told together when it is over."""

    def __init__(self) -> None:
        self._count = 0
        self._last: str
        self._pausing: asyncio.TimerHandle | None = None

    def shown_out(self, why: str, say: Callable[[str], None], count: int = 1) -> None:
        """So many were shown out: `say` is called with the reason, cut short, if it is time for a line."""
        self._last = shown(why)
        if self._pausing is None:
            say(self._last)
            count -= 1
            self._pause()
        self._count += count

    def _pause(self) -> None:
        self._pausing = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._pausing = None
        if self._count:
            log.event(STRANGERS_SHOWN_OUT, count=self._count, error=self._last)
            self._count = 0
            self._pause()
