"""The process that reads what others write to a service's descriptors 1 and 2, and says it as events, line by line."""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Final

from ..runtime import relay, shutdown
from ..settings import load_settings
from .prints import Printed

_PIECE: Final = 64 * 1024
_OUTPUT, _ERRORS = 0, 3


def main(service: str) -> None:
    """Until nobody has the pipes any more. It is not asked to end: what is in them is somebody's last words."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    relay(load_settings(service))
    streams = {_OUTPUT: sys.stdout, _ERRORS: sys.stderr}
    poll = select.poll()
    for fd in streams:
        poll.register(fd, select.POLLIN)
    while streams:
        for fd, _ in poll.poll():
            data = os.read(fd, _PIECE)
            stream = streams[fd]
            if not data:
                poll.unregister(fd)
                del streams[fd]
            elif isinstance(stream, Printed):
                stream.write_bytes(data)
    shutdown()
