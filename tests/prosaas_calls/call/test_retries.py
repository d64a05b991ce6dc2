"""A model that fails is asked again, as often and as soon as the failure says, and not for ever."""

import pytest

from clocks import Clock
from prosaas_calls.call import retries as module
from prosaas_calls.call.retries import Retries
from prosaas_calls.model.events import RATE_LIMITED
from prosaas_calls.model.leg import ModelFailed


def test_a_third_failure_in_a_row_is_the_last() -> None:
    retries = Retries(retry_for=20)
    assert [retries.pause("server_error", None) for _ in range(2)] == [0, 0]
    with pytest.raises(ModelFailed, match="server_error"):
        retries.pause("server_error", None)


def test_an_answer_makes_failures_a_new_row() -> None:
    retries = Retries(retry_for=20)
    for _ in range(3):
        retries.pause("server_error", None)
        retries.pause("server_error", None)
        retries.answered()


def test_a_limit_of_rate_is_waited_for_longer_and_longer_but_not_longer_than_a_caller_waits() -> None:
    retries = Retries(retry_for=20)
    assert [retries.pause(RATE_LIMITED, None) for _ in range(5)] == [0.5, 1, 2, 4, 8]
    assert retries.pause(RATE_LIMITED, 3.5) == 3.5
    with pytest.raises(ModelFailed):
        retries.pause(RATE_LIMITED, 21)


def test_waits_that_are_each_short_are_together_no_longer_than_a_caller_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first failure on; an answer in between begins the count anew."""
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    retries = Retries(retry_for=20)
    for _ in range(2):
        for _ in range(2):
            assert retries.pause(RATE_LIMITED, 8) == 8
            clock.now += 8
        retries.answered()
    for _ in range(2):
        retries.pause(RATE_LIMITED, 8)
        clock.now += 8
    with pytest.raises(ModelFailed):
        retries.pause(RATE_LIMITED, 8)


def test_who_may_ask_again_at_once_does_so_twice() -> None:
    retries = Retries(retry_for=20)
    assert [retries.pause(RATE_LIMITED, 0.0) for _ in range(2)] == [0, 0]
    with pytest.raises(ModelFailed):
        retries.pause(RATE_LIMITED, 0.0)


def test_who_is_told_to_wait_is_not_counted_but_waited_for_up_to_the_last_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    retries = Retries(retry_for=20)
    assert [retries.pause(RATE_LIMITED, 0.5) for _ in range(5)] == [0.5] * 5
    assert retries.pause(RATE_LIMITED, 20) == 20
    clock.now += 1
    with pytest.raises(ModelFailed):
        retries.pause(RATE_LIMITED, 20)


def test_who_is_told_a_millisecond_does_not_ask_a_thousand_times() -> None:
    assert Retries(retry_for=20).pause(RATE_LIMITED, 0.001) == 0.25
