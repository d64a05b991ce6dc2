"""The log's counters reach Prometheus."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from prosaas_core import log_metrics


def test_lines_and_losses_are_counted_by_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        log_metrics,
        "counters",
        lambda: {"lines": {("INFO", "CALL_START"): 3}, "dropped": {("DEBUG", "buffer"): 7}},
    )
    registry = CollectorRegistry()
    registry.register(log_metrics.LogCounters())
    shown = generate_latest(registry).decode()
    assert 'prosaas_log_lines_total{event="CALL_START",level="INFO"} 3.0' in shown
    assert 'prosaas_log_dropped_total{cause="buffer",level="DEBUG"} 7.0' in shown
