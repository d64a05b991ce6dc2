"""What /metrics shows: requests by route, webhooks by outcome, and the log's own counters."""

from prometheus_client import Counter, Histogram, generate_latest
from starlette.types import Scope

from prosaas_core.log_metrics import new_registry

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """One registry an application, so that two of them in one process do not mix."""

    def __init__(self) -> None:
        self.registry = new_registry()
        self._seconds = Histogram(
            "prosaas_http_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.webhooks = Counter(
            "prosaas_webhooks_total", "Webhooks by what became of them.", ("source", "outcome"), registry=self.registry
        )

    def observe(self, conn: Scope, method: str, status: int, seconds: float) -> None:
        """Count an answered request under its route, which is one of few, never under its path."""
        route = getattr(conn.get("route"), "path", "unknown")
        self._seconds.labels(method, route, status).observe(seconds)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
