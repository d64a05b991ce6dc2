"""The circuit breaker, on a clock of the test's own: only what belongs to this period counts."""

import pytest

from clocks import Clock
from prosaas_core.outward.breaker import Breaker


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def opened(clock: Clock) -> Breaker:
    """Open since 0, for thirty seconds, after the first of two requests under way failed."""
    breaker = Breaker(1, 30, clock)
    assert breaker.failed(breaker.period)
    return breaker


def test_a_late_failure_of_an_earlier_request_does_not_lengthen_the_pause(opened: Breaker, clock: Clock) -> None:
    clock.now = 29
    assert not opened.failed(0)
    clock.now = 30
    assert opened.refuses_for() == 0


def test_a_late_success_of_an_earlier_request_does_not_close_it(opened: Breaker) -> None:
    assert not opened.succeeded(0)
    assert opened.refuses_for() == 30


def test_only_the_probe_itself_makes_room_for_another_probe(opened: Breaker, clock: Clock) -> None:
    clock.now = 30
    assert opened.refuses_for() == 0
    opened.abandoned(0)
    assert opened.refuses_for() > 0
    opened.abandoned(opened.period)
    assert opened.refuses_for() == 0


def test_a_failed_probe_begins_another_pause_in_silence(opened: Breaker, clock: Clock) -> None:
    clock.now = 30
    assert opened.refuses_for() == 0
    assert not opened.failed(opened.period)
    assert opened.refuses_for() == 30


def test_a_good_probe_closes_it_and_failures_count_from_none() -> None:
    clock = Clock(0.0)
    breaker = Breaker(2, 30, clock)
    breaker.failed(breaker.period)
    assert breaker.failed(breaker.period)
    clock.now = 30
    assert breaker.refuses_for() == 0
    assert breaker.succeeded(breaker.period)
    assert not breaker.failed(breaker.period)
    assert breaker.refuses_for() == 0


def test_one_failure_that_is_everybodys_opens_it_at_once() -> None:
    breaker = Breaker(5, 30, Clock(0.0))
    assert breaker.failed(breaker.period, at_once=True)
    assert breaker.refuses_for() == 30
