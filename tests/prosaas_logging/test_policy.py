"""What is in force, and who is told of it."""

import pytest

from prosaas_logging import policy as module
from prosaas_logging.levels import DEBUG, INFO
from prosaas_logging.policy import Policy, apply, follow, in_force


def test_who_follows_is_told_what_is_in_force_and_then_of_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger that is made after the start has its level at once."""
    monkeypatch.setattr(module, "_followers", [])
    before = in_force()
    told: list[Policy] = []
    follow(told.append)
    assert told == [before]
    changed = Policy(threshold=DEBUG)
    apply(changed)
    assert told == [before, changed]


def test_a_policy_that_is_applied_while_others_are_told_is_the_last_one_that_all_hear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_followers", [])
    last: list[int] = []

    def meddles(told: Policy) -> None:
        if told.threshold == DEBUG:
            apply(Policy(threshold=INFO))

    follow(meddles)
    follow(lambda told: last.append(told.threshold))
    apply(Policy(threshold=DEBUG))
    assert last[-1] == INFO == in_force().threshold
