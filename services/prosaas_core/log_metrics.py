"""The log's own counters, in the form in which Prometheus collects them."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from prosaas_core import tracing
from prosaas_logging import counters


class LogCounters(Collector):
    """Lines written by level and event, records lost by level and cause. Register it with a service's registry."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Read the counters as they are now."""
        now = counters()
        lines = CounterMetricFamily("prosaas_log_lines", "Log lines written.", labels=("level", "event"))
        for labels, count in now["lines"].items():
            lines.add_metric(labels, count)
        yield lines
        dropped = CounterMetricFamily("prosaas_log_dropped", "Log records lost.", labels=("level", "cause"))
        for labels, count in now["dropped"].items():
            dropped.add_metric(labels, count)
        yield dropped
        lost = CounterMetricFamily("prosaas_spans_lost", "Spans of traces that no receiver took.")
        lost.add_metric((), tracing.lost())
        yield lost
