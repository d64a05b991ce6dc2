"""How long each kind of job is tried."""

import random
from datetime import timedelta
from math import inf

import pytest

from prosaas_core.jobs import APPOINTMENT_REMIND, BUSINESS_TELL, CALL_SUMMARISE, WHATSAPP_REPLY
from prosaas_worker.jobs import JOBS, PATIENCE

DAY = timedelta(days=1).total_seconds()


@pytest.mark.parametrize(
    ("job", "tried_s"),
    [(CALL_SUMMARISE, 7 * DAY), (WHATSAPP_REPLY, DAY), (BUSINESS_TELL, DAY), (APPOINTMENT_REMIND, inf)],
)
def test_a_job_is_tried_for_as_long_as_its_effect_is_worth_something(job: str, tried_s: float) -> None:
    """The last try is at the end of that time, and none after it; a reminder itself knows its hour."""
    patience = PATIENCE[job]
    assert patience.pause(3, min(tried_s, 100 * DAY) - 60) is not None
    assert tried_s == inf or patience.pause(3, tried_s) is None


def test_every_kind_has_its_time() -> None:
    assert JOBS.keys() == PATIENCE.keys()


@pytest.mark.parametrize("job", JOBS)
def test_a_summary_can_wait_for_half_an_hour_and_nothing_else_for_more_than_five_minutes(
    job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)
    assert PATIENCE[job].pause(60, 0.0) == (1800 if job == CALL_SUMMARISE else 300)
