"""What Prometheus is told of a call."""

from prosaas_calls.ending import EndReason
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.stats import CallStats


def test_an_ended_call_is_counted_in_seconds_and_lines() -> None:
    """Times come in milliseconds, and alerts and panels ask for the base unit that the names say."""
    metrics = CallMetrics()
    stats = CallStats(first_audio_ms=250, response_ms=[400, 900])

    metrics.ended(EndReason.CUSTOMER_HANGUP, 45.0, stats, [], lines=21)
    metrics.ended(EndReason.MODEL_FAILED, 5.0, CallStats(), [], lines=12)

    value = metrics.registry.get_sample_value
    assert value("prosaas_calls_ended_total", {"reason": "customer_hangup"}) == 1
    assert value("prosaas_call_duration_seconds_sum") == 50.0
    assert (value("prosaas_call_first_audio_seconds_sum"), value("prosaas_call_first_audio_seconds_count")) == (0.25, 1)
    assert (value("prosaas_call_response_seconds_sum"), value("prosaas_call_response_seconds_count")) == (1.3, 2)
    assert value("prosaas_call_lines_sum") == 33
