"""Retry-After as seconds, as a date, and as nonsense."""

from datetime import UTC, datetime

import pytest

from prosaas_core.retry_after import retry_after

NOW = datetime(2024, 1, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12.0),
        ("Sun, 21 Jan 2024 12:00:30 GMT", 30.0),
        ("Sun, 21 Jan 2024 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_the_header_is_read_in_both_forms_and_ignored_when_unreadable(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_no_header_asks_for_nothing() -> None:
    assert retry_after({}) is None
