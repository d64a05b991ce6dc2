"""What every service shows of itself reaches Prometheus, the log's counters among it."""

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


async def test_a_service_shows_its_version_and_how_many_tasks_its_loop_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROSAAS_VERSION", "1.2")
    shown = generate_latest(log_metrics.new_registry()).decode()
    assert 'prosaas_info{version="1.2"} 1.0' in shown
    monkeypatch.setenv("LOG_PLACE", "3@node-b")
    assert 'prosaas_info{slot="3",version="1.2"} 1.0' in generate_latest(log_metrics.new_registry()).decode()
    assert "prosaas_tasks 1.0" in shown
    assert "process_resident_memory_bytes" in shown
