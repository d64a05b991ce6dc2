"""The worker's Prometheus metrics."""

from prometheus_client import Counter, Gauge, Histogram

from prosaas_core.costs.spent import Spent
from prosaas_core.facts.endings import EndReason
from prosaas_core.facts.simulated import counts
from prosaas_core.log_metrics import new_registry
from prosaas_core.records import CallRecord

REGISTRY = new_registry()
JOBS = Counter("prosaas_jobs", "Attempts at jobs, by how they ended.", ["job", "outcome"], registry=REGISTRY)
SECONDS = Histogram("prosaas_job_seconds", "How long a done job took.", ["job"], registry=REGISTRY)
QUEUE = Gauge("prosaas_queue_jobs", "Jobs in the queue, by status.", ["job", "status"], registry=REGISTRY)
# Of the same name as in prosaas-calls, so that one sum has all endings.
CALLS = Counter("prosaas_calls_ended", "Calls ended, by reason.", ["reason"], registry=REGISTRY)
CALLS.labels(EndReason.CRASHED.value)
DATABASE = Gauge("prosaas_database_up", "1 while Postgres answers.", registry=REGISTRY)
SPOOL = Gauge("prosaas_spool_calls", "Calls on disk that nobody holds or has stored.", registry=REGISTRY)
FREE = Gauge("prosaas_volume_free_ratio", "Free share of the disk that a volume is on.", ["volume"], registry=REGISTRY)
CERTIFICATE = Gauge(
    "prosaas_certificate_seconds", "Until the front door's certificate ends; 0 for one that is no good.",
    ["host"], registry=REGISTRY,
)  # fmt: skip
SPENT = Spent(REGISTRY)
READY = Gauge("prosaas_worker_ready", "1 while the worker takes jobs.", registry=REGISTRY)


def finished(job: str, outcome: str, seconds: float | None = None) -> None:
    """Count one attempt: *outcome* is done, retried, held or released."""
    JOBS.labels(job, outcome).inc()
    if seconds is not None:
        SECONDS.labels(job).observe(seconds)


def crashed(record: CallRecord) -> None:
    """Count a call whose process died, which could not count it itself."""
    if counts(record.call_sid):
        CALLS.labels(record.end_reason).inc()
        SPENT.count(record.charges)
