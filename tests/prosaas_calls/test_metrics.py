"""What Prometheus is told of a call."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prosaas_calls.ending import EndReason
from prosaas_calls.metrics import CallMetrics
from prosaas_calls.stats import CallStats
from prosaas_core.facts.prices import Charge
from prosaas_core.facts.simulated import new_call_sid
from prosaas_core.facts.usage import Usage
from prosaas_core.records import CallRecord

RULES = Path(__file__).parents[2] / "deploy" / "monitoring" / "rules.yml"


def test_an_ended_call_is_counted_in_seconds_and_lines() -> None:
    """Times come in milliseconds, and alerts and panels ask for the base unit that the names say."""
    metrics = CallMetrics()
    stats = CallStats(first_audio_ms=250, response_ms=[400, 900])

    metrics.ended("CA1", EndReason.CUSTOMER_HANGUP, 45.0, stats, [], lines=21)
    metrics.ended("CA1", EndReason.MODEL_FAILED, 5.0, CallStats(), [], lines=12)

    value = metrics.registry.get_sample_value
    assert value("prosaas_calls_ended_total", {"reason": "customer_hangup"}) == 1
    assert value("prosaas_call_duration_seconds_sum") == 50.0
    assert (value("prosaas_call_first_audio_seconds_sum"), value("prosaas_call_first_audio_seconds_count")) == (0.25, 1)
    assert (value("prosaas_call_response_seconds_sum"), value("prosaas_call_response_seconds_count")) == (1.3, 2)
    assert value("prosaas_call_lines_sum") == 33


def test_every_way_to_end_is_told_of_before_a_call_ends_so() -> None:
    """A rate of what was never there before is none."""
    value = CallMetrics().registry.get_sample_value
    assert {value("prosaas_calls_ended_total", {"reason": reason.value}) for reason in EndReason} == {0}


def test_what_a_call_cost_is_counted_however_it_ended() -> None:
    """Also where its process died, which could not count it itself."""
    metrics, now = CallMetrics(), datetime.now(UTC)
    charge = Charge(kind="model", name="m", usage=Usage(text_in=100), cost=0.5, currency="USD")
    metrics.ended("CA1", EndReason.CUSTOMER_HANGUP, 45.0, CallStats(), [charge], lines=21)
    metrics.crashed(
        CallRecord(call_sid="CA1", started_at=now, ended_at=now, duration_s=1, end_reason="crashed", charges=[charge])
    )
    value = metrics.registry.get_sample_value
    assert value("prosaas_calls_ended_total", {"reason": "crashed"}) == 1
    assert value("prosaas_cost_total", {"kind": "model", "name": "m", "currency": "USD"}) == 1.0


@pytest.mark.parametrize(("demo", "counted"), [("0", 0), ("1", 1)])
def test_a_simulated_call_is_counted_in_a_demo_alone(demo: str, counted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither it nor one whose process died makes the calls of a live stack look worse, or dearer."""
    monkeypatch.setenv("DEMO", demo)
    metrics, call_sid, now = CallMetrics(), new_call_sid(), datetime.now(UTC)
    charge = Charge(kind="model", name="m", usage=Usage(text_in=100), cost=0.5, currency="USD")
    metrics.ended(call_sid, EndReason.MODEL_FAILED, 45.0, CallStats(first_audio_ms=9000), [charge], lines=21)
    metrics.crashed(
        CallRecord(
            call_sid=call_sid, started_at=now, ended_at=now, duration_s=1, end_reason="crashed", charges=[charge]
        )
    )
    value = metrics.registry.get_sample_value
    for reason in ("model_failed", "crashed"):
        assert value("prosaas_calls_ended_total", {"reason": reason}) == counted
    assert value("prosaas_call_first_audio_seconds_count") == counted
    assert (value("prosaas_cost_total", {"kind": "model", "name": "m", "currency": "USD"}) or 0) == counted


def test_what_the_alerts_ask_of_the_histograms_is_one_of_their_bounds() -> None:
    """Between two bounds Prometheus guesses."""
    rules, metrics = RULES.read_text(encoding="utf-8"), CallMetrics()
    asked = re.findall(r'(prosaas_call\w+_bucket)\{le="([\d.]+)"', rules)
    asked += [
        (name, f"{float(bound)}")
        for name, bound in re.findall(r"histogram_quantile\(.*?(prosaas_call_\w+_bucket).*?> ([\d.]+)$", rules, re.M)
    ]
    assert len(asked) >= 3
    for name, bound in asked:
        assert metrics.registry.get_sample_value(name, {"le": bound}) == 0, (name, bound)


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("first_audio_seconds", (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)),
        ("response_seconds", (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)),
        ("duration_seconds", (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)),
        ("lines", (10, 15, 20, 25, 30, 40, 60, 100)),
    ],
)
def test_the_bounds_are_those_of_what_was_recorded_before(name: str, bounds: tuple[float, ...]) -> None:
    """By other ones this week could not be held against the last."""
    text = CallMetrics().exposition().decode()
    found = re.findall(rf'^prosaas_call_{name}_bucket{{le="([\d.]+)"', text, re.MULTILINE)
    assert tuple(map(float, found)) == bounds
