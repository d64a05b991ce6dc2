"""Celery: its signals, so that it leaves logging alone and each task is a job of its own."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from ..scope import Scope, scope

_KEY = "_prosaas_scope"


def adopt_celery() -> None:
    """Have Celery leave logging alone, say its worker's words as lines, and open a scope for each task."""
    signals = import_module("celery.signals")
    # Being connected is enough: Celery then neither installs handlers nor replaces stdout.
    signals.setup_logging.connect(_leave_alone, weak=False)
    signals.worker_init.connect(_take_celery_s_words, weak=False)
    signals.task_prerun.connect(_begin, weak=False)
    signals.task_postrun.connect(_end, weak=False)


def _leave_alone(**_: object) -> None:
    pass


def _take_celery_s_words(**_: object) -> None:
    worker = import_module("celery.apps.worker")
    worker.safe_say = lambda message, stream=None: logging.getLogger("celery.worker").info(message)  # type: ignore[attr-defined]


def _begin(task_id: str = "", task: Any = None, **_: object) -> None:
    opened = scope(job_id=task_id, job=str(getattr(task, "name", "")))
    # With the request, which is one for each run, also of a task that runs inside another.
    setattr(task.request, _KEY, opened.__enter__())


def _end(task: Any = None, state: str | None = None, **_: object) -> None:
    opened: Scope | None = getattr(task.request, _KEY, None)
    if opened is not None:
        if state == "FAILURE":
            opened.fail("failed")
        opened.__exit__(None, None, None)
