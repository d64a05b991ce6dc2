"""Each task of Celery's is a job, from its start to its end, and what failed leaves its recording."""

import logging
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from prosaas_logging import adopt_celery, get_logger
from prosaas_logging.adopt.celery import _begin, _end
from prosaas_logging.policy import Policy, Recorded, apply
from prosaas_logging.scope import current, live_scopes

log = get_logger("tests.celery")


def task(name: str) -> SimpleNamespace:
    """A task as Celery's signals hand it over: its request is one for each run."""
    return SimpleNamespace(name=name, request=SimpleNamespace())


def test_a_task_within_another_is_a_job_of_its_own_and_the_outer_one_goes_on() -> None:
    outer, inner = task("bill"), task("tax")
    _begin(task_id="7", task=outer)
    _begin(task_id="8", task=inner)
    assert (current().kind, current().id, current().context.fields["job"]) == ("job", "8", "tax")
    _end(task=inner, state="SUCCESS")
    assert current().id == "7"
    _end(task=outer, state="SUCCESS")
    assert live_scopes() == []


@pytest.mark.parametrize(("state", "ends"), [("SUCCESS", []), ("FAILURE", [("7", "failed")])])
def test_a_task_that_failed_leaves_its_recording(state: str, ends: list[tuple[str, str]]) -> None:
    kept: list[tuple[str, str]] = []

    def dump(ended: Recorded, reason: str, always: bool) -> bool:
        kept.append((ended.id, reason))
        return True

    apply(Policy(ring=100, submit=lambda *_: None, dump=dump))
    run = task("bill")
    _begin(task_id="7", task=run)
    log.debug("adding up")
    _end(task=run, state=state)
    assert kept == ends


def test_an_end_without_a_beginning_is_passed_over() -> None:
    """The worker was adopted in the midst of a task."""
    _end(task=task("bill"), state="SUCCESS")
    assert live_scopes() == []


class Signal:
    """One of Celery's: who is connected weakly and is nobody's own is gone at once."""

    def __init__(self) -> None:
        self.heard: list[Callable[..., object]] = []

    def connect(self, receiver: Callable[..., object], weak: bool = True) -> None:
        self.heard += [] if weak else [receiver]

    def send(self, **said: object) -> None:
        (receiver,) = self.heard
        receiver(signal=self, **said)


def test_a_worker_is_adopted_by_its_signals(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    signals = SimpleNamespace(setup_logging=Signal(), worker_init=Signal(), task_prerun=Signal(), task_postrun=Signal())
    worker = SimpleNamespace(safe_say=print)
    monkeypatch.setitem(sys.modules, "celery.signals", signals)
    monkeypatch.setitem(sys.modules, "celery.apps.worker", worker)
    adopt_celery()
    signals.setup_logging.send(loglevel=30)
    signals.worker_init.send()
    with caplog.at_level(logging.INFO, "celery.worker"):
        worker.safe_say("warm shutdown", sys.stderr)
    assert caplog.messages == ["warm shutdown"]
    run = task("bill")
    signals.task_prerun.send(task_id="7", task=run)
    assert (current().kind, current().id) == ("job", "7")
    signals.task_postrun.send(task=run, state="SUCCESS")
    assert live_scopes() == []
