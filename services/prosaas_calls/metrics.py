"""Prometheus metrics of the calls service."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from prosaas_calls.ending import EndReason
from prosaas_calls.stats import CallStats
from prosaas_core.costs.spent import Spent
from prosaas_core.facts.prices import Charge
from prosaas_core.facts.simulated import counts
from prosaas_core.log_metrics import new_registry
from prosaas_core.records import CallRecord

_LATENCIES = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_LINES = (10, 15, 20, 25, 30, 40, 60, 100)
_DURATIONS = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)


class CallMetrics:
    """One registry a service, so that two of them in one process do not meet."""

    def __init__(self) -> None:
        self.registry = new_registry()
        self.active = Gauge("prosaas_calls_active", "Calls on the line now", registry=self.registry)
        self._ended = Counter("prosaas_calls_ended", "Calls ended, by reason", ["reason"], registry=self.registry)
        for reason in EndReason:
            self._ended.labels(reason.value)
        self._duration = Histogram(
            "prosaas_call_duration_seconds", "How long calls last", buckets=_DURATIONS, registry=self.registry
        )
        self._first_audio = Histogram(
            "prosaas_call_first_audio_seconds",
            "From the start of a call to its first sound",
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self._response = Histogram(
            "prosaas_call_response_seconds",
            "From the end of the caller's sentence to the first sound of the answer",
            buckets=_LATENCIES,
            registry=self.registry,
        )

        self._lines = Histogram(
            "prosaas_call_lines", "Lines of this service that a call wrote", buckets=_LINES, registry=self.registry
        )
        self.draining = Gauge(
            "prosaas_drain_overdue_seconds",
            "For how long a drain has gone on beyond its time; 0 while there is none",
            registry=self.registry,
        )
        self._spent = Spent(self.registry)

    def ended(
        self,
        call_sid: str,
        reason: EndReason,
        duration_s: float,
        stats: CallStats,
        charges: Iterable[Charge],
        *,
        lines: int,
    ) -> None:
        """Count a finished call, what it cost, and the lines that it wrote: a real one, or any in a demo."""
        if not counts(call_sid):
            return
        self._ended.labels(reason.value).inc()
        self._duration.observe(duration_s)
        if stats.first_audio_ms is not None:
            self._first_audio.observe(stats.first_audio_ms / 1000)
        self._lines.observe(lines)
        for ms in stats.response_ms:
            self._response.observe(ms / 1000)
        self._spent.count(charges)

    def crashed(self, record: CallRecord) -> None:
        """Count a call whose process died, which could not count it itself."""
        if not counts(record.call_sid):
            return
        self._ended.labels(record.end_reason).inc()
        self._spent.count(record.charges)

    def exposition(self) -> bytes:
        return generate_latest(self.registry)
