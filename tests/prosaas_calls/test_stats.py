"""The numbers of a call."""

from prosaas_calls.stats import CallStats


def test_percentiles_are_responses_that_happened() -> None:
    """Nearest rank, and nothing at all without a response."""
    stats = CallStats()
    assert stats.percentile(0.5) is None

    stats.response_ms = [300, 100, 200, 400, 1000]

    assert stats.percentile(0.5) == 300
    assert stats.percentile(0.95) == 1000


def test_the_duration_stops_with_the_call() -> None:
    """What happens after the end, such as closing sockets, is not part of it."""
    stats = CallStats(started=10.0, ended=12.5)

    assert stats.elapsed_ms() == 2500
