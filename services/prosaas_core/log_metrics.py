"""What every service shows Prometheus of itself: its version, its process, and the log's own counters."""

import asyncio
import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
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


def new_registry() -> CollectorRegistry:
    """A registry with what all services show; one a service, so that two of them in one process do not meet."""
    registry = CollectorRegistry()
    registry.register(LogCounters())
    ProcessCollector(registry=registry)
    told = {"version": os.environ.get("PROSAAS_VERSION", "")}
    # A Swarm's replica has another address after each start: by its number alone it is the same one.
    if slot := os.environ.get("LOG_PLACE", "").partition("@")[0]:
        told["slot"] = slot
    info = Gauge("prosaas_info", "1, with the version that runs, and which replica it is.", told, registry=registry)
    info.labels(**told).set(1)
    Gauge("prosaas_tasks", "Tasks of the event loop that shows this.", registry=registry).set_function(_tasks)
    return registry


def _tasks() -> float:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0
