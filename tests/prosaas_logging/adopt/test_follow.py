"""A scope follows the work that is started or submitted in it, and leaves a pool's thread with the task."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.dummy import Process as DummyProcess
from multiprocessing.pool import ThreadPool
from queue import SimpleQueue
from typing import Any

import pytest

from prosaas_logging import scope
from prosaas_logging.adopt.follow import _POOL_METHODS, Carried, follow_threads
from prosaas_logging.scope import PROCESS, current

Seen = SimpleQueue[str]


@pytest.fixture(autouse=True)
def _following(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)
    for name in ("__init__", *_POOL_METHODS):
        monkeypatch.setattr(ThreadPool, name, getattr(ThreadPool, name))
    follow_threads()


def whose(*_: object) -> str:
    """The scope that this is done in."""
    return current().id


class Subclass(threading.Thread):
    """With a ``run`` of its own, as many have."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._seen = seen

    def run(self) -> None:
        self._seen.put(whose())


STARTED: dict[str, Callable[[Seen], Any]] = {
    "a thread": lambda seen: threading.Thread(target=lambda: seen.put(whose())),
    "a subclass": Subclass,
    "a timer": lambda seen: threading.Timer(0, lambda: seen.put(whose())),
    "a process that is a thread": lambda seen: DummyProcess(target=lambda: seen.put(whose())),
    "a thread whose run was replaced": lambda seen: replaced(lambda: seen.put(whose())),
}


def replaced(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread()
    thread.run = run  # type: ignore[method-assign]
    return thread


@pytest.mark.parametrize("what", STARTED)
def test_what_is_started_in_a_scope_belongs_to_it(what: str) -> None:
    seen: Seen = SimpleQueue()
    started = STARTED[what](seen)
    with scope(call_sid="CA1"):
        started.start()
    started.join()
    assert seen.get(timeout=10) == "CA1"


def test_a_thread_of_a_thread_belongs_too() -> None:
    seen: Seen = SimpleQueue()

    def outer() -> None:
        inner = threading.Thread(target=lambda: seen.put(whose()))
        inner.start()
        inner.join()

    with scope(call_sid="CA1"):
        thread = threading.Thread(target=outer)
        thread.start()
        thread.join()
    assert seen.get(timeout=10) == "CA1"


def test_what_is_started_outside_of_every_scope_belongs_to_none() -> None:
    seen: Seen = SimpleQueue()
    thread = threading.Thread(target=lambda: seen.put(whose()))
    thread.start()
    with scope(call_sid="CA1"):
        thread.join()
    assert seen.get(timeout=10) == PROCESS.id


def test_what_ends_a_thread_is_said_in_its_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda _: seen.put(whose()))
    with scope(call_sid="CA1"):
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    assert seen.get(timeout=10) == "CA1"


def test_a_thread_that_has_ended_is_kept_alive_by_nothing() -> None:
    with scope(call_sid="CA1"):
        thread = threading.Thread(target=whose)
        thread.start()
        thread.join()
    gone = weakref.ref(thread)
    gc.disable()
    try:
        del thread
        assert gone() is None
    finally:
        gc.enable()


def test_a_thread_that_could_not_start_can_be_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = SimpleQueue()
    thread = threading.Thread(target=lambda: seen.put(whose()))
    with monkeypatch.context() as no_threads, scope(call_sid="CA1"):
        for name in ("_start_new_thread", "_start_joinable_thread"):
            no_threads.setattr(threading, name, refuse, raising=False)
        with pytest.raises(RuntimeError, match="can't start"):
            thread.start()
    assert "run" not in thread.__dict__
    with scope(call_sid="CA2"):
        thread.start()
        thread.join()
    assert seen.get(timeout=10) == "CA2"


def refuse(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def test_a_pool_s_thread_has_a_scope_no_longer_than_the_task(pool: ThreadPoolExecutor) -> None:
    with scope(call_sid="CA1"):
        # This starts the thread, which outlives the scope.
        first = pool.submit(whose)
    second = pool.submit(whose)
    with scope(call_sid="CA2"):
        third = list(pool.map(whose, [1]))
    assert (first.result(), second.result(), third, pool.submit(whose).result()) == (
        "CA1",
        PROCESS.id,
        ["CA2"],
        PROCESS.id,
    )


def test_a_task_that_fails_takes_its_scope_with_it(pool: ThreadPoolExecutor) -> None:
    with scope(call_sid="CA1"):
        failed = pool.submit(lambda: 1 / 0)
    assert isinstance(failed.exception(), ZeroDivisionError)
    assert pool.submit(whose).result() == PROCESS.id


async def test_the_loop_s_executor_and_what_comes_back_from_it_belong_to_the_scope() -> None:
    loop = asyncio.get_running_loop()
    came_back: asyncio.Future[str] = loop.create_future()
    with scope(call_sid="CA1"):
        assert await loop.run_in_executor(None, whose) == "CA1"
        thread = threading.Thread(
            target=lambda: loop.call_soon_threadsafe(lambda: came_back.set_result(whose())),
        )
        thread.start()
    assert await came_back == "CA1"
    assert await loop.run_in_executor(None, whose) == PROCESS.id


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool: pool.apply(whose),
        lambda pool: pool.apply_async(func=whose).get(10),
        lambda pool: pool.map(whose, [1])[0],
        lambda pool: pool.map_async(whose, [1]).get(10)[0],
        lambda pool: pool.starmap(whose, [(1,)])[0],
        lambda pool: pool.starmap_async(whose, [(1,)]).get(10)[0],
        lambda pool: next(pool.imap(whose, [1])),
        lambda pool: next(pool.imap_unordered(whose, [1])),
    ],
)
def test_a_thread_pool_made_in_one_scope_works_for_each_that_asks(ask: Callable[[Any], str]) -> None:
    with scope(call_sid="CA1"), ThreadPool(1) as pool:
        assert ask(pool) == "CA1"
        with scope(call_sid="CA2"):
            assert ask(pool) == "CA2"
        waiting = pool.apply_async(whose)
        assert waiting.get(10) == "CA1"


def test_a_thread_pool_s_threads_belong_to_nobody() -> None:
    with scope(call_sid="CA1"):
        pool = ThreadPool(1)
    with pool:
        assert pool.apply(whose) == PROCESS.id


def test_carried_work_looks_like_the_work_itself() -> None:
    assert Carried(PROCESS, whose).__name__ == "whose"
    with pytest.raises(AttributeError):
        Carried(PROCESS, whose).nothing  # noqa: B018


def test_following_twice_carries_once() -> None:
    start = threading.Thread.start
    follow_threads()
    assert threading.Thread.start is start
