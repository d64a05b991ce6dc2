"""RQ: ``rq worker -w prosaas_logging.adopt.rq.ScopeWorker``, where each job is a scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from rq import Worker

from ..scope import scope


def scoped(perform: Callable[..., bool]) -> Callable[..., bool]:
    """A worker's ``perform_job``, in the scope of its job; what makes a job fail is an abnormal end."""

    @wraps(perform)
    def perform_scoped(worker: Any, job: Any, *arguments: Any, **named: Any) -> bool:
        with scope(job_id=job.id) as opened:
            done = perform(worker, job, *arguments, **named)
            if not done:
                opened.fail("failed")
        return done

    return perform_scoped


class ScopeWorker(Worker):
    """RQ's own worker."""

    perform_job = scoped(Worker.perform_job)
