"""What the worker counts for those who cannot any more."""

from datetime import UTC, datetime

from prosaas_core.facts.prices import Charge
from prosaas_core.facts.usage import Usage
from prosaas_core.records import CallRecord
from prosaas_worker import metrics

NOW = datetime(2024, 1, 21, 12, 0, tzinfo=UTC)


def counted(metric: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(metric, labels) or 0.0


def test_a_call_whose_process_died_is_counted_with_what_it_cost() -> None:
    def seen() -> tuple[float, float]:
        return (
            counted("prosaas_calls_ended_total", reason="crashed"),
            counted("prosaas_cost_total", kind="call", name="twilio call", currency="USD"),
        )

    calls, cost = seen()
    spent = Charge("call", "twilio call", Usage(), 0.25, "USD")
    metrics.crashed(
        CallRecord(call_sid="CA1", started_at=NOW, ended_at=NOW, duration_s=45, end_reason="crashed", charges=[spent])
    )
    assert seen() == (calls + 1, cost + 0.25)
