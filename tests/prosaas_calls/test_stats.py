"""The numbers of a call."""

from time import monotonic

from prosaas_calls.stats import CallStats


def test_percentiles_are_responses_that_happened() -> None:
    """Nearest rank, and nothing at all without a response."""
    stats = CallStats()
    assert stats.percentile(0.5) is None

    stats.response_ms = [300, 100, 200, 400, 1000]

    assert stats.percentile(0.5) == 300
    assert (stats.percentile(0.95), stats.percentile(1.0)) == (1000, 1000)


def test_what_asking_takes_is_what_it_mostly_takes() -> None:
    stats = CallStats()
    assert stats.asking_ms is None
    stats.asked_ms = [70, 2000, 60]
    assert stats.asking_ms == 70


def test_the_duration_stops_with_the_call() -> None:
    """What happens after the end, such as closing sockets, is not part of it."""
    stats = CallStats(started=10.0, ended=12.5)

    assert stats.elapsed_ms() == 2500
    assert 1000 <= CallStats(started=monotonic() - 1.0).elapsed_ms() < 60_000


def test_a_call_begins_with_nothing_counted() -> None:
    stats = CallStats()
    assert not any((stats.turns, stats.barge_ins, stats.false_interruptions, stats.tools))
    assert not any((stats.frames_in, stats.frames_out, stats.response_ms, stats.asked_ms))
