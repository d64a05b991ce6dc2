"""A scope follows the work: threads, timers, pools and green threads carry the one in which they were started."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any, Final, TypeVar

from ..scope import PROCESS, Scope, current, enter, leave
from .imports import afterwards, when_imported

T = TypeVar("T")

# Of ``multiprocessing.pool.ThreadPool``: whatever takes work, as its first argument.
_POOL_METHODS: Final = ("apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")
_MARK: Final = "_follows_scopes"


def follow_threads() -> None:
    """Have a scope follow what is started or submitted in it, once for a process; a pool's thread has it for a task.

    Where the interpreter hands the context to threads itself, threads are left alone.
    """
    if not getattr(sys.flags, "thread_inherit_context", 0):
        _replace(threading.Thread, "start", _following_start)
    _replace(ThreadPoolExecutor, "submit", _following_submit)
    when_imported("multiprocessing.pool", _follow_thread_pools)
    when_imported("gevent", lambda module: module.Greenlet.add_spawn_callback(_give_context))
    when_imported("gevent.threadpool", lambda module: _replace(module.ThreadPool, "spawn", _following_submit))
    when_imported("eventlet.greenthread", lambda module: afterwards(module.GreenThread, "__init__", _give_context))
    when_imported("eventlet.tpool", lambda module: _replace(module, "execute", _following_call))


class Carried:
    """Work, and the scope that it is done in wherever that may be; otherwise as the work itself is."""

    __slots__ = ("_scope", "_work")

    def __init__(self, scope: Scope, work: Callable[..., object]) -> None:
        self._scope = scope
        self._work = work

    def __call__(self, *arguments: object, **named: object) -> object:
        token = enter(self._scope)
        try:
            return self._work(*arguments, **named)
        finally:
            leave(token)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)


def _replace(owner: Any, name: str, following: Callable[[Any], Any]) -> None:
    former = getattr(owner, name)
    if not hasattr(former, _MARK):
        replacement = wraps(former)(following(former))
        setattr(replacement, _MARK, True)
        setattr(owner, name, replacement)


def _following_start(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start_following(thread: threading.Thread) -> None:
        scope = current()
        if scope is PROCESS:
            start(thread)
            return
        former = thread.__dict__.get("run")
        work = thread.run

        def run() -> None:
            # Given back first, or the thread and what it runs would keep one another alive. And the scope is not left,
            # so that what ends the thread is said in it, too.
            _give_back(thread, former)
            enter(scope)
            work()

        # On the thread itself, for a subclass has a ``run`` of its own.
        thread.run = run  # type: ignore[method-assign]
        try:
            start(thread)
        except BaseException:
            _give_back(thread, former)
            raise

    return start_following


def _give_back(thread: threading.Thread, former: Callable[[], None] | None) -> None:
    if former is None:
        thread.__dict__.pop("run", None)
    else:
        thread.run = former  # type: ignore[method-assign]


def _following_submit(submit: Callable[..., T]) -> Callable[..., T]:
    def submit_following(pool: Any, work: Callable[..., object], /, *arguments: Any, **named: Any) -> T:
        scope = current()
        if scope is PROCESS:
            return submit(pool, work, *arguments, **named)
        # A thread that the pool starts for this is to outlive it, and belongs to nobody.
        token = enter(PROCESS)
        try:
            return submit(pool, Carried(scope, work), *arguments, **named)
        finally:
            leave(token)

    return submit_following


def _following_call(call: Callable[..., T]) -> Callable[..., T]:
    def call_following(work: Callable[..., object], *arguments: Any, **named: Any) -> T:
        scope = current()
        return call(work if scope is PROCESS else Carried(scope, work), *arguments, **named)

    return call_following


def _follow_thread_pools(module: Any) -> None:
    def following_init(init: Callable[..., None]) -> Callable[..., None]:
        def init_outside(*arguments: Any, **named: Any) -> None:
            token = enter(PROCESS)
            try:
                init(*arguments, **named)
            finally:
                leave(token)

        return init_outside

    _replace(module.ThreadPool, "__init__", following_init)
    for name in _POOL_METHODS:
        _replace(module.ThreadPool, name, _following_pool_method)


def _following_pool_method(method: Callable[..., T]) -> Callable[..., T]:
    def method_following(pool: Any, func: Callable[..., object], *arguments: Any, **named: Any) -> T:
        scope = current()
        # Some of these call one another: what is carried already is not carried twice.
        if scope is PROCESS or isinstance(func, Carried):
            return method(pool, func, *arguments, **named)
        return method(pool, Carried(scope, func), *arguments, **named)

    return method_following


def _give_context(greenlet: Any) -> None:
    """Let a greenlet that has not begun begin in the scope in force here; of all other context it keeps its own."""
    scope = current()
    if scope is not PROCESS:
        context = greenlet.gr_context or contextvars.Context()
        context.run(enter, scope)
        greenlet.gr_context = context
