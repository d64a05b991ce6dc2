"""A moment of fuzzing in every run of the tests, always the same inputs; `make fuzz` goes on from there."""

import pytest
from hypothesis import HealthCheck, given, seed, settings

from fuzz.inputs import inputs
from fuzz.running import TARGETS, TooSlow, kept, run, target


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_is_read_or_refused_in_time(name: str) -> None:
    module = target(name)

    @seed(28)
    @settings(max_examples=120, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs(module.SEEDS))
    def holds(data: bytes) -> None:
        run(module, data)

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once_does_not_come_back(name: str) -> None:
    module = target(name)
    for data in (*module.SEEDS, *kept(name)):
        run(module, data)


def test_a_target_that_takes_too_long_is_found_out() -> None:
    class Slow:
        @staticmethod
        def check(data: bytes) -> None:
            sum(range(50_000_000))

    with pytest.raises(TooSlow):
        run(Slow, b"x")  # type: ignore[arg-type]
