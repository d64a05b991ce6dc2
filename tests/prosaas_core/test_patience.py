"""Patience: pauses that grow, are counted, and end; Retry-After in both of its forms, within bounds."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from prosaas_core.patience import LONGEST_ASKED_S, Patience, retry_after

NOW = datetime(2024, 1, 21, 12, 0, tzinfo=UTC)


def pauses(patience: Patience, asked_s: float = 0.0) -> list[float]:
    """Every pause until it gives up."""
    waited: list[float] = []
    while (pause := patience.pause(len(waited) + 1, sum(waited), asked_s)) is not None:
        waited.append(pause)
    return waited


def test_pauses_double_up_to_the_longest_and_add_up_to_the_total() -> None:
    waited = pauses(Patience(first_s=1, longest_s=8, total_s=60))
    for pause, most in zip(waited[:5], (1, 2, 4, 8, 8), strict=True):
        assert 0.75 * most <= pause <= most
    assert 59.5 <= sum(waited) <= 60


def test_a_reply_is_tried_for_a_day() -> None:
    waited = pauses(Patience())
    assert timedelta(days=1).total_seconds() - 1 <= sum(waited) <= timedelta(days=1).total_seconds()
    assert max(waited) <= 300


def test_the_wait_that_was_asked_for_is_kept_within_bounds() -> None:
    patience = Patience(first_s=1, longest_s=8, total_s=100_000)
    assert patience.pause(1, 0, asked_s=60) == 60
    assert patience.pause(1, 0, asked_s=math.inf) == LONGEST_ASKED_S
    assert patience.pause(1, 99_990, asked_s=60) == 10


def test_one_pause_is_one_more_attempt_and_not_two() -> None:
    assert all(len(pauses(Patience(first_s=0.2, longest_s=1, total_s=0.2))) == 1 for _ in range(100))


def test_no_number_of_failures_is_too_many() -> None:
    assert Patience(total_s=math.inf).pause(1_000_000, 1e12) is not None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("31536000", LONGEST_ASKED_S),
        ("9" * 400, LONGEST_ASKED_S),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), LONGEST_ASKED_S),
        ("Sun, 21 Jan 2024 12:01:30 -0000", 90),
        ("soon", None),
        ("-5", None),
        ("١٢", None),
        ("Fri, 99 Jan 99999 12:00:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_moment_and_never_longer_than_an_hour(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_no_header_asks_for_nothing() -> None:
    assert retry_after({}) is None
