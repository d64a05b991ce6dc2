"""Threads and events that no library of green threads has patched."""

import pytest

from prosaas_logging import real
from prosaas_logging.real import Event, SimpleQueue, Thread


def test_an_event_lets_everybody_pass_once_it_is_set_and_not_before() -> None:
    event = Event()
    assert not event.wait(0)
    assert not event.wait(-1)
    event.set()
    event.set()
    assert [event.wait(0) for _ in range(3)] == [True] * 3


def test_all_who_wait_for_an_event_are_woken() -> None:
    event, passed, begun = Event(), SimpleQueue[bool](), SimpleQueue[None]()

    def wait() -> None:
        begun.put(None)
        passed.put(event.wait(300))

    for _ in range(3):
        Thread(wait).start()
        begun.get(timeout=30)
    # Most of the time they wait by then; that they are woken does not depend on it.
    real.sleep(0.05)
    event.set()
    assert [passed.get(timeout=30) for _ in range(3)] == [True] * 3


def test_a_thread_knows_itself_while_it_runs_and_is_nobody_before_and_after() -> None:
    told, go_on, ended = SimpleQueue[tuple[bool, bool]](), Event(), Event()

    def work() -> None:
        told.put((thread.running, thread.is_current()))
        go_on.wait(30)

    def watch() -> None:
        while thread.running:
            real.sleep(0.001)
        ended.set()

    thread = Thread(work)
    assert (thread.running, thread.is_current()) == (False, False)
    thread.start()
    assert told.get(timeout=30) == (True, True)
    assert (thread.running, thread.is_current()) == (True, False)
    go_on.set()
    Thread(watch).start()
    assert ended.wait(30)
    assert not thread.is_current()


def test_a_thread_that_could_not_be_started_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(real._thread, "start_new_thread", refuse)
    thread = Thread(lambda: None)
    with pytest.raises(RuntimeError):
        thread.start()
    assert not thread.running
