"""How calls end: which endings leave a black box, and what is told of whom."""

import pytest

from prosaas_core.facts.endings import ABNORMAL, ENDINGS, EXPLAINED, FINE, HANDED_OVER, UNSERVED, EndReason, ending_of

FAILURES = ("model_failed", "model_unreachable", "caller_lost", "protocol_error", "internal_error", "crashed")


def test_what_nobody_meant_leaves_a_black_box_and_what_was_meant_does_not() -> None:
    assert set(FAILURES) == ABNORMAL


def test_nobody_looks_at_an_ending_that_is_nobodys_doing() -> None:
    assert {"customer_hangup", "agent_ended", "transferred", "forwarded_back"} == FINE
    assert not FINE & (ABNORMAL | UNSERVED)


def test_who_was_sent_away_and_heard_why_may_be_back_from_a_person() -> None:
    assert {
        "model_failed",
        "model_unreachable",
        "drained",
        "over_capacity",
        "over_budget",
        "transferred",
    } == HANDED_OVER
    assert EndReason.LIMIT in EXPLAINED


@pytest.mark.parametrize("reason", EndReason)
def test_every_reason_has_its_row(reason: EndReason) -> None:
    assert ending_of(reason.value) is ENDINGS[reason]


def test_a_reason_of_another_version_has_none() -> None:
    assert ending_of("abducted") is None
