"""Threads, locks and queues of the operating system, whatever a library of green threads has put in their place.

Who waits for a lock of gevent's in one thread is not woken from another; and a writer that is a greenlet writes nothing
while others do not yield. So the log's own come from copies of the C modules that nobody has patched.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any, Final


def _unpatched(name: str) -> Any:
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_thread: Final = _unpatched("_thread")
Lock: Final = _thread.allocate_lock
RLock: Final = _thread.RLock

if TYPE_CHECKING:
    from queue import Empty as Empty
    from queue import SimpleQueue as SimpleQueue

    poll = select.poll
    sleep = time.sleep
else:
    _queue = _unpatched("_queue")
    Empty, SimpleQueue = _queue.Empty, _queue.SimpleQueue
    poll = _unpatched("select").poll
    sleep = _unpatched("time").sleep


class Event:
    """As ``threading.Event``, set once."""

    __slots__ = ("_closed", "_set")

    def __init__(self) -> None:
        self._set = False
        self._closed = Lock()
        self._closed.acquire()

    def set(self) -> None:
        """Let everybody pass who waits, or will."""
        self._set = True
        # Whoever has passed opens it for the next one; opened already, it stays so.
        try:
            self._closed.release()
        except RuntimeError:
            return

    def wait(self, timeout: float) -> bool:
        """Whether it is set, now or within *timeout* seconds."""
        if not self._set and self._closed.acquire(timeout=max(0.0, timeout)):
            self._closed.release()
        return self._set


class Thread:
    """A thread that nobody waits for at the end of the process; ``running`` from its start to its end."""

    __slots__ = ("_ident", "_starting", "_target", "running")

    def __init__(self, target: Callable[[], None]) -> None:
        self._target = target
        self._starting = Lock()
        self._ident = 0
        self.running = False

    def start(self) -> None:
        """Start it unless it runs, or somebody is about to; RuntimeError where there can be none."""
        if self.running or not self._starting.acquire(blocking=False):
            return
        try:
            if not self.running:
                self.running = True
                _thread.start_new_thread(self._run, ())
        except BaseException:
            self.running = False
            raise
        finally:
            self._starting.release()

    def is_current(self) -> bool:
        """Whether it is the one that asks."""
        return bool(self._ident == _thread.get_ident())

    def _run(self) -> None:
        self._ident = _thread.get_ident()
        try:
            self._target()
        finally:
            self.running, self._ident = False, 0
