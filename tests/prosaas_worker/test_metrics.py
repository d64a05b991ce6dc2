"""What the worker counts for those who cannot any more."""

from datetime import UTC, datetime

import pytest

from prosaas_core.facts.prices import Charge
from prosaas_core.facts.simulated import new_call_sid
from prosaas_core.facts.usage import Usage
from prosaas_core.records import CallRecord
from prosaas_worker import metrics

NOW = datetime(2024, 1, 21, 12, 0, tzinfo=UTC)


def counted(metric: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(metric, labels) or 0.0


@pytest.mark.parametrize(
    ("demo", "call_sid", "counts"),
    [("0", "CA1", True), ("1", "CA1", True), ("0", new_call_sid(), False), ("1", new_call_sid(), True)],
    ids=["real", "real beside a demo", "simulated", "simulated in a demo"],
)
def test_a_call_whose_process_died_is_counted_with_what_it_cost_unless_it_was_simulated(
    demo: str, call_sid: str, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", demo)

    def seen() -> tuple[float, float]:
        return (
            counted("prosaas_calls_ended_total", reason="crashed"),
            counted("prosaas_cost_total", kind="call", name="twilio call", currency="USD"),
        )

    calls, cost = seen()
    spent = Charge("call", "twilio call", Usage(), 0.25, "USD")
    metrics.crashed(
        CallRecord(
            call_sid=call_sid, started_at=NOW, ended_at=NOW, duration_s=45, end_reason="crashed", charges=[spent]
        )
    )
    assert seen() == ((calls + 1, cost + 0.25) if counts else (calls, cost))
