"""What Prometheus collects of tokens and cost."""

from prometheus_client import CollectorRegistry

from prosaas_core.costs.spent import Spent
from prosaas_core.facts.prices import Charge
from prosaas_core.facts.usage import Usage

USAGE = Usage(text_in=900, text_cached=512, audio_in=40, text_out=7, audio_out=80)


def shown(*charges: Charge) -> dict[str, float]:
    """The samples that a service shows, but for when their counters were made."""
    registry = CollectorRegistry()
    Spent(registry).count(charges)
    return {
        f"{sample.name} {' '.join(sample.labels.values())}": sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_tokens_are_counted_by_model_and_direction_and_cost_by_what_it_was_for() -> None:
    model, phone = Charge("model", "m", USAGE, 0.25, "USD"), Charge("phone", "twilio", Usage(seconds=61.0), 0.5, "ILS")
    assert shown(model, phone, model) == {
        "prosaas_tokens_total m in": 1880,
        "prosaas_tokens_total m cached": 1024,
        "prosaas_tokens_total m out": 174,
        "prosaas_cost_total model m USD": 0.5,
        "prosaas_cost_total phone twilio ILS": 0.5,
    }


def test_what_has_no_price_adds_tokens_alone_and_what_was_not_used_no_sample() -> None:
    unpriced = Charge("model", "m", Usage(text_out=3), None, "USD")
    assert shown(unpriced) == {"prosaas_tokens_total m out": 3}
    assert shown(Charge("message", "twilio sms", Usage(), 0.0, "USD")) == {}
