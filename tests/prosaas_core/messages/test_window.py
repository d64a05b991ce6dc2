"""WhatsApp's window of a day, and the time at which a message was written."""

from datetime import UTC, datetime, timedelta

import pytest

from prosaas_core.messages.window import is_open, written_at

NOW = datetime(2024, 1, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "open_now"),
    [
        (timedelta(0), True),
        (timedelta(hours=23, minutes=50), True),
        (timedelta(hours=23, minutes=59), False),
        (timedelta(hours=25), False),
    ],
)
def test_the_window_closes_a_little_before_the_day_is_over(ago: timedelta, open_now: bool) -> None:
    assert is_open(NOW - ago, NOW) == open_now


def test_there_is_no_window_with_somebody_who_never_wrote() -> None:
    assert not is_open(None, NOW)


def test_a_message_was_written_when_its_provider_says_unless_that_is_still_to_come() -> None:
    assert written_at(NOW - timedelta(days=3), NOW) == NOW - timedelta(days=3)
    assert written_at(NOW + timedelta(seconds=30), NOW) == NOW
    assert written_at(NOW + timedelta(days=3), NOW) == NOW
    assert written_at(None, NOW) == NOW


def test_where_nobody_says_what_time_it_is_the_clock_does() -> None:
    now = datetime.now(UTC)
    assert is_open(now)
    assert not is_open(now - timedelta(days=2))
    assert written_at(None) >= now
